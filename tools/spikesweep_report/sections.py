"""The sections of the page, each from the part of the run that it shows."""

import numpy as np

from . import figures_of_merit as merit
from . import calibration_figures, map_figures, run_figures
from .contents import DONE, ROLES, TASK_STATES
from .reading import calls_of, step_times, wall_times
from .wording import (NONE, card, duration, error, escape, grid, listing, missing, number, plural, share,
                      table)

LISTED_FAILURES = 30  # More failed tasks than this are counted, not listed.
LISTED_UNSUITED = 10
NOTABLE = {"capped": 0.2, "empty": 0.5}  # From these shares of phases on, the section does not suit a point.
ALTERNATIVES = {"mfe": "<code>volley</code> or <code>interval</code>", "volley": "<code>interval</code>",
                "interval": "a longer <code>section.interval_ms</code>"}


def sweep_section(run, draw):
    sweep = run.sweep
    known = sweep.rate_E[np.isfinite(sweep.rate_E)]
    if not known.size:
        return missing("No task of the sweep is done yet, so there are no rates to show.")
    shown = map_figures.shown_figures(sweep, run.validation)
    mapped = any(figure.maps for figure in shown)
    words = [f"E rates run from {number(known.min())} to {number(known.max())} Hz, I rates from "
             f"{number(np.nanmin(sweep.rate_I))} to {number(np.nanmax(sweep.rate_I))} Hz."]
    grid_points = map_figures.grid_levels(sweep.points) is not None
    if not grid_points and len(sweep.axes) > 1:
        words.append("Each dot is a point. Its colour is what was measured there. Dots with a black ring are held out "
                     "of training.")
    if len(sweep.axes) > 2:
        words.append("Each small panel below the diagonal " + ("is an average over" if grid_points else
                     "is a projection along") + " the other axes. The bars on the diagonal show the rank correlation "
                     "with that axis.")
        if len(sweep.axes) > map_figures.MOST_AXES:
            words.append(f"The page shows {map_figures.MOST_AXES} of {len(sweep.axes)} axes: those on which the E rate "
                         "depends most.")
    if mapped:
        place = {1: "The line", 2: "The map beside the dots"}.get(len(sweep.axes), "Each map above the diagonal")
        words.append(f"{place} is the surrogate's"
                     + (", with the other axes in the middle of their ranges." if len(sweep.axes) > 2 else "."))
    if sweep.failed.size:
        words.append("A cross is a point with a failed task.")
    wide = len(sweep.axes) > 2 or (mapped and len(sweep.axes) == 2)
    drawn = {f.key: draw(*map_figures.figure(sweep, f), coarse=f.key not in map_figures.FIRST) for f in shown}
    cards = {key: card(svg, wide) for key, svg in drawn.items()}
    first = [cards[f.key] for f in shown if f.key in map_figures.FIRST]
    more = "".join(f"<details><summary>{escape(f.words)}</summary>{cards[f.key]}</details>" for f in shown
                   if f.key not in map_figures.FIRST)
    return f"<p class=note>{' '.join(words)}</p>" + ("".join(first) if wide else grid(first)) + more


def rhythm_section(run, draw, neurons):
    parts = ["<p class=note>Three test points: one with a low E rate, one with a middle one, and one with a high one. "
             "The spectra are Welch estimates of the rate of the E population. A triangle marks a peak (filled: exact, "
             "open: surrogate). The gray line is a second exact run. It shows how far two exact runs differ. Each dot "
             "in the pictures of spikes is a spike of an E or I neuron.</p>"]
    validation = run.validation
    for name, row, rate_E, rate_I, figures in run_figures.point_figures(validation, neurons):
        at = " · ".join(f"{escape(a)} {number(v)}" for a, v in zip(validation.axes, validation.values[row]))
        parts.append(f"<h3>{name.capitalize()}: E {number(rate_E)} Hz, I {number(rate_I)} Hz <small>{at}</small></h3>")
        parts.append(grid([card(draw(*figure)) for figure in figures]))
    return "".join(parts)


