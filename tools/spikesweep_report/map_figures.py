"""Pictures of the sweep: each figure over one axis, over two, or over every pair of axes, as it was measured and as the
surrogate has it."""

from dataclasses import dataclass

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
FIRST = ("rate_E_hz", "rate_I_hz")  # Shown at once; the others unfold.


@dataclass
class Shown:
    """A figure to draw: its values at the points, and the surrogate's maps of it by the names of their axes."""
    key: str
    words: str
    unit: str
    measured: np.ndarray
    maps: dict
    population: str = ""

    @property
    def label(self):
        return style.axis_label(self.words, self.unit)

    @property
    def colour(self):
        return style.POPULATIONS.get(self.population, style.INK)


def shown_figures(sweep, validation=None):
    """Every figure that is known at some point of the sweep, the rates first."""
    described = {f.key: f for f in validation.figures} if validation else {}
    maps = validation.maps if validation else []
    measured = {**sweep.measured, "rate_E_hz": sweep.rate_E, "rate_I_hz": sweep.rate_I}
    units = {**sweep.figure_units, "rate_E_hz": "Hz", "rate_I_hz": "Hz"}
    words = {"rate_E_hz": "E rate", "rate_I_hz": "I rate"}
    shown = []
    for key in [*FIRST, *(k for k in measured if k not in FIRST)]:
        if not np.isfinite(measured[key]).any():
            continue
        name = words.get(key) or (described[key].label if key in described else key)
        own = {tuple(m.axes): m for m in maps if key in m.values}
        population = next((q for q in "EI" if key == f"rate_{q}_hz"), "")
        shown.append(Shown(key, name, units.get(key, ""), measured[key], own, population))
    return shown


def grid_levels(points):
    """The distinct values of every axis if the points are a full grid with two or more values each, else nothing."""
    levels = [np.unique(points[:, i]) for i in range(points.shape[1])]
    full = np.prod([len(v) for v in levels]) == len(points) and min(len(v) for v in levels) > 1
    return levels if full else None


def colour_scale(values):
    """From the lowest to the highest of the finite values; logarithmic if they are positive and span a wide range."""
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    high = high if high > low else low + 1
    return (LogNorm if low > 0 and high / low > style.LOG_RANGE else Normalize)(low, high)


def edges(levels):
    middle = (levels[1:] + levels[:-1]) / 2
    return np.concatenate([[2 * levels[0] - middle[0]], middle, [2 * levels[-1] - middle[-1]]])


def ranks(values):
    """Ranks, ties sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def rank_correlation(x, values):
    """Spearman's correlation over the points of known value; NaN if either does not vary."""
    known = np.isfinite(values)
    if known.sum() < 3 or np.ptp(x[known]) == 0 or np.ptp(values[known]) == 0:
        return np.nan
    return float(np.corrcoef(ranks(x[known]), ranks(values[known]))[0, 1])


def shown_axes(sweep, maps=()):
    """Indices of the axes to show, in the sweep's order: all; or those that are mapped; or those that the E rate
    depends on most."""
    count = len(sweep.axes)
    if count <= MOST_AXES:
        return list(range(count))
    mapped = {name for axes in maps for name in axes}
    if 1 < len(mapped) <= MOST_AXES:
        return [i for i, name in enumerate(sweep.axes) if name in mapped]
    strength = [np.nan_to_num(abs(rank_correlation(sweep.points[:, i], sweep.rate_E))) for i in range(count)]
    return sorted(np.argsort(strength)[::-1][:MOST_AXES].tolist())


def range_of(sweep, axis):
    """A little more than the values of an axis, so that no dot is cut off and panels of the same axis agree."""
    low, high = sweep.points[:, axis].min(), sweep.points[:, axis].max()
    margin = 0.04 * (high - low) if high > low else 0.5
    return low - margin, high + margin


def as_it_is(values):
    return values


