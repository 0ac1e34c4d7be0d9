"""How far the runs of a validation are from the exact one: errors, medians, worst cases."""

import numpy as np

from .contents import Figure

# Distances of whole samples, which validation files hold beside the figures.
DISTANCES = [
    Figure("size_ks", "", "phase sizes, KS distance", "distance"),
    Figure("interval_ks", "", "intervals, KS distance", "distance"),
    Figure("spectrum", "", "spectrum, distance", "distance"),
]

RUN_LABELS = {
    "exact": "Exact", "exact_repeat": "Noise floor", "surrogate": "Surrogate",
    "emulator": "Emulator", "hybrid": "Hybrid", "paper_scheme": "Paper's scheme",
    "mean_transition": "Mean transition",
    "nearest_neighbour": "Nearest neighbour", "linear_regression": "Linear regression",
}


def run_label(run):
    return RUN_LABELS.get(run, run.replace("_", " ").capitalize())


def compared_runs(validation):
    """The runs compared with the exact one, the noise floor first."""
    return [run for run in validation.runs if run != "exact" and run in validation.summary]


def quantities(validation):
    """The rows of the validation table: the figures that the file names, then distances."""
    return validation.figures + DISTANCES


def quantity(validation, key):
    return next(q for q in quantities(validation) if q.key == key)


def signed_errors(validation, run, key):
    """How far a figure of a run is above the exact one at every test point, in its error_unit; NaN where undefined.

    A figure that equals the exact one has the error 0, also where both are 0. Nothing else is so many per cent of 0.
    """
    missing = np.full(validation.count, np.nan)
    exact = validation.summary.get("exact", {}).get(key, missing)
    value = validation.summary.get(run, {}).get(key, missing)
    if quantity(validation, key).comparison == "decibel":
        ratio = np.divide(value, exact, out=missing.copy(), where=(value > 0) & (exact > 0))
        return np.where(value == exact, 0.0, 10 * np.log10(ratio))
    return (value - exact) * percent_of(validation, key, exact, value - exact)


def percent_of(validation, key, exact, difference):
    """What turns a difference from the exact figure into an error: 1 for absolute errors."""
    if quantity(validation, key).comparison == "absolute":
        return np.ones(validation.count)
    undefined = np.where(difference == 0, 0.0, np.nan)
    return np.divide(100, np.abs(exact), out=undefined, where=exact != 0)


def errors(validation, run, key):
    """Error of a run at every test point in a figure or distance, in its error_unit; NaN where it is undefined."""
    missing = np.full(validation.count, np.nan)
    if quantity(validation, key).comparison == "distance":
        return validation.distances.get(run, {}).get(key, validation.summary.get(run, {}).get(key, missing))
    return np.abs(signed_errors(validation, run, key))


VERDICTS = ("indistinguishable", "within_2_percent", "worse")  # Best first; what else there is, is undefined.
VERDICT_LABELS = {"indistinguishable": "indistinguishable", "within_2_percent": "within 2 %", "worse": "worse"}


def verdict_names(validation, run, key):
    """The verdict on every test point (key `point`) or on one of its rates; nothing where a file has none."""
    codes = validation.verdicts.codes.get(run) if validation.verdicts else None
    return [validation.verdicts.names.get(int(code), "undefined") for code in codes[key]] if codes else []


def verdict_share(validation, run, verdict):
    """Share of the points with a verdict that have this one."""
    known = [name for name in verdict_names(validation, run, "point") if name in VERDICTS]
    return known.count(verdict) / len(known) if known else np.nan


def undefined_points(validation):
    """At how many test points an exact run ran away, so that nothing is known there."""
    exact = [validation.summary[run]["rate_E_hz"] for run in ("exact", "exact_repeat") if run in validation.summary]
    return int(np.any([~np.isfinite(rates) for rates in exact], axis=0).sum()) if exact else 0


def median_and_worst(values):
    """Median and largest of the defined errors, and their number."""
    defined = values[np.isfinite(values)]
    if not defined.size:
        return np.nan, np.nan, 0
    return float(np.median(defined)), float(defined.max()), int(defined.size)


def right_share(validation, run, key):
    """Share of test points at which a figure lies within its tolerance; an undefined figure does not."""
    exact = validation.summary.get("exact", {}).get(key, np.zeros(0))
    defined = np.isfinite(exact)
    if not defined.any():
        return np.nan
    right = errors(validation, run, key)[defined] <= quantity(validation, key).tolerance
    return float(right.mean())


def chosen_points(validation, wanted=3):
    """Rows of test points of low, middle and high exact E rate, of those that have what figures need."""
    rate = validation.summary["exact"]["rate_E_hz"]
    usable = np.isfinite(rate)
    if {"exact", "surrogate"} <= set(validation.rasters):
        shown = [raster_rows(validation, run) for run in ("exact", "surrogate")]
        both = [row for row in range(validation.count) if usable[row] and all(row in rows for rows in shown)]
        if both:
            usable = np.isin(np.arange(validation.count), both)
    order = np.flatnonzero(usable)[np.argsort(rate[usable], kind="stable")]
    if not order.size:
        return []
    picks = np.unique(np.round(np.linspace(0, len(order) - 1, wanted)).astype(int))
    return [int(order[i]) for i in picks]


def raster_rows(validation, run):
    return set(np.unique(validation.rasters[run]["point"]).tolist())
