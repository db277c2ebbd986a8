"""The pictures of ``froc.html``: FROC curves with their bands, precision over recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.evaluation.detections_text import rate, rule
from gyrus.pages.numbers import decimal, is_defined
from gyrus.pages.svg import TEXT, new_figure, plotting

COLOURS = ("#56b4e9", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#999999")
_STYLES = ("-", "--", ":", "-.")
_TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)


@plotting
def froc_plot(result: Mapping[str, Any]) -> Any:
    """Plot sensitivity over false alarms a scan, a curve for each threshold, with its band.

    Parameters
    ----------
    result : mapping
        See :mod:`gyrus.evaluation.detections`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 4.0)
    for place, block in enumerate(result["thresholds"]):
        colour = COLOURS[place % len(COLOURS)]
        _band(axes, block["froc"]["band"], colour)
        curve = block["froc"]["curve"]
        across, up = _extended(curve["false_alarms"], curve["sensitivity"])
        if not across:
            continue
        name = f"{decimal(block['froc']['score']['value'])}  {rule(result, block['threshold'])}"
        axes.plot(across, up, color=colour, linestyle=_STYLES[place % len(_STYLES)], label=name)
        at = [one for one in block["froc"]["at"] if is_defined(one["sensitivity"]["value"])]
        axes.plot(
            [one["rate"] for one in at], [one["sensitivity"]["value"] for one in at],
            color=colour, marker="o", markersize=3.5, linestyle="none",
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xlim(_TICKS[0], _TICKS[-1])
    axes.set_xticks(_TICKS, [rate(tick) for tick in _TICKS])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("false alarms a scan")
    _up(axes, "lesions found")
    axes.legend(title="FROC score, found when", loc="best", fontsize=8.5)
    return figure


@plotting
def detection_precision_plot(result: Mapping[str, Any]) -> Any:
    """Plot precision over recall, a curve for each threshold.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 4.0)
    for place, block in enumerate(result["thresholds"]):
        steps = block["precision_recall"]
        if not all(is_defined(value) for value in (*steps["recall"], *steps["precision"])):
            continue
        name = f"{decimal(block['average_precision']['value'])}  {rule(result, block['threshold'])}"
        colour = COLOURS[place % len(COLOURS)]
        # no line between points: it would be too kind; beyond the last recall nothing is found
        found = len(steps["recall"]) > 1
        axes.step(
            [*steps["recall"], steps["recall"][-1]] if found else [],
            [*steps["precision"], 0.0] if found else [], where="pre", color=colour,
            linestyle=_STYLES[place % len(_STYLES)], label=name,
        )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel("lesions found (recall)")
    _up(axes, "boxes that are right (precision)")
    axes.legend(title="average precision, found when", loc="best", fontsize=8.5)
    return figure


def _band(axes: Any, band: Mapping[str, Sequence[Any]], colour: str) -> None:
    shown = [
        (rate, low, high)
        for rate, low, high in zip(band["rates"], band["low"], band["high"], strict=True)
        if is_defined(low) and is_defined(high)
    ]
    if shown:
        rates, low, high = zip(*shown, strict=True)
        axes.fill_between(rates, low, high, color=colour, alpha=0.14, linewidth=0)


def _extended(across: Sequence[Any], up: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Return a curve drawn on at its last height, as its score reads it; nothing where it is undefined."""
    if not all(is_defined(value) for value in up):
        return [], []
    least = _TICKS[0] / 2
    # a logarithmic axis has no 0
    return [*(max(value, least) for value in across), _TICKS[-1] * 2], [*up, up[-1]]


def _up(axes: Any, words: str) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_title(words, loc="left", fontsize=10.5, color=TEXT)