def draw_map(axes, sweep, i, j, values, norm, size=26, pixels=False, x_at=as_it_is, y_at=as_it_is):
    """Measured values over axes i (horizontal) and j; a grid becomes a heat map, averaged over its other axes. `x_at`
    and `y_at` say where a value of an axis is drawn."""
    levels = grid_levels(sweep.points)
    if levels is not None:
        x, y = levels[i], levels[j]
        column = np.searchsorted(x, sweep.points[:, i])
        row = np.searchsorted(y, sweep.points[:, j])
        known = np.isfinite(values)
        total, number_of = np.zeros((len(y), len(x))), np.zeros((len(y), len(x)))
        np.add.at(total, (row[known], column[known]), values[known])
        np.add.at(number_of, (row[known], column[known]), 1)
        mean = np.ma.masked_invalid(np.where(number_of > 0, total / np.maximum(number_of, 1), np.nan))
        axes.grid(False)
        axes.pcolormesh(x_at(edges(x)), y_at(edges(y)), mean, norm=norm, cmap=style.RATE_MAP,
                        rasterized=pixels or mean.size > RASTERISE_ABOVE)
    else:
        train = (sweep.roles == 0) & np.isfinite(values)
        held = (sweep.roles != 0) & np.isfinite(values)
        pixels = pixels or len(values) > RASTERISE_ABOVE
        size *= min(1, SHRINK_ABOVE / len(values))
        for chosen, edge, width, order in ((train, style.MUTED, 0.3, 2), (held, style.INK, 1.1, 3)):
            axes.scatter(x_at(sweep.points[chosen, i]), y_at(sweep.points[chosen, j]), c=values[chosen], norm=norm,
                         s=size, cmap=style.RATE_MAP, edgecolors=edge, linewidths=width, zorder=order,
                         rasterized=pixels)
    failed = sweep.failed
    if failed.size:
        axes.scatter(x_at(sweep.points[failed, i]), y_at(sweep.points[failed, j]), marker="x", color=style.INK, s=size,
                     linewidths=1.2, zorder=4)


def draw_surrogate(axes, sweep, i, j, shown, norm, x_at=as_it_is, y_at=as_it_is):
    """The surrogate's map over axes i (horizontal) and j. Returns whether there is one."""
    names = (sweep.axes[i], sweep.axes[j])
    found, values = shown.maps.get(names), None
    if found:
        values = found.values[shown.key].T
    elif names[::-1] in shown.maps:
        found = shown.maps[names[::-1]]
        values = found.values[shown.key]
    if not found:
        return False
    x, y = (found.coordinates[found.axes.index(name)] for name in names)
    axes.grid(False)
    # An image has one pixel for each place, so it is small; the places are as good as evenly spaced.
    axes.imshow(np.ma.masked_invalid(values), norm=norm, cmap=style.RATE_MAP, interpolation="none", aspect="auto",
                origin="lower", extent=(*x_at(edges(x)[[0, -1]]), *y_at(edges(y)[[0, -1]])))
    return True


def colour_bar(figure, norm, axes, label, **options):
    place = {"ax": axes, "pad": 0.02} if axes is not None else {}
    bar = figure.colorbar(ScalarMappable(norm, style.RATE_MAP), **place, **options)
    bar.outline.set_visible(False)
    bar.set_label(label)
    if isinstance(norm, LogNorm):
        style.plain_log(bar.ax.yaxis)
    return bar


def line_figure(sweep, shown):
    """One axis: a figure along it."""
    figure, axes = style.panel()
    x = sweep.points[:, 0]
    line = shown.maps.get((sweep.axes[0],))
    if line:
        axes.plot(line.coordinates[0], line.values[shown.key], color=style.COLOUR_SURROGATE, label="surrogate")
    else:
        order = np.argsort(x)
        axes.plot(x[order], shown.measured[order], color=shown.colour, linewidth=1, alpha=0.5)
    train = sweep.roles == 0
    axes.plot(x[train], shown.measured[train], "o", color=shown.colour, markersize=5, label="training")
    axes.plot(x[~train], shown.measured[~train], "o", color=shown.colour, markersize=6, markeredgecolor=style.INK,
              label="held out")
    axes.set(xlabel=style.axis_label(sweep.axes[0], sweep.units[0]), ylabel=shown.label, title=shown.words)
    if np.nanmin(shown.measured) >= 0:
        axes.set_ylim(bottom=0)
    style.legend(axes)
    return figure


