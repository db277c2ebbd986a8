"""How numbers are written for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gyrus.pages.markup import Html, join, tag

UNDEFINED = "n/a"


def is_defined(value: Any) -> bool:
    """Whether it is a finite number (JSON has null where a figure is undefined)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def percent(value: Any, digits: int = 1) -> str:
    """Return ``93.4 %``, or ``n/a``; the space does not break."""
    return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%" if is_defined(value) else UNDEFINED


def decimal(value: Any, digits: int = 3) -> str:
    """Return ``0.987``, or ``n/a``."""
    return f"{value:.{digits}f}" if is_defined(value) else UNDEFINED


def count(value: Any) -> str:
    """Return ``12,345``, or ``unknown`` for None."""
    return f"{value:,}" if is_defined(value) else "unknown"


def plural(number: int, one: str, many: str = "") -> str:
    """Return ``1 image``, ``2 images``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def interval(figure: Mapping[str, Any], *, as_percent: bool = True) -> str:
    """Return ``89.1 to 96.2``, or an empty string where there is no interval."""
    low, high = figure.get("low"), figure.get("high")
    if low is None or high is None or not (is_defined(low) and is_defined(high)):
        return ""
    if as_percent:
        return f"{100 * low:.1f}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{100 * high:.1f}"
    return f"{low:.3f}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high:.3f}"


def figure_cell(figure: Any, *, as_percent: bool = True) -> Html:
    """Return a table cell with the value and, smaller, its interval."""
    if not isinstance(figure, Mapping):
        figure = {"value": figure}
    value = figure.get("value")
    written = percent(value) if as_percent else decimal(value)
    within = interval(figure, as_percent=as_percent)
    smaller = tag("span", within, class_="interval") if within else None
    return tag("td", join([written, " ", smaller]) if smaller else written, class_="number")
