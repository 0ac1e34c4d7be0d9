#!/usr/bin/python3
"""Computes Gaussian-process regressions with numpy and scipy, independently of the program, as numbers to compare with.

It looks for the largest likelihood from 40 random places with scipy's L-BFGS-B, and goes on with Newton's method in
80-bit arithmetic, so that the numbers hold far more digits than the test asks for. Laws, predictions and leave-one-out
residuals of several made-up figures are in tests/learning/gaussian_process.json; the test learning.gaussian_process
compares the program with them.

Without options it computes everything anew, and compares it with the file. Exit codes: 0 all numbers agree to 1e-8,
1 some do not.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import scipy.linalg
import scipy.optimize

FILE = pathlib.Path(__file__).resolve().parent.parent / "tests/learning/gaussian_process.json"
STARTS = 40
BAR = 1e-8  # The largest relative difference that counts as agreement.
Real = np.longdouble

# The bounds of the law, which include/spikesweep/learning/gaussian_process.hpp documents: in widths of the box, and in
# units of the variance of the values: their mean square from their mean, each with the weight 1 / (noise + median noise).
SHORTEST = 1 / 20
SIGNAL = (1e-6, 1e4)
LARGEST_NUGGET = 10.0
LARGEST_CONDITION = 1e13
GAIN = 1e-6  # In log-likelihood: what a signal is worth at least.
FAR = 50.0  # A length, in widths of the box, from where on "infinite" is tried too.


def cholesky(matrix):
    """The lower factor, in the precision of the matrix."""
    n = len(matrix)
    out = np.zeros_like(matrix)
    for j in range(n):
        row = out[j, :j]
        out[j, j] = np.sqrt(matrix[j, j] - row @ row)
        out[j + 1:, j] = (matrix[j + 1:, j] - out[j + 1:, :j] @ row) / out[j, j]
    return out


def inverse_of_factor(lower):
    """The inverse of a lower triangular matrix, in its precision."""
    n = len(lower)
    out = np.zeros_like(lower)
    for i in range(n):
        out[i] = -(lower[i, :i] @ out[:i]) / lower[i, i]
        out[i, i] = 1 / lower[i, i]
    return out


class Law:
    """relevance (1 / length^2 of each axis), signal and nugget, in widths of the box and units of the values."""

    def __init__(self, relevance, signal, nugget):
        self.relevance, self.signal, self.nugget = np.asarray(relevance), signal, nugget

    def correlations(self, a, b):
        squares = (a[:, None, :] - b[None, :, :]) ** 2
        return np.exp(-(squares @ self.relevance) / 2)


class Exact:
    """One figure in 80-bit arithmetic."""

    def __init__(self, points, values, noise):
        self.points, self.values, self.noise = (np.asarray(x, Real) for x in (points, values, noise))
        self.ones = np.ones(len(values), Real)

    def solve(self, law):
        """(inverse covariance, weights, mean, log-likelihood)"""
        covariance = law.signal * law.correlations(self.points, self.points)
        factor = cholesky(covariance + np.diag(self.noise + law.nugget))
        half = inverse_of_factor(factor)
        inverse = half.T @ half
        mean = self.ones @ inverse @ self.values / (self.ones @ inverse @ self.ones)
        rest = self.values - mean
        weights = inverse @ rest
        value = -(rest @ weights) / 2 - np.sum(np.log(np.diag(factor))) - len(rest) * np.log(2 * Real(np.pi)) / 2
        return inverse, weights, mean, value

    def gradient(self, law):
        """By each relevance, the signal and the nugget, from dense derivatives of the covariance."""
        inverse, weights, _, value = self.solve(law)
        correlations = law.correlations(self.points, self.points)
        squares = (self.points[:, None, :] - self.points[None, :, :]) ** 2
        derivatives = [-law.signal * correlations * squares[:, :, axis] / 2 for axis in range(self.points.shape[1])]
        derivatives += [correlations, np.diag(self.ones)]
        inner = np.outer(weights, weights) - inverse
        return np.array([np.sum(inner * d) / 2 for d in derivatives]), value

    def predict(self, law, new):
        """(values, standard errors)"""
        inverse, weights, mean, _ = self.solve(law)
        covariances = law.signal * law.correlations(self.points, np.asarray(new, Real))
        of_mean = 1 - self.ones @ inverse @ covariances
        variances = law.signal - np.sum(covariances * (inverse @ covariances), axis=0)
        variances = variances + of_mean**2 / (self.ones @ inverse @ self.ones)
        return mean + weights @ covariances, np.sqrt(np.maximum(variances, 0))

    def leave_one_out(self, law):
        """(residuals, standard errors), each by a regression without the point."""
        residuals, errors = [], []
        for i in range(len(self.values)):
            rest = np.arange(len(self.values)) != i
            without = Exact(self.points[rest], self.values[rest], self.noise[rest])
            value, error = without.predict(law, self.points[i:i + 1])
            residuals.append(self.values[i] - value[0])
            errors.append(np.sqrt(error[0] ** 2 + self.noise[i] + law.nugget))
        return np.array(residuals), np.array(errors)


def negative_likelihood(at, points, values, noise):
    """(value, gradient) at log(length) of each axis, log(signal), log(nugget), for scipy; in double precision."""
    axes = points.shape[1]
    law = Law(np.exp(-2 * at[:axes]), np.exp(at[axes]), np.exp(at[axes + 1]))
    correlations = law.correlations(points, points)
    try:
        factor = scipy.linalg.cho_factor(law.signal * correlations + np.diag(noise + law.nugget), lower=True)
    except scipy.linalg.LinAlgError:
        return 1e25, np.zeros_like(at)
    inverse = scipy.linalg.cho_solve(factor, np.eye(len(values)))
    mean = np.sum(inverse @ values) / np.sum(inverse)
    weights = inverse @ (values - mean)
    value = (values - mean) @ weights / 2 + np.sum(np.log(np.diag(factor[0]))) + len(values) * np.log(2 * np.pi) / 2
    inner = (np.outer(weights, weights) - inverse) / 2
    correlated = inner * law.signal * correlations
    slopes = [np.sum(correlated * (points[:, None, a] - points[None, :, a]) ** 2) * law.relevance[a]
              for a in range(axes)]
    return value, -np.array([*slopes, np.sum(correlated), np.trace(inner) * law.nugget])


def polish(exact, law, highest):
    """Newton's method over relevances, log(signal) and nugget, none of them below its bound, in 80-bit arithmetic."""
    axes = len(law.relevance)
    lower = np.array([0] * axes + [np.log(SIGNAL[0]), 0], Real)
    upper = np.array([SHORTEST**-2.0] * axes + [np.log(highest), LARGEST_NUGGET], Real)

    def slope(at):
        found, value = exact.gradient(Law(at[:axes], np.exp(at[axes]), at[axes + 1]))
        found[axes] = found[axes] * np.exp(at[axes])
        return found, value

    at = np.clip(np.array([*law.relevance, np.log(law.signal), law.nugget], Real), lower, upper)
    for _ in range(60):
        here, value = slope(at)
        held = ((at <= lower) & (here <= 0)) | ((at >= upper) & (here >= 0))
        free = np.flatnonzero(~held)
        if not len(free):
            break
        second = np.zeros((len(free), len(free)), Real)
        for column, i in enumerate(free):
            step = Real(1e-7) * max(abs(at[i]), Real(1e-6))
            there = at.copy()
            there[i] += step if at[i] + step <= upper[i] else -step
            second[:, column] = (slope(there)[0] - here)[free] / (there[i] - at[i])
        # The direction needs few digits: the gradient decides where the search ends.
        units = np.array([max(abs(float(at[i])), 1e-3) if i != axes else 1.0 for i in free])
        curvatures, vectors = np.linalg.eigh((second + second.T).astype(float) / 2 * np.outer(units, units))
        along = vectors.T @ (here[free].astype(float) * units)
        move = units * (vectors @ (along / np.maximum(np.abs(curvatures), 1e-14 * np.max(np.abs(curvatures)))))
        share = Real(1)
        while share > 1e-6:
            there = at.copy()
            there[free] += share * move
            there = np.clip(there, lower, upper)
            if slope(there)[1] >= value - 1e-15 * abs(value):
                break
            share /= 2
        done = np.max(np.abs(there - at) / np.maximum(np.abs(at), 1e-6)) < 1e-14
        at = there
        if done:
            break
    return Law(at[:axes], np.exp(at[axes]), at[axes + 1])