def parity_section(run, draw):
    validation = run.validation
    cards = [card(draw(*f)) for f in run_figures.parity_figures(validation)]
    more = [card(draw(*f)) for f in run_figures.error_figures(validation) + run_figures.verdict_figures(validation)]
    return ("<p class=note>Each dot is a test point. A horizontal bar joins two independent exact runs; it is often "
            "shorter than the dot. The lower panels show the error of the surrogate, and beside it the error of the "
            "second exact run, the noise floor. A vertical bar shows the range in which the difference of two whole "
            f"runs lies by chance in 95 % of the cases.{verdict_note(validation)}"
            "</p>" + grid(cards) + "<p class=note>Black lines are medians. Errors below 0.01 % are drawn at 0.01 %.</p>"
            + grid(more) + point_table(validation))


def verdict_note(validation):
    if not validation.verdicts:
        return ""
    return (f" A rate is indistinguishable if a t-test of level 5 % on runs of {validation.verdicts.seconds:g} s does "
            "not tell surrogate and network apart. Otherwise it is within 2 %, or worse. A point has the worse verdict "
            "of its two rates. A test is wrong by chance now and then, so a perfect surrogate is indistinguishable at "
            "only 90 to 95 % of the points. The same holds for the second exact run.")


def published_table(published):
    """Published rates beside our own."""
    if not published:
        return ""
    pair = lambda rates, *at: f"{rates['E'][at]:.2f} / {rates['I'][at]:.2f}"
    rows = [[escape(preset)] + [pair(published.rates, row, column) for column in range(len(published.models))]
            + [pair(published.own[run], row) for run in ("exact", "surrogate")]
            for row, preset in enumerate(published.presets)]
    head = ["E / I rate [Hz]"] + [escape(model) for model in published.models] + ["Exact, here", "Surrogate"]
    return f"<h3>Published models</h3><p class=note>{escape(published.source)}.</p>{table(head, rows)}"


def calibration_section(run, draw):
    calibration = run.validation.calibration
    note = ("This section checks single steps of the law, from the recorded states of the test points (unperturbed "
            "transitions only). The probability integral transform (PIT) is the place of a recorded outcome in the "
            "distribution that the law predicts. For counts it is randomised. If the law is right, the histogram is "
            "flat. It slopes down if the law predicts too much, and up if the law predicts too little. It is a valley "
            "if the law is too sure, and a hill if the law is too unsure. The gray band is where a right law lies by "
            "chance (two standard errors).")
    parts = [f"<p class=note>{note}</p>"]
    figures = calibration_figures.figures(calibration)
    for histograms, coverage in zip(figures[::2], figures[1::2]):
        phase = histograms[0].split("_")[1]
        parts.append("" if phase == "step" else f"<h3>{phase.capitalize()} phases</h3>")
        parts.append(card(draw(*histograms), True) + grid([card(draw(*coverage))]))
    rows = []
    for i, output in enumerate(calibration.output):
        phase = "" if calibration.phase[i] == "step" else f", {calibration.phase[i]}"
        rows.append([escape(calibration_figures.label(output) + phase), f"{int(calibration.rows[i]):,}",
                     number(calibration.mean[i]), number(calibration.bias[i], 2)]
                    + [share(c) for c in calibration.coverage[i]])
    head = ["Output", "Transitions", "Mean PIT", "Mean less 1/2 [standard errors]"]
    head += [f"Within the central {100 * level:g} %" for level in calibration.level]
    return "".join(parts) + f"<details><summary>Every output</summary>{table(head, rows)}</details>"


