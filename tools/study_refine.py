#!/usr/bin/python3
"""Compares grid, Sobol and refined designs: error against number of points, on a problem that trains in seconds.

Each design is swept, trained and validated in the same way, at the same test points, for several seeds. A seed decides
the design, its samples and the training. A refined design starts as the smallest Sobol design. Each round adds points
where the members of an ensemble disagree. The error of a design is the error of member 0.

The script writes study.csv (one line for each design, number of points and seed), study.png, and tables of the medians
over the test points and of the root mean squares. Under each table it prints one line `ratio: X` for each larger Sobol
design. X is the number of points with which the refined design reaches the error of this Sobol design, divided by the
number of points of the Sobol design. A line that is in study.csv is not run again.
"""

import argparse
import csv
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

sys.dont_write_bytecode = True
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from spikesweep_report import style  # noqa: E402
from spikesweep_report import figures_of_merit as merit  # noqa: E402
from spikesweep_report import reading  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/spikesweep"
PROBLEMS = {  # Preset, and the range of each of two axes.
    "weights": ("zhang2024", {"S_EE": (3.0, 5.5), "S_EI": (1.2, 3.4)}),
    "regimes": ("cai2021_hom", {"tau_EE": (1.3, 4.0), "tau_IE": (0.95, 1.2)}),
}
RATES = ("rate_E_hz", "rate_I_hz")
SUMMARIES = {"median": np.median, "root mean square": lambda errors: np.sqrt(np.mean(errors**2))}
FIGURES = tuple(f"{summary} {rate}" for summary in SUMMARIES for rate in RATES)
FORESEEN = "rank correlation of spread and error"
FIELDS = ("problem", "design", "points", "seed", *FIGURES, FORESEEN)
SPREAD = ("--extrapolate", "--duration", "16s", "--chains", "8", "--json")  # Of the members, foretold at a test point.
TEST_SIDE = 5  # Test points stand in so many cells a side,
IN_CELL = (0.4, 0.6)  # there, off the middle, so that no grid has a point at the same place.
SELECTION = ((0.3, 0.35), (0.7, 0.3), (0.35, 0.75), (0.75, 0.7))  # In units of the ranges.
SETTINGS = """
[sweep]
transitions = 800
[learning]
hidden = 64
layers = 2
components = 4
epochs = 30
batch = 128
shards = 16
candidates = 2
selection_s = 4.0
selection_chains = 4
[validation]
duration_s = 8.0
baselines = false
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", metavar="DIR", type=pathlib.Path, help="directory for study.csv and study.png")
    parser.add_argument("--problem", choices=PROBLEMS, default="regimes")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--sobol", type=int, nargs="+", default=[12, 16, 24, 36], metavar="POINTS")
    parser.add_argument("--grid", type=int, nargs="+", default=[4, 5, 6], metavar="SIDE")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of the refined designs")
    parser.add_argument("--add", type=int, default=4, metavar="POINTS", help="that a round adds")
    parser.add_argument("--members", type=int, default=3, metavar="N", help="of the ensembles that refine")
    return parser.parse_args()


def point_list(axes, shares):
    """Points, in units of the ranges, as the value of a config key."""
    tables = []
    for point in shares:
        values = [f"{name} = {low + share * (high - low)}" for (name, (low, high)), share in zip(axes.items(), point)]
        tables.append("{" + ", ".join(values) + "}")
    return "[" + ", ".join(tables) + "]"


def config(problem, kind, size, seed):
    preset, axes = PROBLEMS[problem]
    tests = [((i + IN_CELL[0]) / TEST_SIDE, (j + IN_CELL[1]) / TEST_SIDE)
             for i in range(TEST_SIDE) for j in range(TEST_SIDE)]
    steps = f", steps = {size}" if kind == "grid" else ""
    lines = [f"seed = {seed}", "[network]", f'preset = "{preset}"', "[design]",
             f'kind = "{kind}"', "selection_points = 0", "test_points = 0",
             f"selection_at = {point_list(axes, SELECTION)}",
             f"test_at = {point_list(axes, tests)}"]
    lines += [f"points = {size}"] if kind == "sobol" else []
    lines += ["[design.axes]"]
    lines += [f"{name} = {{min = {low}, max = {high}{steps}}}" for name, (low, high) in axes.items()]
    return "\n".join(lines) + SETTINGS + f"seed = {seed}\n"


def run(directory, text, *options, refines=False):
    """Errors of the two rates over the test points [%], in the order of FIGURES, and FORESEEN of an ensemble."""
    directory.mkdir(exist_ok=True)
    (directory / "config.in.toml").write_text(text)
    # A stand-in for the report, which would take longer than the training.
    (directory / "report.py").write_text("#!/usr/bin/python3\n")
    (directory / "report.py").chmod(0o755)
    command = [BINARY, "--quiet", "run", directory / "config.in.toml", "-o", directory / "run", *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "SPIKESWEEP_TOOLS": str(directory)},
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"study_refine: {' '.join(map(str, command))} ended with {done.returncode}")
    validation = reading.read_run(directory / "run").validation
    errors = {rate: merit.errors(validation, "surrogate", rate) for rate in RATES}
    found = [float(summarise(errors[rate])) for summarise in SUMMARIES.values() for rate in RATES]
    return found + [foreseen(directory / "run/model.h5", validation, errors) if refines else math.nan]


def foreseen(model, validation, errors):
    """Spearman's correlation, over the test points, of the errors with the spread of the members, of both rates added
    up."""
    spreads = []
    for point in validation.values:
        values = [f"{name}={value:.17g}" for name, value in zip(validation.axes, point)]
        done = subprocess.run([BINARY, "--quiet", "predict", "-m", model, "--set", *values, *SPREAD], check=True,
                              capture_output=True)
        told = json.loads(done.stdout)
        spreads.append(sum(told["spread"][rate] / told[rate] for rate in RATES))
    ranks = [np.argsort(np.argsort(values)) for values in (spreads, sum(errors[rate] for rate in RATES))]
    return float(np.corrcoef(*ranks)[0, 1])


class Study:
    """The rows of study.csv, each kept as soon as it is known."""

    def __init__(self, options):
        self.options = options
        self.path = options.output / "study.csv"
        self.rows = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.rows = [{**row, **{key: int(row[key]) for key in ("points", "seed")},
                              **{key: float(row[key]) for key in (*FIGURES, FORESEEN)}} for row in csv.DictReader(file)]

    def has(self, design, points, seed):
        return any((row["problem"], row["design"], row["points"], row["seed"]) ==
                   (self.options.problem, design, points, seed) for row in self.rows)

    def add(self, design, points, seed, errors):
        row = dict(zip(FIELDS, (self.options.problem, design, points, seed, *(round(e, 4) for e in errors))))
        self.rows.append(row)
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(self.rows)
        print(f"{design:8} {points:3} points, seed {seed}: " +
              ", ".join(f"{key} {error:.2f} %" for key, error in zip(FIGURES, errors)) +
              ("" if math.isnan(errors[-1]) else f", {FORESEEN} {errors[-1]:.2f}"), flush=True)

    def errors(self, design, key):
        """Errors over the seeds, by number of points."""
        found = {}
        for row in self.rows:
            if row["problem"] == self.options.problem and row["design"] == design:
                found.setdefault(row["points"], []).append(row[key])
        return dict(sorted(found.items()))

    def simulate(self):
        options = self.options
        for seed in range(1, options.seeds + 1):
            for design, sizes in (("grid", options.grid), ("sobol", options.sobol)):
                for size in sizes:
                    points = size**2 if design == "grid" else size
                    if not self.has(design, points, seed):
                        with tempfile.TemporaryDirectory(prefix="spikesweep-study-") as scratch:
                            self.add(design, points, seed,
                                     run(pathlib.Path(scratch), config(options.problem, design, size, seed)))
            self.refine(seed)

    def refine(self, seed):
        options, first = self.options, min(self.options.sobol)
        if self.has("refined", first + options.rounds * options.add, seed):
            return
        settings = ["--set", f"learning.members={options.members}", f"design.refine_points={options.add}"]
        with tempfile.TemporaryDirectory(prefix="spikesweep-study-") as scratch:
            for rounds in range(options.rounds + 1):
                errors = run(pathlib.Path(scratch), config(options.problem, "sobol", first, seed), *settings,
                             "--refine", str(rounds), refines=True)
                if not self.has("refined", first + rounds * options.add, seed):
                    self.add("refined", first + rounds * options.add, seed, errors)


def combined(study, design, summary):
    """Mean over seeds of the two rates' errors added up, and its standard error, by number of points."""
    parts = [study.errors(design, f"{summary} {rate}") for rate in RATES]
    out = {}
    for points in parts[0]:
        sums = [sum(values) for values in zip(*(part[points] for part in parts))]
        spread = statistics.stdev(sums) / math.sqrt(len(sums)) if len(sums) > 1 else 0.0
        out[points] = (statistics.mean(sums), spread)
    return out


