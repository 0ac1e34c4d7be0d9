"""Pictures of training and validation: losses, spectra, rasters, parity, baselines."""

import numpy as np

from . import figures_of_merit as merit
from . import style

HIGHEST_FREQUENCY = 150.0  # Shown of a spectrum [Hz]; the rhythms of these networks are at 10 to 100 Hz.
NAMES = {1: ["middle"], 2: ["low", "high"], 3: ["low", "middle", "high"]}
RUN_STYLE = {
    "exact": {"color": style.INK, "linewidth": 1.8, "label": "exact", "zorder": 3},
    "exact_repeat": {"color": style.COLOUR_FLOOR, "linewidth": 1.0,
                     "label": "exact, repeated", "zorder": 2},
    "surrogate": {"color": style.COLOUR_SURROGATE, "linewidth": 1.8, "label": "surrogate", "zorder": 4,
                  "linestyle": (0, (4, 1.4))},
}


VERDICT_KEYS = ("rate_E_hz", "rate_I_hz")  # Quantities that have verdicts and standard errors.
CHANCE = 1.96  # Standard errors within which 95 % of errors by chance are.


def summary(validation, run, key):
    return validation.summary.get(run, {}).get(key, np.full(validation.count, np.nan))


def standard_error(validation, run, key):
    """Of a figure of a run at every test point. Files of 0.1.0 have none, and early ones of 0.2.0 those of rates."""
    of_rates = summary(validation, run, f"{key.split('_hz')[0]}_standard_error")
    return validation.standard_errors.get(run, {}).get(key, of_rates)


def draw_losses(axes, model, name, unit, title):
    epoch = model.curves["epoch"]
    axes.plot(epoch, model.curves[f"train_{name}_loss"], color=style.COLOUR_FLOOR, linewidth=2, label="training points")
    selection = model.curves[f"selection_{name}_loss"]
    axes.plot(epoch, selection, color=style.COLOUR_SURROGATE, label="selection points (held out)")
    chosen = model.candidates.get("chosen")
    if chosen is not None and chosen.any():
        best = model.candidates["epoch"][chosen.astype(bool)][0]
        at = np.flatnonzero(epoch == best)
        if at.size:
            axes.plot(best, selection[at[0]], "o", markersize=9, markerfacecolor="none", markeredgecolor=style.INK,
                      markeredgewidth=1.3)
    after = selection[np.isfinite(selection)][min(2, len(selection) - 1):]
    if after.size and np.isfinite(selection).all():
        low = min(selection.min(), model.curves[f"train_{name}_loss"].min())
        spread = max(after.max() - low, 1e-9)
        axes.set_ylim(low - 0.06 * spread, low + 1.15 * spread)  # The first two epochs would flatten all others.
    axes.set(xlabel="Epoch", ylabel=f"Loss [{unit}]")
    axes.set_title(title, pad=20)
    style.legend(axes, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncol=2)


def draw_candidates(axes, model):
    c = model.candidates
    chosen = c["chosen"].astype(bool)
    for q, marker in (("E", "o"), ("I", "s")):
        error = 100 * np.asarray(c[f"error_{q}"], float)
        axes.plot(c["epoch"], error, marker=marker, color=style.POPULATIONS[q], linewidth=1, markersize=5,
                  label=f"{q} rate")
        axes.plot(c["epoch"][chosen], error[chosen], "o", markersize=11, markerfacecolor="none",
                  markeredgecolor=style.INK, markeredgewidth=1.3)
    axes.set(xlabel="Epoch", ylabel="Closed-loop rate error [%]")
    axes.set_title("Closed loop of the compared epochs", pad=20)
    axes.set_ylim(bottom=0)
    style.legend(axes, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncol=2)


def training_figures(model):
    result = []
    for name, unit, title in (("counts", "nat", "Counts head: negative log-likelihood"),
                              ("profile", "nat", "Profile head: cross-entropy")):
        if {f"train_{name}_loss", f"selection_{name}_loss"} <= set(model.curves):
            figure, axes = style.panel()
            draw_losses(axes, model, name, unit, title)
            result.append((f"training_{name}", figure, title))
    if len(model.candidates.get("epoch", [])):
        figure, axes = style.panel()
        draw_candidates(axes, model)
        result.append(("training_candidates", figure, "Closed-loop rate errors of the compared epochs"))
    return result