def table_section(run):
    """Median and worst error of every run; the numbers are kept in full in data attributes."""
    validation = run.validation
    runs = merit.compared_runs(validation)
    head = "".join(f'<th scope=col{" class=surrogate" if r == "surrogate" else ""}>{escape(merit.run_label(r))}</th>'
                   for r in runs)
    body, undefined = [], []
    for quantity in merit.quantities(validation):
        cells, known = [], 0
        for name in runs:
            median, worst, count = merit.median_and_worst(merit.errors(validation, name, quantity.key))
            known += count
            shown = f"<b>{error(median)}</b><span>{error(worst)}</span>" if count else NONE
            some = 0 < count < validation.count
            partial = f" title='defined at {count} of {validation.count} points'" if some else ""
            cells.append(f'<td{" class=surrogate" if name == "surrogate" else ""} data-run="{escape(name)}" '
                         f'data-quantity="{quantity.key}" data-median="{median!r}" data-worst="{worst!r}"{partial}>'
                         f"{shown}{'*' if partial else ''}</td>")
        if known:
            unit = f" <small>[{quantity.error_unit}]</small>" if quantity.error_unit else ""
            body.append(f"<tr><th scope=row title='{escape(quantity.definition)}'>{escape(quantity.label)}{unit}</th>{''.join(cells)}</tr>")
        else:
            undefined.append(escape(quantity.words))
    for verdict in merit.VERDICTS if validation.verdicts else ():
        cells = "".join(f'<td{" class=surrogate" if name == "surrogate" else ""} data-run="{escape(name)}" '
                        f'data-verdict="{verdict}"><b>{share(merit.verdict_share(validation, name, verdict))}</b></td>'
                        for name in runs)
        label = merit.VERDICT_LABELS[verdict].capitalize()
        body.append(f"<tr><th scope=row>{label} <small>[points]</small></th>{cells}</tr>")
    note = ("<b>Bold: the median</b> over the test points. Beside it: the worst point. Errors in % are relative, and "
            "errors in dB are those of ratios; other errors are differences. The noise floor is the same error between "
            "two independent exact runs of equal length. A * marks a figure that is not defined at every point.")
    if undefined:
        note += f" Not defined here: {'; '.join(undefined)}."
    doubtful = sum(code != 0 for code in validation.peak_doubts.get("exact", []))
    if doubtful:
        note += f" At {plural(doubtful, 'test point')} the spectral peak of the exact run is in doubt (see validation.txt)."
    away = int(validation.runaway.sum())
    if away:
        note += f" <span class=bad>The surrogate ran away at {plural(away, 'test point')}.</span>"
    beyond = merit.undefined_points(validation)
    if beyond:
        note += (f" <span class=bad>At {plural(beyond, 'test point')} there are no figures, because an exact run had "
                 "more pending kicks than the simulator can hold.</span>")
    return (f"<p class=note>{note}</p><div class=scroll><table id=validation-table><thead><tr>"
            f"<th scope=col>Error of</th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
            f"{published_table(validation.published)}")


def measured(validation, run, key, row, value):
    """A figure with its standard error, if that is known."""
    error_of = run_figures.standard_error(validation, run, key)[row]
    return number(value) + (f" ± {number(error_of, 1)}" if np.isfinite(error_of) else "")


def point_table(validation):
    columns = {run: {k: run_figures.summary(validation, run, k) for k in ("rate_E_hz", "rate_I_hz", "peak_hz")}
               for run in ("exact", "surrogate")}
    verdicts = [merit.verdict_names(validation, "surrogate", key) for key in ("rate_E", "rate_I")]
    rows = []
    for row in range(validation.count):
        cells = [f"{validation.index[row]}"] + [number(v) for v in validation.values[row]]
        for key in ("rate_E_hz", "rate_I_hz", "peak_hz"):
            cells += [measured(validation, run, key, row, columns[run][key][row]) for run in ("exact", "surrogate")]
        cells += [merit.VERDICT_LABELS.get(names[row], NONE) for names in verdicts if names]
        cells.append(number(validation.distance[row], 2))
        cells.append("<span class=bad>ran away</span>" if validation.runaway[row] else "")
        rows.append(cells)
    head = ["Point"] + [escape(a) + (f" [{escape(u)}]" if u else "") for a, u in zip(validation.axes, validation.units)]
    head += ["E exact [Hz]", "E surrogate [Hz]", "I exact [Hz]", "I surrogate [Hz]", "Peak exact [Hz]",
             "Peak surrogate [Hz]"]
    head += ["E rate", "I rate"] if verdicts[0] else []
    head += ["Distance to trained range", ""]
    return f"<details><summary>Every test point</summary>{table(head, rows)}</details>"


