"""The picture of ``gyrus train --find-rate``: the loss over the learning rate, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gyrus.pages.picture_files import write_pictures
from gyrus.pages.svg import TEXT, new_figure, paper_style, plotting

_LOSS, _AVERAGE, _SUGGESTED = "#9aa5b1", "#0072b2", "#d55e00"
# losses beyond this many times the largest fall above the lowest are cut: they would flatten the rest
_HEADROOM = 1.5


def write_rate_pictures(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    folder: Path,
    stem: str = "learning-rate",
) -> tuple[Path, Path]:
    """Write ``STEM.png`` and ``STEM.svg`` into a folder; the other arguments are those of :func:`rate_plot`.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When a file cannot be written; a former one survives.
    """
    with paper_style():
        return write_pictures(_draw(rates, losses, smoothed, suggestion), folder, stem)


@plotting
def rate_plot(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float
) -> Any:
    """Plot a range test.

    Parameters
    ----------
    rates, losses, smoothed : sequence of float
        Learning rate, loss and smoothed loss, a value a step, in order.
    suggestion : float
        The rate that is suggested.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return _draw(rates, losses, smoothed, suggestion)


def _draw(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float
) -> Any:
    figure, axes = new_figure(5.4, 3.4)
    axes.plot(rates, losses, color=_LOSS, linewidth=0.9, label="loss of each step")
    axes.plot(rates, smoothed, color=_AVERAGE, label="average over neighbours")
    axes.axvline(suggestion, color=_SUGGESTED, linewidth=1.2, label=f"suggested: {suggestion:g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_title("training loss", loc="left", fontsize=10.5, color=TEXT)
    low, start = min(smoothed), smoothed[0]
    margin = max(start - low, 1e-3 * abs(start), 1e-9)
    axes.set_ylim(low - 0.15 * margin, start + _HEADROOM * margin)
    axes.legend(loc="upper left")
    return figure
