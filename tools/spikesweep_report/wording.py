"""Numbers, durations and HTML fragments."""

import html
import math

NONE = "–"


def escape(value):
    return html.escape(str(value), quote=True)


def number(value, digits=3):
    """A number to some significant digits, without exponents for everyday sizes."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if places > 6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return f"{round(value, places):,.{max(places, 0)}f}".replace("-", "−")


def error(value):
    """An error to two digits: more would be noise."""
    return number(value, 2)


def share(value):
    """A share as percent."""
    return NONE if value is None or not math.isfinite(value) else f"{100 * value:.3g}\u00a0%"


def duration(seconds):
    """A time as a reader says it: 45 s, 4 min 21 s, 2 h 5 min."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 10:
        return f"{seconds:.2g} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def small_units(words):
    """HTML of a quantity with its units set smaller than its numbers."""
    return " ".join(w if w[0].isdigit() else f"<small>{w}</small>" for w in words.split())


def plural(count, word):
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def listing(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else "nothing"


def table(head, rows, kind=""):
    """A table in a frame that scrolls sideways; the first cell of a row names it. Cells are HTML."""
    top = "".join(f"<th scope=col>{cell}</th>" for cell in head)
    body = "".join(f"<tr><th scope=row>{row[0]}</th>" + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>"
                   for row in rows)
    return f'<div class=scroll><table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def card(svg, wide=False):
    return f'<div class="card{" wide" if wide else ""}">{svg}</div>'


def grid(cards):
    return f'<div class=grid>{"".join(cards)}</div>'


def missing(sentence):
    return f"<p class=missing>{escape(sentence)}</p>"