def training_section(run, draw):
    model = run.model
    cards = [card(draw(*figure)) for figure in run_figures.training_figures(model)]
    words = ("The likelihood alone does not choose the model. Late epochs are compared in closed loop at the selection "
             "points")
    rate = model.curves.get("learning_rate")
    if rate is not None and rate.size:
        words = f"{plural(rate.size, 'epoch')}, highest learning rate {number(rate.max())}. " + words
    chosen = model.candidates.get("chosen")
    if chosen is not None and chosen.any():
        best = int(model.candidates["epoch"][chosen.astype(bool)][0])
        words += f", and epoch {best} (with a ring) became the model"
    return f"<p class=note>{words}.</p>" + grid(cards)


def state_name(state):
    return TASK_STATES.get(int(state), "ended in a way that only a newer version knows")


def phase_shares(sweep):
    """Per point, the share of capped among active phases and of empty among all; NaN without phases."""
    done = sweep.tasks["state"] == DONE
    point = sweep.tasks["point"][done].astype(int)
    total = lambda key: np.bincount(point, weights=sweep.tasks[key][done].astype(float), minlength=len(sweep.points))
    phases = total("phases")
    every = phases * (1 if sweep.section == "interval" else 2)  # Elsewhere active phases alternate with quiet ones.
    with np.errstate(divide="ignore", invalid="ignore"):
        return {k: np.where(phases > 0, total(k) / n, np.nan) for k, n in (("capped", phases), ("empty", every))}


def origin_facts(run):
    """What the figures come from: program, libraries, seeds, command."""
    facts = [("spikesweep", escape(run.sweep.version))]
    versions = run.info.get("versions", {})
    if isinstance(versions, dict) and versions:
        facts.append(("Libraries", escape(", ".join(f"{k} {v}" for k, v in versions.items()))))
    seeds = [f"sweep {run.sweep.seed}"]
    seeds += [f"training {run.model.seed}"] if run.model else []
    seeds += [f"validation {run.validation.seed}"] if run.validation else []
    facts.append(("Seeds", escape(", ".join(seeds))))
    noted = (("Command", "command"), ("Host", "host"), ("Ranks", "ranks"))
    facts += [(label, escape(run.info[key])) for label, key in noted if key in run.info]
    nodes = run.info.get("nodes", [])
    if isinstance(nodes, list) and len(nodes) > 1:
        facts.append(("Nodes", escape(", ".join(map(str, nodes)))))
    return facts


def work_facts(run):
    """What was done: points, tasks, phases, times."""
    sweep = run.sweep
    state = sweep.tasks["state"]
    done = state == DONE
    roles = [f"{int((sweep.roles == r).sum())} {name}" for r, name in ROLES.items()]
    facts = [("Points", f"{listing(roles)}; {plural(sweep.replicates, 'replicate')} each"),
             ("Tasks", listing([f"{int((state == s).sum()):,} {state_name(s)}" for s in np.unique(state)])),
             ("Simulated", f"{number(sweep.tasks['simulated_s'][done].sum())} s of network time, "
                           f"{number(sweep.tasks['events'][done].sum() / 1e6)} million events")]
    for key, label in (("capped", "Capped phases"), ("empty", "Phases without a spike")):
        values = phase_shares(sweep)[key]
        median, worst, _ = merit.median_and_worst(values)
        words = f"{share(median)} at the median point, {share(worst)} at the worst"
        notable = int((values > NOTABLE[key]).sum())
        if notable:
            words += f"; above {share(NOTABLE[key])} at {plural(notable, 'point')}"
        facts.append((label, words))
    wall = wall_times(run)
    if wall:
        facts.append(("Wall time", escape(", ".join(f"{k} {duration(v)}" for k, v in wall.items()))))
    own = sweep.core_s[state > 0]
    if own.any():
        facts.append(("Core time of the tasks", f"{duration(own.sum())} in all, the longest {duration(own.max())}"))
    return facts


