"""Figures and small tables as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Return rows as lines of equally wide columns; ``left`` names the columns that start at the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def defined(value: Any) -> bool:
    """Tell whether a value is a number (null and NaN are none)."""
    return value is not None and value == value


def percent(value: Any) -> str:
    """Return a share in per cent, with one digit behind the point."""
    return f"{100 * value:.1f}" if defined(value) else "undefined"


def long_figure(figure: Mapping[str, Any]) -> str:
    """Return ``91.2 % [88.0, 94.1]``."""
    if not defined(figure["value"]):
        return "undefined"
    if not defined(figure["low"]):
        return f"{percent(figure['value'])} %"
    return f"{percent(figure['value'])} % [{percent(figure['low'])}, {percent(figure['high'])}]"


def short_figure(figure: Mapping[str, Any]) -> str:
    """Return ``91.2 [88, 94]``."""
    if not defined(figure["value"]):
        return "undefined"
    if not defined(figure["low"]):
        return percent(figure["value"])
    return f"{percent(figure['value'])} [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"


def plain_figure(figure: Mapping[str, Any]) -> str:
    """Return ``0.312 [0.250, 0.390]``, for what is no share."""
    if not defined(figure["value"]):
        return "undefined"
    if not defined(figure["low"]):
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
