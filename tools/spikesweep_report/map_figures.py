"""Pictures of the sweep: rates over one axis, over two, or over every pair of axes."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import MaxNLocator

from . import style
from .wording import number

MOST_AXES = 5  # A matrix of more pairs cannot be read.
CELL = 2.0  # Side of a cell of the matrix [inch].
SHRINK_ABOVE = 300  # Points above this get smaller dots, so that they cover no more of the plane.
RASTERISE_ABOVE = 600  # Points above this become pixels, to keep the page small.


def grid_levels(points):
    """The distinct values of every axis if the points are a full grid with two or more values each, else nothing."""
    levels = [np.unique(points[:, i]) for i in range(points.shape[1])]
    full = np.prod([len(v) for v in levels]) == len(points) and min(len(v) for v in levels) > 1
    return levels if full else None


def rate_norms(sweep):
    """Colour scales of E and I, both logarithmic if either spans a wide range."""
    spans = {}
    for q, rate in (("E", sweep.rate_E), ("I", sweep.rate_I)):
        known = rate[np.isfinite(rate)]
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
        spans[q] = (low, high if high > low else low + 1)
    logarithmic = min(low for low, _ in spans.values()) > 0 and any(
        high / low > style.LOG_RANGE for low, high in spans.values())
    return {q: (LogNorm if logarithmic else Normalize)(*span) for q, span in spans.items()}


def edges(levels):
    middle = (levels[1:] + levels[:-1]) / 2
    return np.concatenate([[2 * levels[0] - middle[0]], middle, [2 * levels[-1] - middle[-1]]])


def ranks(values):
    """Ranks, ties sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def rank_correlation(x, rate):
    """Spearman's correlation over the points of known rate; NaN if either does not vary."""
    known = np.isfinite(rate)
    if known.sum() < 3 or np.ptp(x[known]) == 0 or np.ptp(rate[known]) == 0:
        return np.nan
    return float(np.corrcoef(ranks(x[known]), ranks(rate[known]))[0, 1])


def shown_axes(sweep):
    """Indices of the axes to show: all, or those that the E rate depends on most, in the sweep's order."""
    count = len(sweep.axes)
    if count <= MOST_AXES:
        return list(range(count))
    strength = [np.nan_to_num(abs(rank_correlation(sweep.points[:, i], sweep.rate_E))) for i in range(count)]
    return sorted(np.argsort(strength)[::-1][:MOST_AXES].tolist())


def draw_map(axes, sweep, i, j, rate, norm, size=26):
    """Rates over axes i (horizontal) and j; a grid becomes a heat map, averaged over its other axes."""
    levels = grid_levels(sweep.points)
    if levels is not None:
        x, y = levels[i], levels[j]
        column = np.searchsorted(x, sweep.points[:, i])
        row = np.searchsorted(y, sweep.points[:, j])
        known = np.isfinite(rate)
        total, number = np.zeros((len(y), len(x))), np.zeros((len(y), len(x)))
        np.add.at(total, (row[known], column[known]), rate[known])
        np.add.at(number, (row[known], column[known]), 1)
        mean = np.ma.masked_invalid(np.where(number > 0, total / np.maximum(number, 1), np.nan))
        axes.grid(False)
        axes.pcolormesh(edges(x), edges(y), mean, norm=norm, cmap=style.RATE_MAP,
                        rasterized=mean.size > RASTERISE_ABOVE)
    else:
        train = (sweep.roles == 0) & np.isfinite(rate)
        held = (sweep.roles != 0) & np.isfinite(rate)
        pixels = len(rate) > RASTERISE_ABOVE
        size *= min(1, SHRINK_ABOVE / len(rate))
        for chosen, edge, width, order in ((train, style.MUTED, 0.3, 2), (held, style.INK, 1.1, 3)):
            axes.scatter(sweep.points[chosen, i], sweep.points[chosen, j], c=rate[chosen], norm=norm, s=size,
                         cmap=style.RATE_MAP, edgecolors=edge, linewidths=width, zorder=order, rasterized=pixels)
    failed = sweep.failed
    if failed.size:
        axes.scatter(sweep.points[failed, i], sweep.points[failed, j], marker="x", color=style.INK, s=size,
                     linewidths=1.2, zorder=4)


def colour_bar(figure, norm, axes, label, **options):
    place = {"ax": axes, "pad": 0.02} if axes is not None else {}
    bar = figure.colorbar(ScalarMappable(norm, style.RATE_MAP), **place, **options)
    bar.outline.set_visible(False)
    bar.set_label(label)
    if isinstance(norm, LogNorm):
        style.plain_log(bar.ax.yaxis)
    return bar


