"""Reads the files of a run directory: sweep.h5, model.h5, validation.h5 and run.json."""

import json
import os

import h5py
import numpy as np

from .contents import (DONE, UNDESCRIBED_FIGURES, Calibration, Figure, Map, Model, Published, Run, Sweep, Validation,
                       Verdicts)


class Unreadable(Exception):
    """A file that is missing, foreign or damaged; the message is one line for the user."""


def text(value):
    """A string, from whatever h5py makes of HDF5's kinds of strings."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(dataset):
    return [text(v) for v in np.atleast_1d(dataset[()]).ravel()]


def read_file(path, kind, reader):
    """Opens a file of the given kind and returns what `reader` makes of it. Throws Unreadable."""
    name = os.path.basename(path)
    if not os.path.isfile(path):
        raise Unreadable(f"{path}: there is no such file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = "it is cut short" if "truncated" in str(error) else "it is no HDF5 file, or a damaged one"
        raise Unreadable(f"{path}: cannot be opened: {reason}") from error
    with file:
        found = text(file.attrs.get("format", "nothing"))
        if found != f"spikesweep {kind}":
            raise Unreadable(f"{path}: not a spikesweep {kind} file (its attribute `format` says {found})")
        try:
            return reader(file)
        except (OSError, KeyError, ValueError, IndexError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0].strip("\"'")
            raise Unreadable(f"{path}: {name} is damaged or of another version: {reason}") from error


def point_rates(points, axes, tasks, network):
    """Rates of E and I at every point: spikes of its done tasks over neurons and simulated time [Hz]."""
    done = tasks["state"] == DONE
    point = tasks["point"][done].astype(int)
    total = lambda key: np.bincount(point, weights=tasks[key][done].astype(float), minlength=len(points))
    seconds = total("simulated_s")
    rates = []
    for q in ("E", "I"):
        size = points[:, axes.index(f"N_{q}")] if f"N_{q}" in axes else float(network[f"N_{q}"])
        with np.errstate(divide="ignore", invalid="ignore"):
            rates.append(np.where(seconds > 0, total(f"spikes_{q}") / (size * seconds), np.nan))
    return rates


def point_figures(figures, points, tasks):
    """What the tasks measured (compound values, one a task): figures by name, one value for each point; and units."""
    done = tasks["state"] == DONE
    point = tasks["point"].astype(int)
    measured, units = {}, {}
    rows = figures[()]
    for name in rows.dtype.names:
        if name.endswith("_standard_error"):
            continue
        known = done & np.isfinite(rows[name])
        count = np.bincount(point[known], minlength=len(points))
        total = np.bincount(point[known], weights=rows[name][known], minlength=len(points))
        measured[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        unit = text(figures.attrs.get(f"units_{name}", ""))
        units[name] = "" if unit == "1" else unit
    return measured, units


def read_sweep(file):
    axes = texts(file["design/axis"])
    points = np.asarray(file["design/points"][()], float)
    if points.ndim != 2 or points.shape[1] != len(axes):
        raise ValueError("design/points does not have one column per axis")
    records = file["tasks/records"][()]
    tasks = {name: records[name] for name in
             ("point", "replicate", "rows", "simulated_s", "spikes_E", "spikes_I", "phases", "capped", "empty",
              "events")}
    tasks["state"] = file["tasks/state"][()]
    network = {name: np.ravel(file["network"][name][()])[0] for name in ("N_E", "N_I")}
    section = text(file["section/kind"][()]) if "section/kind" in file else "interval"
    provenance = file["provenance"] if "provenance" in file else {}
    core_s = np.asarray(provenance["core_s"][()], float) if "core_s" in provenance else np.zeros(len(tasks["state"]))
    log = [line for line in texts(provenance["log"]) if line.strip()] if "log" in provenance else []
    rate_E, rate_I = point_rates(points, axes, tasks, network)
    known = "figures" in file["tasks"]  # Files of older versions have none.
    measured, figure_units = point_figures(file["tasks/figures"], points, tasks) if known else ({}, {})
    return Sweep(version=text(file.attrs.get("spikesweep_version", "?")), seed=text(file.attrs.get("seed", "?")),
                 replicates=int(file.attrs.get("replicates", 1)),
                 config=text(file["config/text"][()]) if "text" in file["config"] else "", section=section,
                 axes=axes, units=texts(file["design/unit"]), points=points,
                 roles=np.asarray(file["design/role"][()]),
                 sizes={q: int(network[f"N_{q}"]) for q in "EI"}, tasks=tasks, core_s=core_s, log=log,
                 rate_E=rate_E, rate_I=rate_I, measured=measured, figure_units=figure_units)


def read_model(file):
    training = file["training"]
    names = ("epoch", "learning_rate", "train_counts_loss", "train_profile_loss", "selection_counts_loss",
             "selection_profile_loss")
    curves = {name: np.asarray(training[name][()], float) for name in names if name in training}
    if "epoch" not in curves and "train_counts_loss" in curves:
        curves["epoch"] = np.arange(1.0, len(curves["train_counts_loss"]) + 1)
    candidates = {}
    if "candidates" in training:
        candidates = {name: np.asarray(training["candidates"][name][()]) for name in
                      ("epoch", "error_E", "error_I", "chosen")}
    return Model(version=text(file.attrs.get("spikesweep_version", "?")), seed=text(file.attrs.get("seed", "?")),
                 curves=curves, candidates=candidates)


def read_group(group):
    return {name: np.asarray(group[name][()], float) for name in group}


def read_figures(group):
    columns = [texts(group[name]) for name in ("name", "unit", "words", "comparison")]
    definitions = texts(group["definition"]) if "definition" in group else [""] * len(columns[0])
    return [Figure(*row, float(tolerance), definition)
            for *row, tolerance, definition in zip(*columns, group["tolerance"][()], definitions)]


def read_verdicts(group):
    names = dict(part.split(": ") for part in text(group.attrs["values"]).split("; "))
    return Verdicts(seconds=float(group.attrs["verdict_s"]), names={int(k): v for k, v in names.items()},
                    codes={run: {key: np.asarray(group[run][key][()], int) for key in ("point", "rate_E", "rate_I")}
                           for run in group})


def read_calibration(group):
    numbers = {key: np.asarray(group[key][()], float) for key in
               ("rows", "histogram", "level", "coverage", "mean", "bias")}
    return Calibration(phase=texts(group["phase"]), output=texts(group["output"]), **numbers)


def read_published(group):
    return Published(
        source=text(group.attrs["source"]), presets=texts(group["preset"]), models=texts(group["model"]),
        rates={q: np.asarray(group[f"rate_{q}"][()], float) for q in "EI"},
        own={run: {q: np.asarray(group[run][f"rate_{q}"][()], float) for q in "EI"} for run in ("exact", "surrogate")})


def read_map(name, group):
    axes = name.split(",")
    values = {figure: np.asarray(group[figure][()], float) for figure in group if figure not in axes}
    return Map(axes=axes, coordinates=[np.asarray(group[axis][()], float) for axis in axes], values=values)


def usefulness_in(table):
    """What the table says in its line `verdict: ...`; nothing in files of older versions."""
    lines = [line for line in table.splitlines() if line.startswith("verdict: ")]
    return lines[-1].removeprefix("verdict: ") if lines else ""


def read_validation(file):
    points = file["points"]
    runs = texts(file["runs"])
    values = np.asarray(points["values"][()], float)
    spectra = file["spectra"] if "spectra" in file else {}
    rasters = file["rasters"] if "rasters" in file else {}
    return Validation(
        version=text(file.attrs.get("spikesweep_version", "?")), seed=text(file.attrs.get("seed", "?")),
        duration_s=float(file.attrs["duration_s"]),
        surrogate_s=float(file.attrs.get("surrogate_s", file.attrs["duration_s"])),
        axes=texts(points["axis"]), units=texts(points["unit"]),
        values=values, index=np.asarray(points["index"][()], int), runaway=np.asarray(points["runaway"][()], bool),
        distance=np.asarray(points["distance"][()], float), runs=runs,
        figures=read_figures(file["figures"]) if "figures" in file else UNDESCRIBED_FIGURES,
        summary={run: read_group(file["summary"][run]) for run in runs if run in file["summary"]},
        distances={run: read_group(file["distance"][run]) for run in runs if run in file["distance"]},
        frequency=np.asarray(spectra["frequency"][()], float) if "frequency" in spectra else np.zeros(0),
        spectra={run: np.asarray(spectra[run][()], float) for run in spectra if run != "frequency"},
        rasters={run: {k: rasters[run][k][()] for k in ("point", "neuron", "time")} for run in rasters},
        verdicts=read_verdicts(file["verdict"]) if "verdict" in file else None,
        calibration=read_calibration(file["calibration"]) if "calibration" in file else None,
        published=read_published(file["published"]) if "published" in file else None,
        standard_errors={run: read_group(group) for run, group in file.get("standard_errors", {}).items()},
        peak_doubts={run: codes[()] for run, codes in file.get("peak_doubt", {}).items()},
        usefulness=usefulness_in(texts(file["table"])[0]) if "table" in file else "",
        maps=[read_map(name, group) for name, group in file.get("maps", {}).items()])


def read_info(path):
    """run.json, or nothing if it is missing; a damaged one is worth no more than a missing one."""
    if not os.path.isfile(path):  # To open a pipe would wait for its other end.
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            info = json.load(file)
        return info if isinstance(info, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def calls_of(info):
    """Every call of `run` that run.json tells of, oldest first."""
    earlier = info.get("earlier", [])
    earlier = earlier if isinstance(earlier, list) else []
    return [call for call in [*earlier, info] if isinstance(call, dict) and call]


def wall_times(run):
    """Of each step, over all calls of the run [s]."""
    sums = {}
    for call in calls_of(run.info):
        for step, seconds in step_times(call).items():
            sums[step] = sums.get(step, 0) + seconds
    return sums


def step_times(call):
    wall = call.get("wall_s", {})
    return {k: float(v) for k, v in wall.items() if isinstance(v, (int, float))} if isinstance(wall, dict) else {}


def read_run(directory):
    """Reads a run directory. Throws Unreadable if its sweep cannot be read; other parts may be missing."""
    if not os.path.isdir(directory):
        raise Unreadable(f"{directory}: there is no such directory")
    run = Run(directory=directory, sweep=read_file(os.path.join(directory, "sweep.h5"), "sweep", read_sweep))
    run.info = read_info(os.path.join(directory, "run.json"))
    for kind, reader in (("model", read_model), ("validation", read_validation)):
        try:
            setattr(run, kind, read_file(os.path.join(directory, f"{kind}.h5"), kind, reader))
        except Unreadable as error:
            run.missing[kind] = str(error)
    return run
