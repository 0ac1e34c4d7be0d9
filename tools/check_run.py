#!/usr/bin/python3
"""Checks a finished quickstart against its promises, which docs/how-to/check-a-run.md lists.

Prints one line for each promise. Exit codes: 0 all hold, 1 one does not hold, 2 DIR holds no readable run.
"""

import argparse
import math
import os
import sys

sys.dont_write_bytecode = True
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from spikesweep_report import figures_of_merit as merit  # noqa: E402
from spikesweep_report import reading  # noqa: E402

HIGHEST_MEDIAN_ERROR = {"rate_E_hz": 2.0, "rate_I_hz": 1.0}  # [%]
LOWEST_PEAK_SHARE = 0.9  # Of test points whose spectral peak is within its tolerance.


def text(value, form):
    """A number, unless nothing was measured."""
    return form % value if math.isfinite(value) else "not measured"


def checks(run):
    """(holds, sentence) for every promise."""
    validation, state = run.validation, run.sweep.tasks["state"]
    left = int((state == 0).sum())
    yield left == 0, f"tasks left undone: {left} of {len(state)}"
    for key, limit in HIGHEST_MEDIAN_ERROR.items():
        quantity = merit.quantity(validation, key)
        median, worst, count = merit.median_and_worst(merit.errors(validation, "surrogate", key))
        yield (count == validation.count and median <= limit,
               f"{quantity.label}: median error {text(median, '%.2f %%')} (at most {limit:g} %), "
               f"worst {text(worst, '%.2f %%')}, "
               f"defined at {count} of {validation.count} points")
    away = int(validation.runaway.sum())
    yield away == 0, f"runaway surrogates: {away} of {validation.count}"
    share = merit.right_share(validation, "surrogate", "peak_hz")
    yield (share >= LOWEST_PEAK_SHARE,
           f"spectral peak within {merit.quantity(validation, 'peak_hz').tolerance:g} Hz: "
           f"{text(100 * share, '%.0f %% of points')} "
           f"(at least {100 * LOWEST_PEAK_SHARE:.0f} %)")
    report = os.path.join(run.directory, "report.html")
    yield os.path.isfile(report), f"report: {report}"


def main():
    parser = argparse.ArgumentParser(prog="check_run.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR")
    directory = parser.parse_args().directory
    try:
        run = reading.read_run(directory)
    except reading.Unreadable as error:
        print(f"check_run: {error}", file=sys.stderr)
        return 2
    if run.validation is None:
        print(f"check_run: {run.missing['validation']}", file=sys.stderr)
        return 2
    status = 0
    for holds, sentence in checks(run):
        print(f"{'ok    ' if holds else 'FAILED'} {sentence}")
        status = status if holds else 1
    return status


if __name__ == "__main__":
    sys.exit(main())