def draw_spectra(axes, validation, row, title):
    frequency = validation.frequency
    shown = (frequency > 0) & (frequency <= HIGHEST_FREQUENCY)
    for run in ("exact_repeat", "exact", "surrogate"):
        if run in validation.spectra:
            axes.plot(frequency[shown], validation.spectra[run][row][shown], **RUN_STYLE[run])
    for run in ("exact", "surrogate"):
        peak = summary(validation, run, "peak_hz")[row]
        if np.isfinite(peak) and peak <= HIGHEST_FREQUENCY:
            axes.plot(peak, 0.975, marker="v" if run == "exact" else "^", markersize=6, color=RUN_STYLE[run]["color"],
                      transform=axes.get_xaxis_transform(), clip_on=False, zorder=5,
                      markerfacecolor=RUN_STYLE[run]["color"] if run == "exact" else "none")
    if any((validation.spectra[run][row][shown] > 0).any() for run in RUN_STYLE if run in validation.spectra):
        axes.set_yscale("log")
        style.plain_log(axes.yaxis)
    axes.set(xlim=(0, HIGHEST_FREQUENCY), xlabel="Frequency [Hz]", ylabel="Power of the E rate [Hz²/Hz]")
    axes.set_title(title, pad=20)
    style.legend(axes, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncol=3)


def draw_raster(axes, validation, run, row, neurons, seconds, title):
    data = validation.rasters[run]
    mine = data["point"] == row
    time, neuron = data["time"][mine], data["neuron"][mine]
    time = time - (np.floor(time.min() * 10) / 10 if time.size and time.min() > seconds else 0)
    for q, inside in (("E", neuron < neurons["E"]), ("I", neuron >= neurons["E"])):
        axes.scatter(1e3 * time[inside], neuron[inside], s=1.6, marker="o", linewidths=0, color=style.POPULATIONS[q],
                     rasterized=True)
    total = neurons["E"] + neurons["I"]
    axes.axhline(neurons["E"] - 0.5, color=style.MUTED, linewidth=0.6)
    axes.set(xlim=(0, 1e3 * seconds), ylim=(-2, total + 1), xlabel="Time [ms]", title=title)
    axes.grid(False)
    axes.set_yticks([neurons["E"] / 2, neurons["E"] + neurons["I"] / 2], ["E", "I"])
    for label, q in zip(axes.get_yticklabels(), "EI"):
        label.set(color=style.POPULATIONS[q], fontweight="bold", fontsize=10)
    axes.tick_params(axis="y", length=0)


def raster_length(validation):
    """Length of the stretch that rasters show [s], a round number of 50 ms."""
    spans = [np.ptp(r["time"][r["point"] == p]) for r in validation.rasters.values() for p in np.unique(r["point"])]
    return float(np.ceil(max(spans, default=0.5) * 20) / 20) or 0.5


def point_figures(validation, neurons):
    """For points of low, middle and high E rate: spectrum, exact raster, surrogate raster. One list a point."""
    rows = merit.chosen_points(validation)
    seconds = raster_length(validation)
    result = []
    for row, name in zip(rows, NAMES.get(len(rows), [])):
        rate_E, rate_I = (summary(validation, "exact", f"rate_{q}_hz")[row] for q in "EI")
        figures = []
        if len(validation.frequency):
            figure, axes = style.panel()
            draw_spectra(axes, validation, row, "Spectrum of the E rate")
            figures.append((f"spectrum_{name}", figure, f"Spectra at the {name} test point"))
        for run in ("exact", "surrogate"):
            if run in validation.rasters:
                figure, axes = style.panel()
                draw_raster(axes, validation, run, row, neurons, seconds, f"{merit.run_label(run)} network"
                            if run == "exact" else "Surrogate")
                figures.append((f"raster_{name}_{run}", figure, f"Spikes of the {run} run at the {name} test point"))
        result.append((name, row, rate_E, rate_I, figures))
    return result


