"""The model card's lines about calibration, thresholds and referrals, from the bundle's card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import decimal, interval, percent, plural


def decision_lines(card: Mapping[str, Any]) -> list[str]:
    """Return a line for each part of the decision, and one for each part that it has not."""
    return [*_calibration(card.get("calibration")), *_points(card.get("operating_points")), *_sets(card)]


def refers(card: Mapping[str, Any]) -> bool:
    """Tell whether the model leaves images to a person."""
    sets = card.get("conformal")
    return sets is not None and not sets["refused"]


def _calibration(block: Mapping[str, Any] | None) -> list[str]:
    if not block:
        return ["- Probabilities are as the network gives them: no calibration was fitted."]
    fitted = block["fitted_on"]
    of = f" of {plural(fitted['subjects'], 'patient')}" if fitted["subjects"] else ""
    how = f"temperature {block['temperature']:.3g}" if block["method"] == "temperature" else "vector scaling"
    before, after = block["before"], block["after"]
    return [
        f"- Calibrated by {how} on {plural(fitted['images'], 'image')}{of}. There, fitted on other patients: "
        f"log loss {_number(before['log_loss'])} before, {_number(after['log_loss'])} after; calibration "
        f"error {_share(before['ece'])} before, {_share(after['ece'])} after."
    ]


def _points(points: Any) -> list[str]:
    lines = []
    for point in points or ():
        measured = []
        for split, figures in sorted(point["figures"].items()):
            rates = ", ".join(f"{name} {_share(figures[name])}" for name in ("sensitivity", "specificity"))
            measured.append(f"{SPLIT_NAMES.get(split, split)}: {rates}")
        lines.append(
            f"- Operating point “{point['name']}”, positive from {decimal(point['threshold'])} on. "
            f"{'; '.join(measured)}."
        )
    return lines


def _sets(card: Mapping[str, Any]) -> list[str]:
    sets = card.get("conformal")
    if not sets:
        return ["- It never refers an image to a person: no conformal sets were fitted."]
    if sets["refused"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(sets["refused"].items()))
        return [f"- It never refers an image to a person: no sets, {reasons}."]
    unit = "patients" if sets["by"] == "subject" else "images"
    counts = ", ".join(f"{name} {count}" for name, count in sorted(sets["counts"].items()))
    promise = sets.get("promise", "at-least").replace("-", " ")
    return [
        f"- Refers an image when its conformal set ({sets['method'].upper()}, {promise} "
        f"{percent(sets['level'], 0)}, "
        f"each class by itself; calibration {unit}: {counts}) is not the one most probable class."
    ]


def _number(figure: Any) -> str:
    within = interval(figure, as_percent=False)
    return f"{decimal(figure['value'])} ({within})" if within else decimal(figure["value"])


def _share(figure: Any) -> str:
    within = interval(figure)
    return f"{percent(figure['value'])} ({within})" if within else percent(figure["value"])