def line_figures(sweep):
    """One axis: rates of E and I along it."""
    figures = []
    x = sweep.points[:, 0]
    for q, rate in (("E", sweep.rate_E), ("I", sweep.rate_I)):
        figure, axes = style.panel()
        order = np.argsort(x)
        axes.plot(x[order], rate[order], color=style.POPULATIONS[q], linewidth=1, alpha=0.5)
        train = sweep.roles == 0
        axes.plot(x[train], rate[train], "o", color=style.POPULATIONS[q], markersize=5, label="training")
        axes.plot(x[~train], rate[~train], "o", color=style.POPULATIONS[q], markersize=6, markeredgecolor=style.INK,
                  label="held out")
        axes.set(xlabel=style.axis_label(sweep.axes[0], sweep.units[0]), ylabel=f"{q} rate [Hz]", title=f"{q} rate")
        axes.set_ylim(bottom=0)
        style.legend(axes)
        figures.append((f"map_{q}", figure, f"{q} rate over {sweep.axes[0]}"))
    return figures


def plane_figures(sweep):
    """Two axes: one map of each population."""
    figures = []
    norms = rate_norms(sweep)
    for q, rate in (("E", sweep.rate_E), ("I", sweep.rate_I)):
        figure, axes = style.panel()
        draw_map(axes, sweep, 0, 1, rate, norms[q], size=34)
        axes.set(xlabel=style.axis_label(sweep.axes[0], sweep.units[0]),
                 ylabel=style.axis_label(sweep.axes[1], sweep.units[1]), title=f"{q} rate")
        colour_bar(figure, norms[q], axes, f"{q} rate [Hz]")
        figures.append((f"map_{q}", figure, f"Map of the {q} rate over {sweep.axes[0]} and {sweep.axes[1]}"))
    return figures


def name_cell(axes, sweep, i, right=0.0, up=0.0):
    """A cell of the diagonal: the axis, its range, and how strongly each rate depends on it."""
    axes.set_axis_off()
    axes.set(xlim=(-right, 1 - right), ylim=(-up, 1 - up))
    values = sweep.points[:, i]
    axes.text(0.5, 0.76, sweep.axes[i], ha="center", fontsize=14, fontweight="bold")
    axes.text(0.5, 0.60, f"{number(values.min())} to {number(values.max())} {sweep.units[i]}", ha="center",
              color=style.MUTED, fontsize=8)
    for q, rate, height in (("E", sweep.rate_E, 0.36), ("I", sweep.rate_I, 0.17)):
        rho = rank_correlation(values, rate)
        axes.plot([0.5, 0.5 + 0.4 * np.nan_to_num(rho)], [height + 0.025] * 2, color=style.POPULATIONS[q], linewidth=5,
                  solid_capstyle="butt", clip_on=False)
        axes.plot([0.5, 0.5], [height - 0.04, height + 0.09], color=style.MUTED, linewidth=0.7)
        written = "–" if np.isnan(rho) else f"{rho:+.2f}".replace("-", "−")
        left = np.nan_to_num(rho) < 0
        axes.text(0.54 if left else 0.46, height, f"{q} {written}", ha="left" if left else "right",
                  color=style.POPULATIONS[q], fontsize=8)


def matrix_figure(sweep):
    """Three or more axes: every pair, E rates below the diagonal and I rates above it."""
    shown = shown_axes(sweep)
    count = len(shown)
    width, height = CELL * count + 1.5, CELL * count + 0.6
    figure = style.new_figure(width, height, layout=None)
    left, bottom, right, top = 0.6 / width, 0.5 / height, 1 - 0.9 / width, 1 - 0.1 / height
    cells = figure.subplots(count, count, squeeze=False, gridspec_kw={
        "left": left, "bottom": bottom, "right": right, "top": top, "wspace": 0.08, "hspace": 0.08})
    norms = rate_norms(sweep)
    for row, j in enumerate(shown):
        for column, i in enumerate(shown):
            axes = cells[row, column]
            if row == column:
                name_cell(axes, sweep, i, right=-0.08 * (row == 0), up=-0.15 * (row == count - 1))
                continue
            q = "E" if row > column else "I"
            draw_map(axes, sweep, i, j, sweep.rate_E if q == "E" else sweep.rate_I, norms[q], size=14)
            # The first row and the last column end in a name, so the panel next to it carries the labels.
            lowest = row == (count - 1 if column < count - 1 else count - 2)
            leftmost = column == (0 if row > 0 else 1)
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.tick_params(labelbottom=lowest, labelleft=leftmost, length=2)
            if lowest:
                axes.set_xlabel(style.axis_label(sweep.axes[i], sweep.units[i]))
            if leftmost:
                axes.set_ylabel(style.axis_label(sweep.axes[j], sweep.units[j]))
    middle = (bottom + top) / 2
    for q, start, end, place in (("E", bottom, middle - 0.01, "below"), ("I", middle + 0.01, top, "above")):
        inside = figure.add_axes((right + 0.15 / width, start, 0.16 / width, end - start))
        colour_bar(figure, norms[q], None, f"{q} rate [Hz], {place} the diagonal", cax=inside)
    return "map_pairs", figure, "Rates over every pair of axes: E below the diagonal, I above"


def figures(sweep):
    """(name, figure, description) of every picture of the sweep."""
    if len(sweep.axes) == 0:
        return []
    if len(sweep.axes) == 1:
        return line_figures(sweep)
    return plane_figures(sweep) if len(sweep.axes) == 2 else [matrix_figure(sweep)]
