"""Writes a run directory with invented but realistically shaped figures, for the tests of tools/report.py."""

import json
import os

import h5py
import numpy as np

AXES = {"S_EE": (3.5, 4.5), "S_IE": (2.5, 3.5), "S_EI": (1.5, 2.5), "S_II": (1.5, 2.5), "lambda_E": (2500, 3500),
        "tau_EE": (1.5, 2.5)}
UNITS = {"lambda_E": "1/s", "tau_EE": "ms"}
QUANTITIES = ["rate_E_hz", "rate_I_hz", "phase_rate_hz", "size_mean", "size_cv", "interval_mean_s", "interval_cv",
              "fano_E_1ms", "peak_hz", "peak_power", "spectrum_db"]
WORDS = ["E rate", "I rate", "phase rate", "mean size", "CV of sizes", "mean interval", "CV of intervals", "Fano factor",
         "spectral peak", "power of the peak", "distance of the log spectra"]
QUANTITY_UNITS = ["Hz", "Hz", "Hz", "spike", "1", "s", "1", "1", "Hz", "Hz^2/Hz", "dB"]
# Relative spread of one run's estimate of each quantity, and of the surrogate's beyond that.
NOISE = [0.006, 0.004, 0.005, 0.006, 0.02, 0.005, 0.02, 0.03, 0.01, 0.05, 0.1]
BASELINES = {"mean_transition": 0.35, "nearest_neighbour": 0.09, "linear_regression": 0.22}
CONFIG = """# A sweep of the box around zhang2024.
[network]
preset = "zhang2024"

[section]
kind = "interval"

[design]
kind = "sobol"
points = 200
"""


def rates(points, axes):
    """Smooth invented rates of E and I [Hz] in the range that the box around zhang2024 has."""
    unit = {name: (points[:, i] - AXES[name][0]) / (AXES[name][1] - AXES[name][0]) for i, name in enumerate(axes)}
    half = np.full(len(points), 0.5)
    get = lambda name: unit.get(name, half)
    drive = (0.9 * get("S_EE") - 0.5 * get("S_IE") - 2.1 * get("S_EI") + 0.8 * get("S_II") + 0.6 * get("lambda_E")
             - 0.2 * get("tau_EE"))
    rate_E = 7.5 * np.exp(1.25 * (drive + 0.2))
    return rate_E, 9.0 + 2.4 * rate_E ** 0.9 + 8.0 * get("S_IE")


def spectrum(frequency, peak, rate, rng, averages=40):
    """Lorentzian peak with a harmonic over a flat floor; chi-squared scatter of a Welch estimate."""
    width = 3.5
    bump = lambda centre, half_width: 1 / (1 + ((frequency - centre) / half_width) ** 2)
    shape = rate * (0.05 + 0.9 * bump(peak, width) + 0.15 * bump(2 * peak, 8))
    return shape * rng.chisquare(2 * averages, len(frequency)) / (2 * averages)


def raster(rate_E, rate_I, peak, seconds, rng, size_E=300, size_I=100):
    """Spikes that gather in volleys of the given frequency."""
    neurons, times = [], []
    for first, size, rate, delay in ((0, size_E, rate_E, 0.0), (size_E, size_I, rate_I, 0.002)):
        count = rng.poisson(rate * size * seconds)
        centres = np.cumsum(rng.normal(1 / peak, 0.12 / peak, int(seconds * peak) + 3))
        t = np.where(rng.random(count) < 0.8, rng.choice(centres, count) + rng.normal(delay, 0.0028, count),
                     rng.uniform(0, seconds, count))
        n = first + rng.integers(0, size, count)
        inside = (t >= 0) & (t < seconds)
        times.append(t[inside])
        neurons.append(n[inside])
    order = np.argsort(np.concatenate(times))
    return np.concatenate(neurons)[order].astype("i4"), np.concatenate(times)[order]


def strings(group, name, values):
    group.create_dataset(name, data=np.array(values, dtype=object), dtype=h5py.string_dtype())


def design_points(axes, kind, count, rng):
    low, high = np.array([AXES[a] for a in axes]).T
    if kind == "grid":
        steps = max(2, round(count ** (1 / len(axes))))
        mesh = np.meshgrid(*[np.linspace(lo, hi, steps) for lo, hi in zip(low, high)], indexing="ij")
        return np.stack([m.ravel() for m in mesh], axis=1)
    slices = np.stack([rng.permutation(count) for _ in axes], axis=1)
    return low + (high - low) * (slices + rng.random((count, len(axes)))) / count