def best_law(points, values, noise):
    """The law of the largest likelihood, in 80-bit numbers. Values have about the variance 1."""
    exact = Exact(points, values, noise)
    axes = points.shape[1]
    highest = min(SIGNAL[1], max(2 * SIGNAL[0], LARGEST_CONDITION * min(noise) / len(noise)))
    bounds = [(np.log(SHORTEST), np.log(1e3))] * axes + [(np.log(SIGNAL[0]), np.log(highest)),
                                                         (np.log(1e-12), np.log(LARGEST_NUGGET))]
    random = np.random.default_rng(18)
    found = []
    for _ in range(STARTS):
        start = [*random.uniform(np.log(0.1), np.log(10), axes), random.uniform(np.log(0.1), np.log(50)),
                 random.uniform(np.log(1e-6), 0)]
        done = scipy.optimize.minimize(negative_likelihood, start, args=(points, values, noise), jac=True,
                                       method="L-BFGS-B", bounds=bounds,
                                       options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9})
        found.append((done.fun, tuple(done.x)))
    _, at = min(found)
    at = np.array(at)
    relevance = np.where(at[:axes] > np.log(FAR), 0, np.exp(-2 * at[:axes]))
    law = polish(exact, Law(relevance, np.exp(at[axes]), np.exp(at[axes + 1])), highest)
    plain = min((scipy.optimize.minimize_scalar(
        lambda x: -exact.solve(Law(np.zeros(axes, Real), Real(0), Real(x)))[3].astype(float),
        bounds=(0, top), method="bounded", options={"xatol": 1e-13}) for top in (1e-3, 1e-2, 1e-1, 1, LARGEST_NUGGET)),
        key=lambda done: done.fun)
    if exact.solve(law)[3] <= -plain.fun + GAIN or np.log(law.signal) <= np.log(SIGNAL[0]):
        law = Law(np.zeros(axes, Real), Real(0), best_plain_nugget(exact, Real(plain.x)))
    return exact, law


