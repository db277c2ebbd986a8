"""The picture of ``gyrus learn leakage``: the same images divided in four ways, an accuracy each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.pages.numbers import is_defined, percent
from gyrus.pages.picture_files import write_pictures
from gyrus.pages.svg import new_figure, paper_style, plotting

LEAKS, APART = "#d55e00", "#0072b2"  # of Okabe and Ito (2008)
_GUESS = "#808a94"
_ROW_IN = 0.78


def write_leakage_pictures(shown: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write ``leakage.png`` and ``leakage.svg``.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When a file cannot be written; a former one survives.
    """
    with paper_style():
        return write_pictures(draw_leakage(shown, title=True), folder, "leakage")


@plotting
def leakage_plot(shown: Mapping[str, Any]) -> Any:
    """Return the figure in the page's style."""
    return draw_leakage(shown, title=False)


def draw_leakage(shown: Mapping[str, Any], *, title: bool) -> Any:
    """Draw accuracies with their intervals, a row each, and what guessing would give.

    Returns
    -------
    matplotlib.figure.Figure
    """
    arms = shown["arms"]
    figure, axes = new_figure(5.0, 0.8 + _ROW_IN * len(arms) + (0.5 if title else 0))
    for row, (name, arm) in enumerate(arms.items()):
        _draw_arm(axes, row, name, arm)
    last = list(arms.values())[-1]
    axes.text(last["baseline"], len(arms) - 0.72, "guessing", ha="center", va="top", fontsize=8, color=_GUESS)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(arms) - 0.5, -0.62)
    axes.set_xlim(0, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel(f"test images answered rightly ({last['test_images']} in each row)")
    if title:
        axes.set_title(
            "What a leak is worth: one network, the same images,\npatients on both sides of the split or not",
            loc="left", fontsize=11,
        )  # fmt: skip
    return figure


def _draw_arm(axes: Any, row: int, name: str, arm: Mapping[str, Any]) -> None:
    colour, figure = LEAKS if arm["leaks"] else APART, arm["accuracy"]
    value, low, high = figure["value"], figure.get("low"), figure.get("high")
    if is_defined(low) and is_defined(high):
        axes.plot([low, high], [row, row], color=colour, linewidth=7, alpha=0.3, solid_capstyle="butt")
    axes.plot([arm["baseline"]] * 2, [row - 0.2, row + 0.2], color=_GUESS, linewidth=1.4)
    filled = "white" if arm["meaningless"] else colour
    axes.plot(
        [value], [row], marker="o", markersize=9, color=colour, markerfacecolor=filled, markeredgewidth=2
    )
    axes.text(0.005, row - 0.3, _row_name(name, arm), ha="left", va="bottom")
    axes.text(1.0, row - 0.3, percent(value), ha="right", va="bottom", fontweight="bold", fontsize=11)


def _row_name(name: str, arm: Mapping[str, Any]) -> str:
    how, _, labels = name.partition(", ")
    ends = "patients on both sides" if arm["leaks"] else "patients apart"
    return f"{how}, {labels or 'true labels'} ({ends})"