def fano(rate_E):
    return 2 + rate_E / 6


def write_task_figures(file, rate_E, done):
    """Two of the figures that tasks measure, undefined in failed tasks."""
    values = {"rate_E_hz": rate_E, "fano_E_1ms": fano(rate_E)}
    names = [name + ending for name in values for ending in ("", "_standard_error")]
    figures = np.full(len(done), np.nan, dtype=[(name, "f8") for name in names])
    for name, value in values.items():
        figures[name][done] = value[done]
        figures[f"{name}_standard_error"][done] = 0.01 * value[done]
    file["tasks/figures"] = figures
    file["tasks/figures"].attrs["units_rate_E_hz"] = "Hz"
    file["tasks/figures"].attrs["units_fano_E_1ms"] = "1"


def write_maps(group, axes, places=6):
    """The surrogate's rates and Fano factor over every pair of at most five axes, the others in the middle."""
    levels = {a: np.linspace(*AXES[a], places) for a in axes}
    middle = {a: np.mean(AXES[a]) for a in axes}
    chosen = list(axes)[:5]
    planes = [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1:]] or [(chosen[0],)]
    for plane in planes:
        mesh = np.meshgrid(*[levels[a] for a in plane], indexing="ij")
        at = np.stack([dict(zip(plane, mesh)).get(a, np.full(mesh[0].shape, middle[a])).ravel() for a in axes], axis=1)
        rate_E, rate_I = (r.reshape(mesh[0].shape) for r in rates(at, axes))
        for a in plane:
            group[f"{','.join(plane)}/{a}"] = levels[a]
        for name, values in (("rate_E_hz", rate_E), ("rate_I_hz", rate_I), ("fano_E_1ms", fano(rate_E))):
            group[f"{','.join(plane)}/{name}"] = values


def write_sweep(path, axes, points, roles, rng, failures):
    count = len(points)
    rate_E, rate_I = rates(points, axes)
    state = np.ones(count, "u1")
    state[failures] = 2
    simulated = np.full(count, 2.0)
    done = state == 1
    with h5py.File(path, "w") as file:
        file.attrs.update(format="spikesweep sweep", format_version=4, spikesweep_version="0.1.0", seed=np.uint64(7),
                          replicates=1)
        file["config/text"] = CONFIG
        settings = np.array([["network.preset", "zhang2024"], ["section.kind", "interval"], ["design.kind", "sobol"]],
                            dtype=object)
        file.create_dataset("config/settings", data=settings, dtype=h5py.string_dtype())
        strings(file.create_group("design"), "axis", axes)
        strings(file["design"], "unit", [UNITS.get(a, "kicks") for a in axes])
        file["design/points"] = points
        file["design/role"] = roles
        file["section/kind"] = "interval"
        file["network/N_E"] = 300
        file["network/N_I"] = 100
        file["network/S_EE"] = 4.0
        record = {
            "point": np.arange(count, dtype="u4"),
            "replicate": np.zeros(count, "u4"),
            "first_row": np.arange(count, dtype="u8") * 400,
            "rows": np.where(done, 400, 0).astype("u4"),
            "simulated_s": simulated * done,
            "spikes_E": (rng.poisson(rate_E * 300 * simulated) * done).astype("i8"),
            "spikes_I": (rng.poisson(rate_I * 100 * simulated) * done).astype("i8"),
            "phases": np.where(done, 400, 0),
            "capped": np.where(done, rng.binomial(400, 0.01, count), 0),
            "empty": np.where(done, rng.binomial(400, np.clip(0.4 - rate_E / 60, 0, 1)), 0),
            "grown": np.zeros(count, "i8"),
            "events": np.where(done, 4_100_000, 0),
            "checksum": rng.integers(0, 2**63, count).astype("u8"),
        }
        file["tasks/state"] = state
        file["tasks/records"] = np.rec.fromarrays(list(record.values()), names=list(record))
        write_task_figures(file, rate_E, done)
        provenance = file.create_group("provenance")
        provenance["core_s"] = rng.uniform(0.3, 1.1, count)
        provenance["rank"] = np.arange(count, dtype="i4") % 2
        provenance["attempts"] = np.ones(count, "u1")
        provenance["log"] = "started with 2 ranks"