def limits(values):
    """Ends of an axis around the values: a factor around those that get a logarithmic one, else a margin."""
    low, high = values.min(), values.max()
    if low > 0 and high > style.LOG_RANGE * low:
        return low / 1.15, high * 1.15
    margin = 0.06 * (high - low) or 1.0
    return max(0, low - margin), high + margin


def verdict_style(verdict, colour):
    """A verdict's marker: filled, open, or a cross."""
    return {"indistinguishable": {"marker": "o", "s": 26, "color": colour, "edgecolors": style.PAPER,
                                  "linewidths": 0.6},
            "within_2_percent": {"marker": "o", "s": 20, "facecolors": style.PAPER, "edgecolors": colour,
                                 "linewidths": 1.3},
            "worse": {"marker": "X", "s": 36, "color": colour, "edgecolors": style.PAPER, "linewidths": 0.6}}[verdict]


def draw_verdicts(axes, validation, key, colour, x, y):
    """A dot for every test point, whose marker is the verdict on this quantity if it has any."""
    names = np.array(merit.verdict_names(validation, "surrogate", key.split("_hz")[0]) if key in VERDICT_KEYS else [])
    if not names.size:
        axes.scatter(x, y, s=26, color=colour, edgecolors=style.PAPER, linewidths=0.6, zorder=3)
        return
    for verdict in merit.VERDICTS:
        mine = names == verdict
        axes.scatter(x[mine], y[mine], zorder=3, label=merit.VERDICT_LABELS[verdict], **verdict_style(verdict, colour))
    axes.add_artist(axes.legend(loc="lower right", title=f"Runs of {validation.verdicts.seconds:g} s",
                                title_fontsize=8, alignment="left", handletextpad=0.3, borderaxespad=0.2))


def draw_parity(axes, validation, key, colour, label, unit):
    exact, repeat, value = (summary(validation, run, key) for run in ("exact", "exact_repeat", "surrogate"))
    known = np.concatenate([v[np.isfinite(v)] for v in (exact, repeat, value)])
    if not known.size:
        return
    low, high = limits(known)
    axes.plot([low, high], [low, high], color=style.MUTED, linewidth=0.8, zorder=1)
    drawn = np.isfinite(value) & (np.isfinite(exact) | np.isfinite(repeat))
    axes.hlines(value[drawn], np.fmin(exact, repeat)[drawn], np.fmax(exact, repeat)[drawn], color=colour, linewidth=1.3,
                zorder=2)
    draw_verdicts(axes, validation, key, colour, exact, value)
    if high > style.LOG_RANGE * low > 0:
        axes.set(xscale="log", yscale="log")
        style.plain_log(axes.xaxis)
        style.plain_log(axes.yaxis)
    axes.set(xlim=(low, high), ylim=(low, high), ylabel=f"Surrogate [{unit}]", title=label)


def draw_residuals(axes, validation, key, colour, unit):
    exact = summary(validation, "exact", key)
    repeated, error = (merit.signed_errors(validation, run, key) for run in ("exact_repeat", "surrogate"))
    axes.axhline(0, color=style.MUTED, linewidth=0.8)
    axes.scatter(exact, repeated, s=20, facecolors="none", edgecolors=style.COLOUR_FLOOR, linewidths=1.2,
                 label="exact, repeated")
    noise = np.zeros(validation.count)
    if key in VERDICT_KEYS:
        chance = CHANCE * np.hypot(*[standard_error(validation, run, key) for run in ("exact", "surrogate")])
        noise = np.nan_to_num(chance * merit.percent_of(validation, key, exact, chance))
    drawn = np.isfinite(error)
    axes.vlines(exact[drawn], (error - noise)[drawn], (error + noise)[drawn], color=colour, linewidth=1.0, alpha=0.7)
    axes.scatter(exact, error, s=20, color=colour, edgecolors=style.PAPER, linewidths=0.5, label="surrogate")
    reach = max(1.25 * np.nanmax(np.abs(np.concatenate([repeated, np.abs(error) + noise])), initial=0), 1.0)
    axes.set(ylim=(-reach, reach), xlabel=f"Exact [{unit}]", ylabel="Error [Hz]" if key == "peak_hz" else "Error [%]")


