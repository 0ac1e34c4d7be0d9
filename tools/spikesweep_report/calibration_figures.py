"""Pictures of the calibration of the law: histograms of probability integral transforms, coverage of intervals."""

import numpy as np

from . import style

COLUMNS = 5  # Panels side by side in a figure of histograms.
CELL = (1.6, 1.35)  # Size of a panel [inch].
LABELS = {"spikes_E": "E spikes", "spikes_I": "I spikes", "duration": "Duration", "high_E": "E near threshold",
          "high_I": "I near threshold", "refractory_E": "E refractory", "refractory_I": "I refractory"}
LEVEL_MARKERS = ("o", "s", "D")
STANDARD_ERRORS = 2  # Width of the bands of chance on either side.


def label(output):
    return LABELS.get(output, output.replace("pending_", "Pending ").replace("_", " "))


def colour(output):
    return style.COLOUR_I if output.endswith(("_I", "_IE", "_II")) else style.COLOUR_E if output.endswith(
        ("_E", "_EE", "_EI")) else style.COLOUR_SURROGATE


def rows_of(calibration, phase):
    return [i for i, name in enumerate(calibration.phase) if name == phase]


def draw_pit(axes, calibration, row):
    """Density of the transforms; the band holds 95 % of the bars of a right law."""
    counts = calibration.histogram[row]
    bins, rows = len(counts), counts.sum()
    chance = STANDARD_ERRORS * np.sqrt((bins - 1) / max(rows, 1))
    axes.axhspan(1 - chance, 1 + chance, color=style.COLOUR_FLOOR, alpha=0.3, linewidth=0)
    axes.axhline(1, color=style.MUTED, linewidth=0.8)
    axes.stairs(counts * bins / max(rows, 1), np.linspace(0, 1, bins + 1), color=colour(calibration.output[row]),
                linewidth=1.3, baseline=None)
    axes.set(xlim=(0, 1))
    axes.set_title(label(calibration.output[row]), pad=3, fontsize=8.5)
    axes.grid(False)


def histogram_figure(calibration, phase):
    rows = rows_of(calibration, phase)
    down = -(-len(rows) // COLUMNS)
    figure = style.new_figure(CELL[0] * COLUMNS, CELL[1] * down + 0.25)
    cells = figure.subplots(down, COLUMNS, sharex=True, sharey=True, squeeze=False)
    density = [calibration.histogram[i] * calibration.histogram.shape[1] / max(calibration.histogram[i].sum(), 1)
               for i in rows]
    top = max(1.5, 1.08 * max(d.max() for d in density))
    for place, axes in enumerate(cells.ravel()):
        if place >= len(rows):
            axes.set_axis_off()
            continue
        draw_pit(axes, calibration, rows[place])
        axes.set(ylim=(0, top), xticks=(0, 0.5, 1), xticklabels=("0", "0.5", "1"))
        axes.tick_params(labelbottom=place + COLUMNS >= len(rows))
    figure.supxlabel("Probability of less than the outcome (PIT)", fontsize=9)
    figure.supylabel("Density", fontsize=9)
    return figure


def draw_coverage(axes, calibration, phase):
    """Coverage less level of the central intervals, with the reach of chance."""
    rows = rows_of(calibration, phase)
    lines = []
    for k, level in enumerate(calibration.level):
        height = np.arange(len(rows))[::-1] + 0.22 * (1 - k)
        off = 100 * (calibration.coverage[rows, k] - level)
        chance = 100 * STANDARD_ERRORS * np.sqrt(level * (1 - level) / np.maximum(calibration.rows[rows], 1))
        axes.hlines(height, off - chance, off + chance, color=style.COLOUR_FLOOR, linewidth=1.6, zorder=2)
        tint = (style.INK, style.COLOUR_SURROGATE, style.MUTED)[k % 3]
        lines.append(axes.scatter(off, height, s=15, marker=LEVEL_MARKERS[k % 3], color=tint, zorder=3,
                                  label=f"{100 * level:g} %"))
    axes.axvline(0, color=style.MUTED, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [label(calibration.output[i]) for i in reversed(rows)])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    reach = max(abs(limit) for limit in axes.get_xlim())
    axes.set(xlim=(-reach, reach), ylim=(-0.6, len(rows) - 0.4), xlabel="Coverage less level [percentage points]")
    axes.set_title("Central intervals", pad=20)
    style.legend(axes, handles=lines, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncol=3)


def figures(calibration):
    """(name, figure, description) for every kind of phase: histograms, then coverage."""
    result = []
    for phase in dict.fromkeys(calibration.phase):
        of_phase = "" if phase == "step" else f" of {phase} phases"
        result.append((f"pit_{phase}", histogram_figure(calibration, phase), f"PIT histograms{of_phase}"))
        figure = style.new_figure(style.PANEL[0], 0.27 * len(rows_of(calibration, phase)) + 1.0)
        axes = figure.add_subplot()
        draw_coverage(axes, calibration, phase)
        result.append((f"coverage_{phase}", figure, f"Coverage of central intervals{of_phase}"))
    return result
