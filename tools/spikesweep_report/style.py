"""One look for every figure, and SVG whose text and lines follow the page's light or dark colours."""

import io
import re

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

# Colours of the light theme; in SVG each becomes the CSS variable of its name, which page.css sets for both themes.
# Hues follow Okabe & Ito (2008), told apart with every common kind of colour blindness.
INK = "#1c2127"
MUTED = "#66707b"
LINE = "#d5d9de"
PAPER = "#fffffe"
COLOUR_E = "#c9480a"
COLOUR_I = "#1f6fb8"
COLOUR_SURROGATE = "#00856a"
COLOUR_FLOOR = "#9aa2ab"
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", PAPER: "paper", COLOUR_E: "pop-e", COLOUR_I: "pop-i",
             COLOUR_SURROGATE: "surrogate", COLOUR_FLOOR: "floor"}
POPULATIONS = {"E": COLOUR_E, "I": COLOUR_I}
RATE_MAP = "viridis"
LOG_RANGE = 8  # Rates spanning more than this factor are shown on logarithmic scales.

PANEL = (3.9, 2.8)  # Size of one panel [inch]; a page column shows it about as wide as a phone's screen.
RASTER_DPI = 200  # Of the parts of an SVG that are pixels.
WIDE_RASTER_DPI = 130  # The same of a figure wider than two panels.
COARSE_RASTER_DPI = 60  # The same of a figure of which there are many.
PICTURE_DPI = 170  # Of PNG files.

RC = {
    "font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.titlepad": 8, "axes.labelsize": 9, "axes.labelcolor": INK,
    "axes.edgecolor": MUTED, "axes.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": LINE, "grid.linewidth": 0.5, "text.color": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "xtick.major.size": 3, "ytick.major.size": 3, "xtick.minor.size": 0, "ytick.minor.size": 0,
    "legend.frameon": False, "legend.fontsize": 8, "legend.handlelength": 1.6, "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round", "axes.unicode_minus": True, "svg.fonttype": "none",
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5), "figure.facecolor": PAPER, "axes.facecolor": "none",
}


def apply():
    matplotlib.rcParams.update(RC)


def new_figure(width=PANEL[0], height=PANEL[1], layout="constrained"):
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def panel():
    """A figure of one axes."""
    figure = new_figure()
    return figure, figure.add_subplot()


def axis_label(name, unit):
    return f"{name} [{unit}]" if unit else name


def plain_log(axis, subs=(1, 2, 5)):
    """Logarithmic ticks at 1, 2, 5, 10, ... written as plain numbers."""
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def legend(axes, **options):
    """A legend over the axes' top edge, where no data can be."""
    axes.legend(**{"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1, "ncol": 4,
                   "columnspacing": 1.0, "handletextpad": 0.5, **options})


def svg(figure, name, label, coarse=False):
    """The figure as SVG to stand inside HTML. `name` keeps its ids apart from other figures' on the page."""
    stream = io.StringIO()
    dpi = COARSE_RASTER_DPI if coarse else WIDE_RASTER_DPI if figure.get_figwidth() > 2 * PANEL[0] else RASTER_DPI
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, dpi=dpi,
                       metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = stream.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    box = re.search(r'viewBox="([^"]+)"', text).group(1)
    opening = f'<svg class="{name.split("_")[0]}" viewBox="{box}" role="img" aria-label="{label}">'
    text = re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1)
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d{2})\d+", r"\1", tag.group(0)), text)  # 0.01 point is enough
    text = re.sub(r"font: ([^;\"]*?)([\d.]+px) [^;\"]*", r"font: \1\2 var(--sans)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: m.group(0) if m.group(1) in used else "", text)
    return re.sub(r"\n\s*", "\n", text)
