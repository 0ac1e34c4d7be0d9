"""How far the runs of a validation are from the exact one: errors, medians, worst cases."""

from dataclasses import dataclass

import numpy as np

PEAK_TOLERANCE_HZ = 2.0  # A spectral peak this close counts as found; Welch bins are about 1 Hz wide.


@dataclass(frozen=True)
class Quantity:
    """A row of the validation table. kind: relative [%], absolute [unit], or distance (already one)."""
    key: str
    label: str
    kind: str
    unit: str


QUANTITIES = [
    Quantity("rate_E_hz", "E rate", "relative", "%"),
    Quantity("rate_I_hz", "I rate", "relative", "%"),
    Quantity("peak_hz", "Spectral peak", "absolute", "Hz"),
    Quantity("fano_E_1ms", "Fano factor, E in 1 ms", "relative", "%"),
    Quantity("phase_rate_hz", "Phase rate", "relative", "%"),
    Quantity("size_mean", "Phase size, mean", "relative", "%"),
    Quantity("size_cv", "Phase size, CV", "relative", "%"),
    Quantity("interval_mean_s", "Interval, mean", "relative", "%"),
    Quantity("interval_cv", "Interval, CV", "relative", "%"),
    Quantity("size_ks", "Phase sizes, KS distance", "distance", ""),
    Quantity("interval_ks", "Intervals, KS distance", "distance", ""),
    Quantity("spectrum", "Spectrum, distance", "distance", ""),
]
BY_KEY = {q.key: q for q in QUANTITIES}

RUN_LABELS = {
    "exact": "Exact", "exact_repeat": "Noise floor", "surrogate": "Surrogate", "hybrid": "Hybrid",
    "mean_transition": "Mean transition",
    "nearest_neighbour": "Nearest neighbour", "linear_regression": "Linear regression",
}


def run_label(run):
    return RUN_LABELS.get(run, run.replace("_", " ").capitalize())


def compared_runs(validation):
    """The runs compared with the exact one, the noise floor first."""
    return [run for run in validation.runs if run != "exact" and run in validation.summary]


def errors(validation, run, quantity):
    """Error of a run at every test point, in the quantity's unit; NaN where it is undefined."""
    if quantity.kind == "distance":
        return validation.distances.get(run, {}).get(quantity.key, np.full(validation.count, np.nan))
    missing = np.full(validation.count, np.nan)
    exact = validation.summary.get("exact", {}).get(quantity.key, missing)
    value = validation.summary.get(run, {}).get(quantity.key, missing)
    difference = np.abs(value - exact)
    if quantity.kind == "absolute":
        return difference
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 100 * difference / np.abs(exact)
    return np.where(np.isfinite(share), share, np.nan)


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


def peak_share(validation, run):
    """Share of test points whose spectral peak is found; a run without a peak has not found it."""
    exact = validation.summary.get("exact", {}).get("peak_hz", np.zeros(0))
    defined = np.isfinite(exact)
    if not defined.any():
        return np.nan
    found = errors(validation, run, BY_KEY["peak_hz"])[defined] <= PEAK_TOLERANCE_HZ
    return float(found.mean())


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