def write_model(path, rng, epochs=24):
    e = np.arange(1, epochs + 1, dtype="i4")
    with h5py.File(path, "w") as file:
        file.attrs.update(format="spikesweep model", spikesweep_version="0.1.0", seed=np.uint64(1))
        training = file.create_group("training")
        training["epoch"] = e
        training["learning_rate"] = 2e-3 * 0.5 * (1 + np.cos(np.pi * e / epochs))
        for name, floor, height, extra in (("counts", 3.1, 4.0, 0.03), ("profile", 2.62, 0.5, 0.004)):
            train = floor + height * np.exp(-e / 2.5) + 0.05 * height / e
            training[f"train_{name}_loss"] = train
            training[f"selection_{name}_loss"] = train + extra + rng.normal(0, extra / 5, epochs) + extra * e / epochs
        candidates = training.create_group("candidates")
        candidates["epoch"] = np.array([9, 14, 19, 24], "i4")
        candidates["error_E"] = [0.031, 0.012, 0.008, 0.015]
        candidates["error_I"] = [0.012, 0.005, 0.004, 0.006]
        candidates["chosen"] = np.array([0, 0, 1, 0], "u1")


def write_verdicts(file, runs, count, rng):
    """The repeat is mostly indistinguishable, the surrogate sometimes, the baselines never."""
    group = file.create_group("verdict")
    group.attrs.update(values="0: indistinguishable; 1: within_2_percent; 2: worse; 3: undefined", verdict_s=20.0,
                       level=0.05, tolerance=0.02)
    for run in runs[1:]:
        chances = {"exact_repeat": [0.95, 0.05, 0.0], "surrogate": [0.4, 0.5, 0.1]}.get(run, [0.0, 0.0, 1.0])
        rates = [rng.choice(3, count, p=chances).astype("u1") for _ in "EI"]
        for key, codes in zip(("rate_E", "rate_I", "point"), (*rates, np.maximum(*rates))):
            group[f"{run}/{key}"] = codes


def write_figures(group):
    strings(group, "name", QUANTITIES)
    strings(group, "unit", QUANTITY_UNITS)
    strings(group, "words", WORDS)
    strings(group, "definition", [f"{words}, in a sentence" for words in WORDS])
    strings(group, "comparison", ["relative"] * 8 + ["absolute", "decibel", "distance"])
    group["tolerance"] = [np.nan] * 8 + [2.0, np.nan, np.nan]


def write_calibration(group, rng, rows=4000):
    """Beta-distributed transforms: of some outputs flat, of others biased or too sure."""
    outputs = ["spikes_E", "spikes_I", "pending_EE", "pending_IE", "pending_EI", "pending_II", "high_E", "high_I",
               "refractory_E", "refractory_I"]
    shapes = [(1, 1), (1, 1.1), (1, 1), (1.1, 1), (0.9, 0.9), (1, 1), (1.2, 1.2), (1, 1), (1, 1), (1, 1)]
    pits = np.stack([rng.beta(a, b, rows) for a, b in shapes])
    strings(group, "phase", ["step"] * len(outputs))
    strings(group, "output", outputs)
    group["rows"] = np.full(len(outputs), rows)
    group["histogram"] = np.stack([np.histogram(p, 20, (0, 1))[0] for p in pits])
    group["level"] = [0.5, 0.8, 0.95]
    group["coverage"] = np.stack([(np.abs(pits - 0.5) <= level / 2).mean(1) for level in (0.5, 0.8, 0.95)], axis=1)
    group["mean"] = pits.mean(1)
    group["bias"] = (pits.mean(1) - 0.5) * np.sqrt(12 * rows)


def write_published(path):
    """As of a sweep about cai2021_small_reg."""
    with h5py.File(path, "a") as file:
        group = file.create_group("published")
        group.attrs["source"] = "Cai, Wu, Tao, Xiao 2021"
        strings(group, "preset", ["cai2021_small_reg"])
        strings(group, "model", ["full network", "reduced network", "coarse-grained"])
        for q, published, own in (("E", [34.73, 40.56, 32.47], 34.9), ("I", [74.91, 76.35, 69.13], 75.2)):
            group[f"rate_{q}"] = [published]
            group[f"exact/rate_{q}"] = [own]
            group[f"surrogate/rate_{q}"] = [own + 0.05]


