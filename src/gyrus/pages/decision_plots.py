"""Pictures of a decision: net benefit over the threshold, wrong answers over how many are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.pages.colour import class_colours
from gyrus.pages.numbers import is_defined
from gyrus.pages.plots import shortened
from gyrus.pages.svg import ACCENT, FAINT, TEXT, new_figure, plotting


@plotting
def net_benefit_plot(curve: Mapping[str, Any], threshold: float | None = None) -> Any:
    """Plot the net benefit of acting on the model beside that of acting on everybody and on nobody.

    Parameters
    ----------
    curve : mapping
        From :func:`gyrus.decision.net_benefit.decision_curve`.
    threshold : float, optional
        An operating point, marked.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 3.4)
    at = curve["threshold"]
    axes.axhline(0, color=TEXT, linewidth=0.9, label="act on nobody")
    axes.plot(at, curve["all"], color="#e69f00", linestyle="--", linewidth=1.4, label="act on everybody")
    if all(is_defined(value) for value in (*curve["low"], *curve["high"])):
        axes.fill_between(at, curve["low"], curve["high"], color=ACCENT, alpha=0.15, linewidth=0)
    axes.plot(at, curve["model"], color=ACCENT, label="act on the model")
    if threshold is not None and threshold <= 1:
        axes.axvline(threshold, color=TEXT, linewidth=0.9, linestyle=":", label=f"threshold {threshold:.3g}")
    _benefit_axes(axes, [curve])
    axes.legend(fontsize=8.5)
    return figure


@plotting
def class_benefit_plot(curves: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> Any:
    """Plot the net benefit of the model for each class against the rest; dashed: acting on everybody.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 3.4)
    colours = class_colours(classes)
    axes.axhline(0, color=TEXT, linewidth=0.9)
    for name, curve in curves.items():
        axes.plot(curve["threshold"], curve["all"], color=colours[name], linestyle="--", linewidth=0.9)
        label = shortened(name).replace("$", r"\$")
        axes.plot(curve["threshold"], curve["model"], color=colours[name], label=f"\u200b{label}")
    _benefit_axes(axes, list(curves.values()))
    axes.legend(fontsize=8.5)
    return figure


@plotting
def risk_coverage_plot(curve: Mapping[str, Any], answered: tuple[float, float] | None = None) -> Any:
    """Plot the share of wrong answers over the share of images that are answered, the surest first.

    Parameters
    ----------
    curve : mapping
        ``coverage`` and ``risk``.
    answered : tuple of float, optional
        Coverage and risk of what was not referred, marked.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 3.4)
    axes.plot(curve["coverage"], curve["risk"], color=ACCENT, drawstyle="steps-post")
    axes.axhline(curve["risk"][-1], color=FAINT, linewidth=1.2)
    if answered is not None:
        axes.plot(
            *answered, color="#d55e00", marker="o", markersize=6, linestyle="none", label="not referred"
        )
        axes.legend()
    axes.set_xlabel("answered, the surest first")
    axes.set_ylabel("wrong among them")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{round(100 * value, 1):g} %")
    axes.set_xlim(-0.01, 1.02)
    axes.set_ylim(bottom=-0.005)
    return figure


def _benefit_axes(axes: Any, curves: Sequence[Mapping[str, Any]]) -> None:
    highest = max(max(*curve["model"], curve["prevalence"]) for curve in curves)
    axes.set_ylim(-0.25 * highest - 0.01, 1.08 * highest + 0.01)
    axes.set_xlim(0, 1)
    axes.set_xlabel("probability from which on one would act")
    axes.set_ylabel("net benefit an image")