def best_plain_nugget(exact, start):
    """Where the likelihood without a signal is largest, by bisection of its derivative around `start`."""
    def slope(nugget):
        precision = 1 / (exact.noise + nugget)
        mean = np.sum(precision * exact.values) / np.sum(precision)
        return np.sum((precision * (exact.values - mean)) ** 2) - np.sum(precision)
    if slope(Real(0)) <= 0:
        return Real(0)
    low, high = start / 2, start * 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low


def regression(case):
    """Everything that the test compares, in the units of the case."""
    lower, upper = np.array(case["lower"]), np.array(case["upper"])
    values, noise = np.array(case["values"]), np.array(case["noise"])
    weights = 1 / (noise + np.sort(noise)[len(noise) // 2])
    middle = np.average(values, weights=weights)
    unit = max(np.sqrt(np.average((values - middle) ** 2, weights=weights)), np.sqrt(np.min(noise)))
    inside = [(np.asarray(case[key]) - lower) / (upper - lower) for key in ("points", "new_points")]
    exact, law = best_law(inside[0], (values - middle) / unit, noise / unit**2)
    _, _, mean, likelihood = exact.solve(law)
    predicted, errors = exact.predict(law, inside[1])
    residuals, expected = exact.leave_one_out(law)
    lengths = [float(width / np.sqrt(r)) if r > 0 else None for width, r in zip(upper - lower, law.relevance)]
    return {
        "law": {"lengths": lengths, "signal": float(law.signal * unit**2), "nugget": float(law.nugget * unit**2),
                "mean": float(middle + mean * unit), "log_likelihood": float(likelihood - len(values) * np.log(unit))},
        "predicted": {"values": (middle + predicted * unit).astype(float).tolist(),
                      "standard_errors": (errors * unit).astype(float).tolist()},
        "leave_one_out": {"values": (residuals * unit).astype(float).tolist(),
                          "standard_errors": (expected * unit).astype(float).tolist()},
    }


def made_up(name, seed, count, lower, upper, function, noise, hidden=0.0, repeats=1):
    """A case: a figure at random points of a box. `noise` is the standard deviation that is told, from and to; `hidden`
    is more, which is not told. Each point is there `repeats` times."""
    random = np.random.default_rng(seed)
    lower, upper = np.array(lower, float), np.array(upper, float)
    shares = np.tile(random.random((count // repeats, len(lower))), (repeats, 1))
    new = random.random((8, len(lower))) * 1.2 - 0.1  # Some are outside the box.
    told = random.uniform(*noise, count)
    values = function(*shares.T) + told * random.standard_normal(count) + hidden * random.standard_normal(count)
    points = np.round(lower + shares * (upper - lower), 6)
    return {"name": name, "lower": lower.tolist(), "upper": upper.tolist(), "points": points.tolist(),
            "values": np.round(values, 8).tolist(), "noise": np.round(told**2, 10).tolist(),
            "new_points": np.round(lower + new * (upper - lower), 6).tolist()}


def cases():
    """Figures with what a regression meets: bent, flat along an axis, rough, straight, the same everywhere."""
    return [
        made_up("rate over two axes", 1, 40, [3, 1.2], [5.5, 3.4],
                lambda x, y: 18 + 9 * np.tanh(3 * x - 2 * y) + 2 * x * y, (0.05, 0.15)),
        made_up("one axis without effect", 2, 36, [0, -1, 100], [1, 1, 900],
                lambda x, y, z: 3 + np.sin(4 * x) + 2 * z**2, (0.02, 0.02)),
        made_up("more noise than told", 3, 50, [0, 0], [2, 3], lambda x, y: np.sin(5 * x) + y, (0.05, 0.1), 0.3),
        made_up("straight line", 4, 20, [1], [7], lambda x: 2 + 5 * x, (0.1, 0.2)),
        made_up("the same everywhere", 5, 25, [0, 0], [1, 1], lambda x, y: 4 + 0 * x, (0.1, 0.3), 0.2),
        made_up("equal points", 6, 24, [0, 0], [1, 1], lambda x, y: np.cos(3 * x) + y**2, (0.05, 0.1), repeats=2),
        made_up("eight axes", 7, 60, [0] * 8, [1] * 8,
                lambda a, b, c, d, e, f, g, h: 10 + 4 * a - 3 * b**2 + np.sin(3 * c) * d + e + 0.5 * f * g - 2 * h * a,
                (0.05, 0.1)),
    ]


def differences(expected, found):
    """Largest relative difference of each kind of number. Numbers near 0 are compared with the largest of their list."""
    out = {}
    for part, entries in expected.items():
        for key, value in entries.items():
            a, b = (np.atleast_1d(np.array(x, float)) for x in (value, found[part][key]))
            same_kind = np.isnan(a) == np.isnan(b)
            scale = np.nanmax(np.abs(a)) if np.any(np.isfinite(a)) else 1.0
            away = np.nan_to_num(np.abs(a - b)) / np.maximum(np.nan_to_num(np.abs(a)), max(1e-6 * scale, 1e-300))
            out[f"{part}/{key}"] = float(np.max(np.where(same_kind, away, np.inf)))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the file instead of comparing with it")
    parser.add_argument("file", nargs="?", default=FILE, type=pathlib.Path, help="the file (default: that of the tests)")
    options = parser.parse_args()
    if options.write:
        done = [{**case, **regression(case)} for case in cases()]
        options.file.write_text(json.dumps({"cases": done}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
        return 0
    worst = 0.0
    for case in json.loads(options.file.read_text())["cases"]:
        found = differences({key: case[key] for key in ("law", "predicted", "leave_one_out")}, regression(case))
        key = max(found, key=found.get)
        worst = max(worst, found[key])
        print(f"{case['name']}: largest relative difference {found[key]:.1e} ({key})", flush=True)
    print(f"{'agrees' if worst <= BAR else 'DIFFERS'}: {worst:.1e}, allowed {BAR:g}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