def write_validation(path, axes, points, index, rng):
    count = len(index)
    values = points[index]
    rate_E, rate_I = rates(values, axes)
    peak = np.round(22 + 11 * np.log(rate_E))
    truth = np.stack([rate_E, rate_I, np.full(count, 200.0), rate_E * 1.5 + rate_I / 2, 0.9 - rate_E / 90,
                      np.full(count, 0.005), 0.2 + rate_E / 300, fano(rate_E), peak, rate_E * 3, np.full(count, 0.4)])
    runs = ["exact", "exact_repeat", "surrogate", *BASELINES]
    frequency = np.arange(0.0, 501.0)
    with h5py.File(path, "w") as file:
        file.attrs.update(format="spikesweep validation", spikesweep_version="0.1.0", duration_s=20.0,
                          seed=np.uint64(1), model="model.h5")
        write_figures(file.create_group("figures"))
        write_verdicts(file, runs, count, rng)
        write_calibration(file.create_group("calibration"), rng)
        write_maps(file.create_group("maps"), axes)
        group = file.create_group("points")
        strings(group, "axis", axes)
        strings(group, "unit", [UNITS.get(a, "kicks") for a in axes])
        group["values"] = values
        group["index"] = index.astype("u4")
        group["runaway"] = np.zeros(count, "u1")
        group["distance"] = rng.uniform(0.1, 0.6, count)
        strings(file, "runs", runs)
        for run in runs:
            bias = BASELINES.get(run, 0.008 if run == "surrogate" else 0.0)
            for name, noise, true in zip(QUANTITIES, NOISE, truth):
                spread = np.hypot(noise, bias)
                value = true * (1 + rng.normal(0, spread, count))
                file[f"summary/{run}/{name}"] = np.round(value) if name == "peak_hz" else value
            file[f"summary/{run}/wall_s"] = np.full(count, 0.05)
            for q, rate in (("E", rate_E), ("I", rate_I)):
                file[f"summary/{run}/rate_{q}_standard_error"] = 0.004 * rate
            if run != "exact":
                for name in ("size_ks", "interval_ks", "spectrum"):
                    distance = np.abs(rng.normal(0.02 + bias, 0.006, count))
                    file[f"distance/{run}/{name}"] = np.full(count, np.nan) if name == "interval_ks" else distance
        file["spectra/frequency"] = frequency
        for run in runs[:3]:
            shift = 0.4 if run == "surrogate" else 0.0
            file[f"spectra/{run}"] = np.stack(
                [spectrum(frequency, p + shift, r, rng) for p, r in zip(peak, rate_E)])
        for run in ("exact", "surrogate"):
            parts = [raster(e, i, p, 0.5, rng) for e, i, p in zip(rate_E, rate_I, peak)]
            group = file.create_group(f"rasters/{run}")
            group["point"] = np.concatenate([np.full(len(t), row, "i4") for row, (_, t) in enumerate(parts)])
            group["neuron"] = np.concatenate([n for n, _ in parts])
            group["time"] = np.concatenate([t for _, t in parts])


def write_run(directory, axes=("S_EE", "S_IE", "S_EI", "S_II"), kind="latin_hypercube", count=200, tests=12,
              failures=(), seed=1):
    """Writes sweep.h5, model.h5, validation.h5 and run.json; returns the directory."""
    os.makedirs(directory, exist_ok=True)
    rng = np.random.default_rng(seed)
    axes = list(axes)
    points = design_points(axes, kind, count, rng)
    held_out = rng.permutation(len(points))[:2 * tests]
    roles = np.zeros(len(points), "u1")
    roles[held_out[:tests]] = 2
    roles[held_out[tests:]] = 1
    write_sweep(os.path.join(directory, "sweep.h5"), axes, points, roles, rng, list(failures))
    write_model(os.path.join(directory, "model.h5"), rng)
    write_validation(os.path.join(directory, "validation.h5"), axes, points, np.sort(held_out[:tests]), rng)
    with open(os.path.join(directory, "run.json"), "w", encoding="utf-8") as file:
        json.dump({"wall_s": {"sweep": 121.3, "train": 92.0, "validate": 41.5, "report": 6.0}, "ranks": 2,
                   "command": "spikesweep run configs/quickstart.toml -o run", "host": "workstation",
                   "versions": {"HDF5": "1.10.8", "oneDNN": "2.6.3"}}, file)
    return directory


if __name__ == "__main__":
    import sys
    write_run(sys.argv[1])
