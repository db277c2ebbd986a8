"""Matplotlib figures as inline SVG that follows the page: its font, its text colour, light and dark."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from gyrus.errors import require
from gyrus.pages.markup import Html

P = ParamSpec("P")
R = TypeVar("R")

# Written into the figure as colours, replaced below by what the page decides.
TEXT = "#010203"
FAINT = "#040506"
ACCENT = "#0072b3"
_REPLACED = {TEXT: "currentColor", FAINT: "var(--line)", ACCENT: "var(--accent)"}

PAPER = {"text": "#16202b", "faint": "#d9dee4"}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # letters stay letters: small, searchable, in the page's font
    "svg.hashsalt": "gyrus",  # the same figure gives the same bytes
    "font.size": 9.5,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.labelcolor": TEXT,
    "lines.linewidth": 1.8,
}


def plotting(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the page's style: decorator for functions that return a figure.

    Raises
    ------
    MissingDependencyError
        On a call, when matplotlib is not installed.
    """

    @functools.wraps(draw)
    def styled(*args: P.args, **options: P.kwargs) -> R:
        with require("matplotlib", "report", "the plots of report.html").rc_context(_STYLE):
            return draw(*args, **options)

    return styled


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw for a file that stands alone: dark on white, in colours that need no page.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    """
    plain = {TEXT: PAPER["text"], FAINT: PAPER["faint"]}
    style = {name: plain.get(value, value) for name, value in _STYLE.items()}
    with require("matplotlib", "report", "the picture").rc_context(style):
        yield


def new_figure(width_in: float = 4.6, height_in: float = 3.1) -> tuple[Any, Any]:
    """Return a matplotlib figure and its one pair of axes; it is known to no window and no global state."""
    module = require("matplotlib.figure", "report", "the plots of report.html")
    figure = module.Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.subplots()


def to_svg(figure: Any, *, name: str, description: str) -> Html:
    """Return a figure as an ``<svg>`` element for the middle of a page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From :func:`new_figure`.
    name : str
        Unique on the page; put before every id, because ids of several figures would collide.
    description : str
        What the picture shows, for those who cannot see it.
    """
    matplotlib = require("matplotlib", "report", "the plots of report.html")
    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Inside HTML the names of XML are neither needed nor wanted.
    text = re.sub(r'\s(xmlns(:\w+)?|version)="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    for colour, replacement in _REPLACED.items():
        text = text.replace(colour, replacement)
    text = re.sub(r'<svg\s+width="[^"]*"', "<svg", text)
    text = re.sub(r'(<svg[^>]*?)\sheight="[^"]*"', r"\1", text, count=1)
    return Html(text.replace("<svg", f'<svg role="img" aria-label="{_attribute(description)}"', 1).strip())


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
