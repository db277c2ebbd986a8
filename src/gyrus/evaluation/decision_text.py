"""The figures of a decision as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.text import aligned, long_figure, plain_figure, short_figure


def format_decision(block: Mapping[str, Any] | None) -> str:
    """Return the block of :func:`gyrus.evaluation.decision_figures.decision_figures`; empty without one."""
    if not block:
        return ""
    parts = [_calibration(block), *map(_point, block["points"]), _sets(block["sets"])]
    parts += [f"note: {note}" for note in block["notes"]]
    return "\n".join(part for part in parts if part)


def _calibration(block: Mapping[str, Any]) -> str:
    if block["after"] is None:
        return ""
    method = block["calibration"]["method"]
    fitted = block["calibration"]["fitted_on"]
    how = "each patient by a fit on the others" if block["cross_fitted"] else f"fitted on {fitted['split']}"
    rows = [["probabilities", "log loss", "calibration error, %"]]
    for name, key in (("as the network gives them", "before"), (f"{method} scaling", "after")):
        rows.append([name, plain_figure(block[key]["log_loss"]), short_figure(block[key]["ece"])])
    return f"calibration ({how}):\n{aligned(rows)}"


def _point(point: Mapping[str, Any]) -> str:
    rates = ", ".join(
        f"{name} {long_figure(point['rates'][name])}" for name in ("sensitivity", "specificity")
    )
    return f"{point['name']}: positive from {point['threshold']:.4g} on: {rates}"


def _sets(sets: Mapping[str, Any] | None) -> str:
    if sets is None:
        return ""
    about = "about " if sets.get("promise") == "about" else ""
    return (
        f"sets at {about}{100 * sets['level']:g} %: hold the true class for {long_figure(sets['coverage'])}, "
        f"{sets['mean_size']:.2f} classes on average; {long_figure(sets['referred'])} of the images are "
        f"referred, of the others {long_figure(sets['answered_right'])} are right"
    )