def label_plane(axes, sweep, i, j):
    axes.set(xlabel=style.axis_label(sweep.axes[i], sweep.units[i]),
             ylabel=style.axis_label(sweep.axes[j], sweep.units[j]))


def plane_figure(sweep, shown):
    """Two axes: what was measured, and beside it the surrogate's map."""
    norm = colour_scale(shown.measured)
    pixels = shown.key not in FIRST
    if not shown.maps:
        figure, axes = style.panel()
        draw_map(axes, sweep, 0, 1, shown.measured, norm, size=34, pixels=pixels)
        axes.set_title(shown.words)
        label_plane(axes, sweep, 0, 1)
        colour_bar(figure, norm, axes, shown.label)
        return figure
    figure = style.new_figure(2 * style.PANEL[0], style.PANEL[1])
    left, right = figure.subplots(1, 2)
    draw_surrogate(right, sweep, 0, 1, shown, norm)
    draw_map(left, sweep, 0, 1, shown.measured, norm, size=34, pixels=pixels)
    left.set_title(f"{shown.words}, measured")
    right.set_title("surrogate")
    for axes in (left, right):
        label_plane(axes, sweep, 0, 1)
        axes.set(xlim=range_of(sweep, 0), ylim=range_of(sweep, 1))
    colour_bar(figure, norm, right, shown.label)
    return figure


def name_cell(axes, sweep, i, shown, x, y):
    """A cell of the diagonal, whose lower left corner is at (x, y): the axis, its range, and how strongly the figure
    depends on it."""
    values = sweep.points[:, i]
    axes.text(x + 0.5, y + 0.68, sweep.axes[i], ha="center", fontsize=14, fontweight="bold")
    axes.text(x + 0.5, y + 0.50, f"{number(values.min())} to {number(values.max())} {sweep.units[i]}", ha="center",
              color=style.MUTED, fontsize=8)
    rho, height = rank_correlation(values, shown.measured), y + 0.25
    axes.plot([x + 0.5, x + 0.5 + 0.4 * np.nan_to_num(rho)], [height + 0.025] * 2, color=shown.colour, linewidth=5,
              solid_capstyle="butt")
    axes.plot([x + 0.5, x + 0.5], [height - 0.04, height + 0.09], color=style.MUTED, linewidth=0.7)
    written = "–" if np.isnan(rho) else f"{rho:+.2f}".replace("-", "−")
    left = np.nan_to_num(rho) < 0
    axes.text(x + (0.54 if left else 0.46), height, written, ha="left" if left else "right", color=shown.colour,
              fontsize=8)


