"""One picture of the whole run, for a README or a slide: map, spectrum, parity, rasters, errors."""

import numpy as np

from . import figures_of_merit as merit
from . import map_figures, run_figures, style

WIDTH, HEIGHT = 12.6, 6.4  # [inch]


def strongest_axes(sweep):
    """The two axes that the E rate depends on most, strongest first."""
    strength = [np.nan_to_num(abs(map_figures.rank_correlation(sweep.points[:, i], sweep.rate_E)))
                for i in range(len(sweep.axes))]
    return np.argsort(strength)[::-1][:2].tolist()


def draw_sweep(figure, axes, sweep):
    if len(sweep.axes) == 1:
        axes.plot(sweep.points[:, 0], sweep.rate_E, "o", color=style.COLOUR_E, markersize=4)
        axes.set(xlabel=style.axis_label(sweep.axes[0], sweep.units[0]), ylabel="E rate [Hz]")
        axes.set_title(f"Sweep: {len(sweep.points)} points")
        return
    i, j = strongest_axes(sweep)
    norm = map_figures.colour_scale(sweep.rate_E)
    map_figures.draw_map(axes, sweep, i, j, sweep.rate_E, norm, size=24)
    axes.set(xlabel=style.axis_label(sweep.axes[i], sweep.units[i]),
             ylabel=style.axis_label(sweep.axes[j], sweep.units[j]))
    others = len(sweep.axes) - 2
    more = f", {others} more {'axis' if others == 1 else 'axes'}" if others else ""
    axes.set_title(f"Sweep: {len(sweep.points)} points{more}")
    map_figures.colour_bar(figure, norm, axes, "E rate [Hz]")


def figure(run):
    """The picture of a run that has a validation, or nothing when too little of it is known."""
    sweep, validation = run.sweep, run.validation
    rows = merit.chosen_points(validation) if validation else []
    drawable = rows and len(validation.frequency) and {"exact", "surrogate"} <= set(validation.rasters)
    if not drawable or not np.isfinite(sweep.rate_E).any():
        return None
    row = rows[len(rows) // 2]
    result = style.new_figure(WIDTH, HEIGHT)
    cells = result.subplots(2, 3)
    draw_sweep(result, cells[0, 0], sweep)
    run_figures.draw_spectra(cells[0, 1], validation, row, "Spectrum of the E rate at an unseen point")
    run_figures.draw_parity(cells[0, 2], validation, "rate_E_hz", style.COLOUR_E, "E rate at every unseen point", "Hz")
    cells[0, 2].set_xlabel("Exact [Hz]")
    seconds = run_figures.raster_length(validation)
    for axes, name, title in zip(cells[1], ("exact", "surrogate"), ("Spikes, exact network", "Spikes, surrogate")):
        run_figures.draw_raster(axes, validation, name, row, sweep.sizes, seconds, title)
    run_figures.draw_errors(cells[1, 2], validation, "rate_E_hz", style.COLOUR_E)
    cells[1, 2].set_title("E rate error, every unseen point")
    return result
