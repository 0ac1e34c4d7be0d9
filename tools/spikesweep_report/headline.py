"""The top of the page: what was swept, how good the surrogate is, and the figures that one looks for first."""

import numpy as np

from . import figures_of_merit as merit
from . import run_figures
from .contents import DONE
from .reading import calls_of, wall_times
from .wording import duration, error, escape, listing, number, plural, share, small_units


def tile(label, value, below):
    return f"<div class=tile><span>{label}</span><strong>{value}</strong><span>{below}</span></div>"


def error_tile(validation, key, label):
    median, worst, _ = merit.median_and_worst(merit.errors(validation, "surrogate", key))
    floor, _, _ = merit.median_and_worst(merit.errors(validation, "exact_repeat", key))
    return tile(f"{label} error, median", f"{error(median)} <small>%</small>",
                f"worst {error(worst)}&nbsp;% · noise floor {error(floor)}&nbsp;%")


def surrogate_speed(validation):
    """Simulated seconds per wall second of one core, burn-in counted in the wall time only; NaN if not measured."""
    wall = run_figures.summary(validation, "surrogate", "wall_s").sum()
    return validation.surrogate_s * validation.count / wall if wall > 0 else np.nan


def headline(run):
    sweep, validation = run.sweep, run.validation
    state = sweep.tasks["state"]
    tiles = []
    if validation:
        tiles += [error_tile(validation, "rate_E_hz", "E rate"), error_tile(validation, "rate_I_hz", "I rate")]
        tiles.append(tile(f"Peak within {merit.quantity(validation, 'peak_hz').tolerance:g} Hz",
                          small_units(share(merit.right_share(validation, "surrogate", "peak_hz"))),
                          "of test points · noise floor "
                          + share(merit.right_share(validation, "exact_repeat", "peak_hz"))))
        if validation.verdicts:
            tiles.append(tile(f"Not told apart in {validation.verdicts.seconds:g} s",
                              small_units(share(merit.verdict_share(validation, "surrogate", "indistinguishable"))),
                              "of test points · noise floor "
                              + share(merit.verdict_share(validation, "exact_repeat", "indistinguishable"))))
        tiles.append(tile("Runaway surrogates", f"{int(validation.runaway.sum())}",
                          f"of {plural(validation.count, 'test point')}"))
    failed = len(sweep.failed)
    left = int((state == 0).sum())
    below = [plural(int(sweep.tasks["rows"][state == DONE].sum()), "transition")]
    below += [f"<span class=bad>{failed} failed</span>"] if failed else []
    below += [f"<span class=bad>{plural(left, 'task')} left</span>"] if left else []
    tiles.append(tile("Points swept", f"{len(sweep.points):,}", " ".join(below)))
    wall = wall_times(run)
    if wall:
        ranks = run.info.get("ranks")
        tiles.append(tile("Wall time", small_units(duration(sum(wall.values()))),
                          (plural(ranks, "rank") if isinstance(ranks, int) else "all stages")
                          + (f", {len(calls_of(run.info))} calls" if len(calls_of(run.info)) > 1 else "")))
    speed = surrogate_speed(validation) if validation else np.nan
    if np.isfinite(speed):
        tiles.append(tile("Surrogate speed", f"{number(speed, 2)}<small>× real time</small>", "on one core"))
    axes = listing([escape(a) for a in sweep.axes])
    lead = "The exact network was simulated at every point of the sweep"
    if validation:
        lead += (f", and one surrogate was trained on them. This page compares the surrogate with exact runs of "
                 f"{validation.duration_s:g} s at {plural(validation.count, 'test point')} that were not used in "
                 "training")
    if validation and validation.usefulness:
        lead += f".</p><p class=lead>The surrogate is {escape(validation.usefulness)}"
    return (f"<header><p class=brand>spikesweep</p><h1>{plural(len(sweep.points), 'point')} over {axes}</h1>"
            f"<p class=lead>{lead}.</p><div class=tiles>{''.join(tiles)}</div></header>")