class Panels:
    """The panels of a matrix, all in one axes: to draw a figure with an axes for each takes some ten times as long."""

    SIDE = 0.93  # Of a panel; the rest is space.

    def __init__(self, axes, sweep, shown_axes_):
        self.axes, self.sweep, self.count = axes, sweep, len(shown_axes_)
        self.ranges = {axis: range_of(sweep, axis) for axis in shown_axes_}
        locator = MaxNLocator(4, steps=[1, 2, 5, 10])
        self.ticks = {axis: [t for t in locator.tick_values(*limits) if limits[0] <= t <= limits[1]]
                      for axis, limits in self.ranges.items()}
        axes.set_axis_off()

    def corner(self, row, column):
        return column, self.count - 1 - row

    def along(self, axis, start):
        """What puts a value of an axis onto its place in a panel that begins there."""
        low, high = self.ranges[axis]
        return lambda values: start + self.SIDE * (np.asarray(values) - low) / (high - low)

    def frame(self, row, column, i, j):
        """Left and lower edge of a panel with their ticks. Returns how values come onto their places."""
        x, y = self.corner(row, column)
        x_at, y_at = self.along(i, x), self.along(j, y)
        line = {"color": style.MUTED, "linewidth": 0.7, "solid_capstyle": "butt", "zorder": 5}
        self.axes.plot([x, x, x + self.SIDE], [y + self.SIDE, y, y], **line)
        for tick in self.ticks[i]:
            self.axes.plot([x_at(tick)] * 2, [y, y - 0.012], **line)
        for tick in self.ticks[j]:
            self.axes.plot([x, x - 0.012], [y_at(tick)] * 2, **line)
        # The first row and the last column end in a name, so the panel next to it carries the labels.
        if row == (self.count - 1 if column < self.count - 1 else self.count - 2):
            for tick in self.ticks[i]:
                self.axes.text(x_at(tick), y - 0.03, f"{tick:g}", ha="center", va="top", color=style.MUTED, fontsize=8)
            self.axes.text(x + self.SIDE / 2, y - 0.12, style.axis_label(self.sweep.axes[i], self.sweep.units[i]),
                           ha="center", va="top")
        if column == (0 if row > 0 else 1):
            for tick in self.ticks[j]:
                self.axes.text(x - 0.03, y_at(tick), f"{tick:g}", ha="right", va="center", color=style.MUTED,
                               fontsize=8)
            self.axes.text(x - 0.22, y + self.SIDE / 2, style.axis_label(self.sweep.axes[j], self.sweep.units[j]),
                           ha="right", va="center", rotation=90)
        return x_at, y_at


def matrix_figure(sweep, shown):
    """Three or more axes: every pair, measured below the diagonal and the surrogate's maps above it."""
    axes_shown = shown_axes(sweep, shown.maps)
    count = len(axes_shown)
    width, height = CELL * count + 1.5, CELL * count + 0.6
    figure = style.new_figure(width, height, layout=None)
    left, bottom, right, top = 0.7 / width, 0.5 / height, 1 - 0.8 / width, 1 - 0.1 / height
    axes = figure.add_axes((left, bottom, right - left, top - bottom))
    panels = Panels(axes, sweep, axes_shown)
    norm = colour_scale(shown.measured)
    for row, j in enumerate(axes_shown):
        for column, i in enumerate(axes_shown):
            if row == column:
                # Beside the first name and above the last one there are labels.
                x, y = panels.corner(row, column)
                name_cell(axes, sweep, i, shown, x - 0.12 * (row == 0), y - 0.12 * (row == count - 1))
            elif row > column:
                x_at, y_at = panels.frame(row, column, i, j)
                draw_map(axes, sweep, i, j, shown.measured, norm, size=14, pixels=shown.key not in FIRST, x_at=x_at,
                         y_at=y_at)
            elif shown.maps:
                x_at, y_at = panels.frame(row, column, i, j)
                draw_surrogate(axes, sweep, i, j, shown, norm, x_at, y_at)
    axes.set(xlim=(0, count), ylim=(0, count))
    inside = figure.add_axes((right + 0.15 / width, bottom, 0.16 / width, top - bottom))
    colour_bar(figure, norm, None, shown.label, cax=inside)
    return figure


def figure(sweep, shown):
    """(name, figure, description) of the picture of a figure over the axes."""
    name = f"map_{shown.key}"
    if len(sweep.axes) == 1:
        return name, line_figure(sweep, shown), f"{shown.words} over {sweep.axes[0]}"
    if len(sweep.axes) == 2:
        return name, plane_figure(sweep, shown), f"Map of {shown.words} over {sweep.axes[0]} and {sweep.axes[1]}"
    return name, matrix_figure(sweep, shown), (f"{shown.words} over every pair of axes: measured below the diagonal, "
                                               "the surrogate above it")
