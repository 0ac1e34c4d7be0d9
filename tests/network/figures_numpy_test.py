#!/usr/bin/python3
"""Every figure of `spikesweep simulate` and its standard error, computed again in numpy from the spikes.

Usage: figures_numpy_test.py SPIKESWEEP
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

RUN_S, REPLICATES = 3.0, 3
BATCHES = 6  # Of each of three runs: 18, at least 16 in all.
N = {"E": 300, "I": 100}
BAND = (20, 120)
RELATIVE = 1e-6  # JSON has all digits, but the variance of counts loses some.


def power_sums(counts):
    """Squares of the transforms of the segments of a run, with the time at which each begins."""
    length = 1000
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    for begin in range(0, len(counts) - length + 1, length // 2):
        segment = counts[begin:begin + length] / (N["E"] * 1e-3)
        yield begin * 1e-3, np.abs(np.fft.rfft(window * (segment - segment.mean()))) ** 2


def smooth(power):
    frequency = np.arange(len(power), dtype=float)
    out = np.zeros(len(power))
    for i in range(1, len(power)):
        near = slice(max(1, i - 6), i + 7)
        weight = np.exp(-0.5 * ((frequency[near] - i) / 2) ** 2)
        out[i] = (weight * power[near]).sum() / weight.sum()
    return out


def crossing(power, peak, direction):
    i = peak
    while power[i] > power[peak] / 2:
        i += direction
    share = (power[i - direction] - power[peak] / 2) / (power[i - direction] - power[i])
    return i - direction + share * direction


def spectral_figures(power):
    s = smooth(power)
    f = np.arange(len(s))
    maxima = [i for i in range(2, len(s) - 1) if s[i] > s[i - 1] and s[i] >= s[i + 1] and BAND[0] <= i <= BAND[1]]
    peak = max(maxima, key=lambda i: s[i])
    first = last = peak
    while s[first - 1] >= 0.75 * s[peak]:
        first -= 1
    while s[last + 1] >= 0.75 * s[peak]:
        last += 1
    weights = s[first:last + 1] - 0.75 * s[peak]
    low, high = crossing(s, peak, -1), crossing(s, peak, 1)
    others = [s[i] for i in maxima if not low <= i <= high]
    found = {"peak_hz": (weights * f[first:last + 1]).sum() / weights.sum(), "peak_power": s[peak],
             "peak_width_hz": high - low}
    if others:
        found["peak_ratio"] = s[peak] / max(others)
    for lowest, highest in ((5, 20), (20, 60), (60, 150)):
        found[f"power_{lowest}_{highest}hz_db"] = 10 * np.log10(power[lowest:highest].sum())
    return found


def lag(pairs):
    """pairs: (E count, I counts from 10 bins before to 10 bins after, NaN outside the run) of each bin."""
    E, I = pairs
    inside = np.isfinite(I)
    products = np.nansum(E[:, None] * I, axis=0) / inside.sum(axis=0)
    covariance = products - E.mean() * I[:, 10].mean()
    top = int(np.argmax(covariance))
    a, b, c = covariance[top - 1:top + 2]
    return top - 10 + (a - c) / (2 * (a - 2 * b + c))


def figures(runs, left_out=None):
    """All figures of the runs but for one batch of one run: (run, batch)."""
    def batch_of(time):
        return np.minimum((np.asarray(time) / RUN_S * BATCHES).astype(int), BATCHES - 1)

    def used(run, time):
        return np.ones(np.shape(time), bool) if left_out is None or left_out[0] != run else batch_of(time) != left_out[1]

    seconds = RUN_S * REPLICATES - (RUN_S / BATCHES if left_out else 0)
    found, squares, synchrony = {}, [], []
    for q in "EI":
        found[f"rate_{q}_hz"] = sum(used(r, t[n]).sum() for r, (t, n) in enumerate(
            (run["time"], run["is"][q]) for run in runs)) / (N[q] * seconds)
        for window in (1, 5, 20, 100):
            parts = []
            for r, run in enumerate(runs):
                counts = run["counts"][q][:len(run["counts"][q]) // window * window].reshape(-1, window).sum(axis=1)
                parts.append(counts[used(r, np.arange(len(counts)) * window * 1e-3)])
            counts = np.concatenate(parts)
            found[f"fano_{q}_{window}ms"] = counts.var(ddof=1) / counts.mean()
        intervals, matrix = [[] for _ in range(N[q])], []
        first = 0 if q == "E" else N["E"]
        for r, run in enumerate(runs):
            time, neuron = run["time"][run["is"][q]], run["neuron"][run["is"][q]] - first
            for i in range(N[q]):
                own = time[neuron == i]
                intervals[i].extend(np.diff(own)[used(r, own[1:])])
            table = np.zeros((N[q], round(RUN_S / 0.02)))
            np.add.at(table, (neuron, np.minimum((time / 0.02).astype(int), table.shape[1] - 1)), 1)
            matrix.append(table[:, used(r, np.arange(table.shape[1]) * 0.02)])
        found[f"isi_cv_{q}"] = np.mean([np.std(x, ddof=1) / np.mean(x) for x in intervals if len(x) >= 5])
        matrix = np.concatenate(matrix, axis=1)
        matrix = matrix[matrix.std(axis=1) > 0]
        correlation = np.corrcoef(matrix)
        found[f"pair_correlation_{q}"] = (correlation.sum() - len(matrix)) / (len(matrix) * (len(matrix) - 1))
    E, I = [], []
    for r, run in enumerate(runs):
        squares += [s for begin, s in power_sums(run["counts"]["E"]) if used(r, begin)]
        keep = used(r, run["time"])
        synchrony += list(run["shares"][keep])
        keep = used(r, np.arange(3000) * 1e-3)
        padded = np.concatenate([np.full(10, np.nan), run["counts"]["I"], np.full(10, np.nan)])
        E.append(run["counts"]["E"][keep])
        I.append(np.lib.stride_tricks.sliding_window_view(padded, 21)[keep])
    found["synchrony"] = np.mean(synchrony)
    found["lag_I_ms"] = lag((np.concatenate(E), np.concatenate(I)))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1000) / 1000)
    found.update(spectral_figures(2 * np.mean(squares, axis=0) * 1e-3 / (window ** 2).sum()))
    return found


def shares(time, neuron):
    first = np.searchsorted(time, time - 2.5e-3, side="left")
    last = np.searchsorted(time, time + 2.5e-3, side="right")
    return np.array([len(set(neuron[a:b])) for a, b in zip(first, last)]) / (N["E"] + N["I"])


def read_runs(path):
    with h5py.File(path, "r") as file:
        time, neuron, replicate = file["time"][()], file["neuron"][()], file["replicate"][()]
    runs = []
    for r in range(REPLICATES):
        own = replicate == r
        t, n = time[own], neuron[own]
        of = {"E": n < N["E"], "I": n >= N["E"]}
        counts = {q: np.bincount(np.minimum((t[of[q]] * 1e3).astype(int), 2999), minlength=3000) for q in "EI"}
        runs.append({"time": t, "neuron": n, "is": of, "counts": counts, "shares": shares(t, n)})
    return runs


class Figures(unittest.TestCase):
    def test_and_their_errors_are_those_of_plain_computation(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "spikes.h5")
            told = json.loads(subprocess.run(
                [sys.argv[1], "simulate", "cai2021_reg", "--duration", f"{RUN_S}s", "--replicates", str(REPLICATES),
                 "--json", "-o", path], check=True, capture_output=True, text=True).stdout)
            runs = read_runs(path)
        whole = figures(runs)
        parts = [figures(runs, (r, b)) for r in range(REPLICATES) for b in range(BATCHES)]
        self.assertEqual(set(whole) - set(told), set())
        self.assertEqual(set(told["standard_errors"]) - set(whole), set() if "peak_ratio" in whole else {"peak_ratio"})
        for name, value in whole.items():
            self.assertAlmostEqual(told[name], value, delta=RELATIVE * abs(value), msg=name)
            others = np.array([part.get(name, np.nan) for part in parts])
            error = np.sqrt((len(others) - 1) * others.var())
            if np.isfinite(error):
                self.assertAlmostEqual(told["standard_errors"][name], error, delta=1e-4 * error, msg=name)
            else:
                self.assertIsNone(told["standard_errors"][name], name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
