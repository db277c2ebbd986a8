"""The plots of a segmentation's report: how Dice is spread, and what becomes of small ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gyrus.pages.colour import class_colours
from gyrus.pages.numbers import is_defined
from gyrus.pages.svg import ACCENT, TEXT, new_figure, plotting

_BINS, _MOST_TICKS = 20, 7
_MOST_DOTS = 1500


@plotting
def dice_histogram(result: Mapping[str, Any]) -> Any:
    """Plot how many images have which Dice, for each class that they show.

    Parameters
    ----------
    result : mapping
        See :mod:`gyrus.evaluation.segmentation`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure()
    series = _series(result)
    values = [[dice for _, dice in points] for points in series.values()]
    colours = _colours(result, list(series))
    axes.hist(values, bins=np.linspace(0, 1, _BINS + 1), stacked=True, label=list(series), color=colours)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("Dice")
    axes.set_title("images", loc="left", fontsize=10.5, color=TEXT)
    if len(series) > 1:
        axes.legend(loc="upper left")
    return figure


@plotting
def dice_by_area(result: Mapping[str, Any]) -> Any:
    """Plot the Dice of each image over the true area in it, with the means of the quarters.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure()
    series = _series(result)
    for (name, points), colour in zip(series.items(), _colours(result, list(series)), strict=True):
        shown = points[:: max(1, len(points) // _MOST_DOTS)]
        axes.plot(*zip(*shown, strict=True), color=colour, marker="o", markersize=4, linestyle="none",
                  alpha=0.5, markeredgewidth=0)  # fmt: skip
        rows = [row for row in result["per_class"][name]["by_area"] if is_defined(row["dice"]["value"])]
        _means(axes, rows, "dice", colour, name)
    _finish(axes, result, "true area in the image", "Dice")
    if len(series) > 1:
        axes.legend(loc="lower right")
    return figure


@plotting
def found_by_size(result: Mapping[str, Any]) -> Any:
    """Plot the share of objects found over their size, with intervals.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure()
    names = [name for name, block in result["per_class"].items() if block["by_object_size"]]
    for name, colour in zip(names, _colours(result, names), strict=True):
        _means(axes, result["per_class"][name]["by_object_size"], "found", colour, name)
    _finish(axes, result, "size of the object", "objects found")
    if len(names) > 1:
        axes.legend(loc="lower right")
    return figure


def _series(result: Mapping[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Return of each class the true area and the Dice of the images that show it."""
    cases, found = result["cases"], {}
    for number, name in enumerate(result["classes"]):
        points = [
            (area[number], dice[number])
            for area, dice in zip(cases["area"], cases["dice"], strict=True)
            if area[number] and is_defined(dice[number])
        ]
        if points:
            found[name] = points
    return found


def _means(axes: Any, rows: Sequence[Mapping[str, Any]], what: str, colour: str, name: str) -> None:
    """Draw a point a quarter, at the middle of its sizes, with the interval up and the sizes across."""
    centres = [float(np.sqrt(max(row["low"], 1e-9) * max(row["high"], 1e-9))) for row in rows]
    for row, centre in zip(rows, centres, strict=True):
        one = row[what]
        axes.plot([row["low"], row["high"]], [one["value"]] * 2, color=colour, linewidth=1.6)
        if is_defined(one["low"]):
            axes.plot([centre] * 2, [one["low"], one["high"]], color=colour, linewidth=1.6)
    axes.plot(centres, [row[what]["value"] for row in rows], color=colour, marker="o", markersize=6,
              linewidth=1.0, linestyle=":", label=name)  # fmt: skip


def _finish(axes: Any, result: Mapping[str, Any], across: str, up: str) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(f"{across}, {'mm²' if result['unit'] == 'mm' else 'pixels'}")
    ticks = _ticks(*axes.get_xlim())
    axes.set_xticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_title(up, loc="left", fontsize=10.5, color=TEXT)


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, … between two sizes; of many the tens alone."""
    low = max(low, 1e-6)
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [step * 10.0**ten for ten in tens for step in (1, 2, 5) if low <= step * 10.0**ten <= high]
    return found if len(found) <= _MOST_TICKS else [tick for tick in found if f"{tick:e}"[0] == "1"]


def _colours(result: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the classes' colours; one alone has the page's."""
    of_class = class_colours(result["classes"])
    return [ACCENT] if len(result["classes"]) == 1 else [of_class[name] for name in names]