def parity_figures(validation):
    result = []
    for key, colour, label in (("rate_E_hz", style.COLOUR_E, "E rate"), ("rate_I_hz", style.COLOUR_I, "I rate"),
                               ("peak_hz", style.COLOUR_SURROGATE, "Spectral peak")):
        if not np.isfinite(summary(validation, "surrogate", key)).any():
            continue
        figure = style.new_figure(3.9, 3.9)
        top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.2, 1]})
        draw_parity(top, validation, key, colour, label, "Hz")
        draw_residuals(bottom, validation, key, colour, "Hz")
        handles, labels = bottom.get_legend_handles_labels()
        style.legend(top, handles=handles[::-1], labels=labels[::-1], ncol=2)
        result.append((f"parity_{key.split('_hz')[0]}", figure, f"Surrogate against exact: {label}"))
    return result


def draw_verdict_shares(axes, validation):
    """A bar a run, cut into the shares of its verdicts."""
    runs = [run for run in merit.compared_runs(validation) if run in validation.verdicts.codes]
    tints = {"indistinguishable": style.COLOUR_SURROGATE, "within_2_percent": style.COLOUR_FLOOR, "worse": style.LINE}
    for height, run in enumerate(reversed(runs)):
        left = 0.0
        for verdict in merit.VERDICTS:
            width = 100 * np.nan_to_num(merit.verdict_share(validation, run, verdict))
            axes.barh(height, width, left=left, height=0.62, color=tints[verdict], linewidth=0,
                      label=merit.VERDICT_LABELS[verdict] if height == 0 else None)
            if width >= 8:
                axes.text(left + width / 2, height, f"{width:.0f}", ha="center", va="center", fontsize=8,
                          color=style.PAPER if verdict == "indistinguishable" else style.INK)
            left += width
    axes.set_yticks(range(len(runs)), [merit.run_label(run) for run in reversed(runs)])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, 100), xlabel="Test points [%]")
    axes.set_title(f"Rates of {validation.verdicts.seconds:g} s beside exact ones", pad=20)
    style.legend(axes)


def verdict_figures(validation):
    if not validation.verdicts or not validation.verdicts.codes:
        return []
    figure, axes = style.panel()
    draw_verdict_shares(axes, validation)
    return [("verdicts", figure, "Verdicts on every run")]


def draw_errors(axes, validation, key, colour):
    """Error of every run at every test point, with its median."""
    runs = merit.compared_runs(validation)
    spread = np.random.default_rng(0)
    smallest = 0.01
    for height, run in enumerate(reversed(runs)):
        error = merit.errors(validation, run, key)
        error = np.maximum(error[np.isfinite(error)], smallest)
        tint = {"exact_repeat": style.COLOUR_FLOOR, "surrogate": colour}.get(run, style.MUTED)
        axes.scatter(error, height + spread.uniform(-0.16, 0.16, error.size), s=16, color=tint, alpha=0.6, linewidths=0)
        if error.size:
            median = np.median(error)
            axes.plot([median, median], [height - 0.33, height + 0.33], color=style.INK, linewidth=1.8)
            axes.annotate(f"{median:.2g} %", (median, height + 0.33), xytext=(3, -1), textcoords="offset points",
                          fontsize=8, color=style.INK)
    axes.set_xscale("log")
    style.plain_log(axes.xaxis, subs=(1,))
    axes.set_yticks(range(len(runs)), [merit.run_label(run) for run in reversed(runs)])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="Error [%]", ylim=(-0.6, len(runs) - 0.3))


def error_figures(validation):
    result = []
    for key, colour, label in (("rate_E_hz", style.COLOUR_E, "E rate"), ("rate_I_hz", style.COLOUR_I, "I rate")):
        if not any(np.isfinite(merit.errors(validation, run, key)).any()
                   for run in merit.compared_runs(validation)):
            continue
        figure, axes = style.panel()
        draw_errors(axes, validation, key, colour)
        axes.set_title(f"{label}: error at every test point")
        result.append((f"errors_{key.split('_hz')[0]}", figure, f"Errors of the {label} of every run"))
    return result
