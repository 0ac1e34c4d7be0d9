"""Puts the page together and writes it in one step."""

import os
import tempfile

from . import headline, overview, reading, sections, style
from .wording import escape, missing

METHOD = ("Zhang, Wang, Wu, Cai, Tao, Xiao, Li: Learning spiking neuronal networks with artificial neural networks: "
          "neural oscillations. Journal of Mathematical Biology 2024, doi 10.1007/s00285-024-02081-0")


def picture_writer(directory):
    """Turns a figure into SVG for the page; with a directory, also saves it there as PNG."""
    if directory:
        os.makedirs(directory, exist_ok=True)

    def draw(name, figure, label, coarse=False):
        if directory:
            figure.savefig(os.path.join(directory, f"{name}.png"), dpi=style.PICTURE_DPI)
        return style.svg(figure, name, escape(label), coarse)

    return draw


def build(run, figures_directory=None):
    """The page as one HTML text."""
    style.apply()
    draw = picture_writer(figures_directory)
    whole = overview.figure(run) if figures_directory else None
    if whole:
        whole.savefig(os.path.join(figures_directory, "overview.png"), dpi=style.PICTURE_DPI)
    absent = lambda kind, what: missing(f"{what} is not shown: {run.missing.get(kind, 'nothing to read')}.")
    parts = [("sweep", "Sweep", sections.sweep_section(run, draw))]
    if run.validation:
        parts += [("rhythms", "Rhythms", sections.rhythm_section(run, draw, run.sweep.sizes)),
                  ("held-out", "Held-out points", sections.parity_section(run, draw)),
                  ("validation", "Validation", sections.table_section(run))]
        if run.validation.calibration:
            parts.append(("calibration", "Calibration", sections.calibration_section(run, draw)))
    else:
        parts.append(("validation", "Validation", absent("validation", "The comparison with exact runs")))
    training = sections.training_section(run, draw) if run.model else absent("model", "Training")
    parts += [("training", "Training", training), ("provenance", "Provenance", sections.provenance_section(run))]
    links = "".join(f'<a href="#{key}">{title}</a>' for key, title, _ in parts)
    body = "".join(f"<section id={key}><h2>{title}</h2>{content}</section>" for key, title, content in parts)
    with open(os.path.join(os.path.dirname(__file__), "page.css"), encoding="utf-8") as file:
        css = file.read()
    return (f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
            f'<meta name=viewport content="width=device-width, initial-scale=1"><title>spikesweep: '
            f"{escape(os.path.basename(os.path.abspath(run.directory)))}</title><style>{css}</style></head><body><main>"
            f"{headline.headline(run)}<nav>{links}</nav>{body}"
            f"<footer><p>Method: {METHOD}.</p></footer></main></body></html>\n")


def write(path, text):
    """Writes a file by writing beside it and renaming, so that there is never half of one."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".report-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # A name of a file may hold bytes that are no UTF-8. Python keeps them as lone surrogates.
            file.write(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def report(directory, figures_directory=None):
    """Writes DIR/report.html and returns its path. Throws Unreadable if there is no sweep to report on."""
    run = reading.read_run(directory)
    path = os.path.join(directory, "report.html")
    write(path, build(run, figures_directory))
    return path