def points_for(curve, error):
    """The number of points at which a curve comes down to an error, by logarithmic interpolation; none if it never
    does."""
    before = None
    for points, (mean, _) in curve.items():
        if mean <= error:
            if before is None:
                return float(points)
            share = math.log(before[1] / error) / math.log(before[1] / mean)
            return math.exp(math.log(before[0]) + share * math.log(points / before[0]))
        before = (points, mean)
    return None


def draw(study, path):
    style.apply()
    figure = style.new_figure(2 * style.PANEL[0], style.PANEL[1] * 1.1)
    panels = figure.subplots(1, 2)
    colours = {"grid": style.COLOUR_FLOOR, "sobol": style.COLOUR_I, "refined": style.COLOUR_E}
    for axes, summary in zip(panels, SUMMARIES):
        for design, colour in colours.items():
            curve = combined(study, design, summary)
            means, bars = zip(*curve.values())
            axes.errorbar(list(curve), means, bars, color=colour, marker="o", markersize=3.5, capsize=2, label=design)
        axes.set(xscale="log", yscale="log", title=f"{study.options.problem}: {summary}",
                 xlabel="training points", ylabel="error, E rate + I rate [%]")
        ticks = sorted({points for design in colours for points in combined(study, design, summary)})
        axes.set_xticks(ticks, ticks)
        axes.minorticks_off()
    panels[0].legend()
    figure.savefig(path, dpi=style.PICTURE_DPI)


def main():
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    study = Study(options)
    study.simulate()
    for summary in SUMMARIES:
        print(f"\n{summary} errors of E and I rate added up [%], mean and standard error over {options.seeds} seeds")
        curves = {design: combined(study, design, summary) for design in ("grid", "sobol", "refined")}
        for design, curve in curves.items():
            print(f"{design:8}" + "  ".join(f"{points}: {mean:.2f} +- {spread:.2f}"
                                           for points, (mean, spread) in curve.items()))
        for size in sorted(options.sobol)[1:]:
            needed = points_for(curves["refined"], curves["sobol"][size][0])
            print(f"{size} Sobol points, ratio: {needed / size:.2f}" if needed else
                  f"{size} Sobol points, ratio: none (the refined design does not reach that error)")
    for points, seen in study.errors("refined", FORESEEN).items():
        print(f"refined, {points} points: {FORESEEN} {statistics.mean(seen):.2f} ({min(seen):.2f} to {max(seen):.2f})")
    draw(study, options.output / "study.png")
    print(f"picture: {options.output / 'study.png'}")


if __name__ == "__main__":
    main()