def provenance_section(run):
    sweep = run.sweep
    rows = "".join(f"<tr><th scope=row>{k}</th><td>{v}</td></tr>" for k, v in origin_facts(run) + work_facts(run))
    parts = [f'<div class=scroll><table class=left><tbody>{rows}</tbody></table></div>', unsuited_points(sweep),
             calls_section(run), failures(sweep)]
    if sweep.config.strip():
        parts.append(f"<details><summary>Configuration</summary><pre>{escape(sweep.config.strip())}</pre></details>")
    if sweep.log:
        log = escape("\n".join(sweep.log))
        parts.append(f"<details><summary>Log of the sweep file</summary><pre>{log}</pre></details>")
    return "".join(parts)


def calls_section(run):
    """Every call that made these results, if there were several."""
    calls = calls_of(run.info)
    if len(calls) < 2:
        return ""
    rows = []
    for call in calls:
        steps = ", ".join(f"{k} {duration(v)}" for k, v in step_times(call).items())
        rows.append([escape(call.get("started_at", NONE)), escape(call.get("ended_at", NONE)),
                     f"<code>{escape(call.get('command', NONE))}</code>", escape(call.get("ranks", NONE)),
                     escape(call.get("state", "done")), escape(steps or NONE)])
    return "<h3>Calls of this run</h3>" + table(["Begin", "End", "Command", "Ranks", "How it ended", "Steps"], rows)


def unsuited_points(sweep):
    """The points that the section does not suit, the worst first, and what to use there."""
    shares = phase_shares(sweep)
    keys = [key for key in NOTABLE if not (key == "capped" and sweep.section == "interval")]
    excess = np.max([np.nan_to_num(shares[key]) / NOTABLE[key] for key in keys], axis=0)
    order = np.argsort(-excess, kind="stable")
    found = order[excess[order] > 1]
    if not found.size:
        return ""
    rows = [[f"{point}", *(share(shares[key][point]) for key in NOTABLE), *map(number, sweep.points[point])]
            for point in found[:LISTED_UNSUITED]]
    listed = f" (the table lists the worst {LISTED_UNSUITED})" if found.size > LISTED_UNSUITED else ""
    causes = {"capped": "of its active phases end at <code>section.cap_ms</code> and not by themselves",
              "empty": "of its phases have no spike"}
    why = " or ".join(f"more than {share(NOTABLE[key])} {causes[key]}" for key in keys)
    count = plural(found.size, "point")
    note = (f"<p class=note>The section <code>{escape(sweep.section)}</code> does not suit {count} of "
            f"{len(sweep.points)}{listed}: {why}. Use {ALTERNATIVES[sweep.section]} there.</p>")
    head = ["Point", "Capped", "Empty"] + [escape(a) for a in sweep.axes]
    return f"<h3>Where the section degenerates</h3>{note}{table(head, rows)}"


def failures(sweep):
    state = sweep.tasks["state"]
    failed = np.flatnonzero(state > DONE)
    if not failed.size:
        return ""
    rows = []
    for task in failed[:LISTED_FAILURES]:
        point = int(sweep.tasks["point"][task])
        rows.append([f"{point}", f"{sweep.tasks['replicate'][task]}", state_name(state[task])]
                    + [number(v) for v in sweep.points[point]])
    more = f"<p class=note>The table lists the first {LISTED_FAILURES} of {failed.size} failed tasks.</p>"
    more = more if failed.size > LISTED_FAILURES else ""
    head = ["Point", "Replicate", "Reason"] + [escape(a) for a in sweep.axes]
    return f"<h3>Failed tasks</h3>{table(head, rows)}{more}"
