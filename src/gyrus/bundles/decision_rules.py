"""Rules for the card's fields that make a decision of the logits, and for its nearest cases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gyrus.bundles.rules import (
    Rules,
    any_object,
    between,
    count,
    count_or_null,
    counts,
    every,
    expect,
    is_int,
    is_number,
    number_between,
    one_of,
    or_null,
    text,
    true_or_false,
)

_HEX64 = re.compile(r"[0-9a-f]{64}")
# a sum of probabilities may exceed one by rounding, and a threshold is one of those sums
_HIGHEST_SCORE = 1 + 1e-9

METHODS = ("temperature", "vector")
_FITTED_ON: Rules = {
    "split": text,
    "images": count,
    "subjects": count_or_null,
    "fingerprint": lambda value: expect(
        value is None or (isinstance(value, str) and _HEX64.fullmatch(value) is not None),
        "64 hexadecimal digits or null",
        value,
    ),
}
_POINT: Rules = {
    "name": text,
    "positive": lambda value: expect(_is_texts(value) and bool(value), "a list of class names", value),
    "constraint": {"metric": one_of("sensitivity", "specificity"), "at_least": number_between(0, 1)},
    "threshold": number_between(0, _HIGHEST_SCORE),
    "split": text,
    "images": count,
    "subjects": count_or_null,
    "figures": lambda value: figures_by_split(value),
}
_CONFORMAL: Rules = {
    "method": one_of("lac", "aps"),
    "level": lambda value: expect(is_number(value) and 0 < value < 1, "a number between 0 and 1", value),
    "promise": one_of("at-least", "about"),
    "class_conditional": true_or_false,
    "by": one_of("subject", "image"),
    "quantiles": lambda value: expect(_by_class(value), "an object of numbers or null, by class", value),
    "counts": counts,
    "refused": lambda value: expect(
        isinstance(value, Mapping) and _is_texts(list(value.values())), "an object of reasons", value
    ),
    "seed": lambda value: expect(is_int(value), "a whole number", value),
}
_GATE: Rules = {"version": one_of(1), "brain_mri": or_null(any_object), "distribution": or_null(any_object)}
_NEIGHBOURS: Rules = {
    "count": between(1, 10**9),
    "features": between(1, 10**6),
    "thumbnails": true_or_false,
    "hashes": true_or_false,
    "others": count,
    "apart": or_null(number_between(0, 2)),
}


def calibration(value: Any) -> str:
    """Temperature: softmax(logits / temperature); vector: softmax(scale * logits + bias)."""
    if value is None:
        return ""
    if not isinstance(value, Mapping) or value.get("method") not in METHODS:
        return expect(False, "null or an object with method 'temperature' or 'vector'", value)
    shape: Rules = (
        {"temperature": lambda item: expect(is_number(item) and item > 0, "a number above 0", item)}
        if value["method"] == "temperature"
        else {"scale": _numbers, "bias": _numbers}
    )
    return every(
        value,
        {
            "method": one_of(*METHODS), **shape, "fitted_on": _FITTED_ON,
            "before": _calibration_figures, "after": _calibration_figures,
        },
    )  # fmt: skip


def operating_points(value: Any) -> str:
    """Null, or a list of thresholds with the constraint that each was chosen by."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return expect(False, "null or a list", value)
    complaints = [complaint for item in value if (complaint := every(item, _POINT))]
    names = [item["name"] for item in value] if not complaints else []
    if len(set(names)) < len(names):
        complaints.append("two points have one name")
    return "; ".join(complaints)


def conformal(value: Any) -> str:
    """Null, or the quantiles of the conformal sets, null for a class with too few cases."""
    if not isinstance(value, Mapping):
        return "" if value is None else every(value, _CONFORMAL)
    return every({"promise": "at-least", **value}, _CONFORMAL)  # the field came after the first bundles


def gate(value: Any) -> str:
    """Null, or the input gate; its arrays lie in gate.npz."""
    return "" if value is None else every(value, _GATE)


def neighbours(value: Any) -> str:
    """Null, or what lies in neighbours.npz."""
    return "" if value is None else every(value, _NEIGHBOURS)


def decision_problems(card: Mapping[str, Any]) -> list[str]:
    """Return a line for every class that a decision names and the model has not, or the other way round."""
    classes, problems = card["classes"], []
    fitted, sets = card["calibration"] or {}, card["conformal"]
    for name in ("scale", "bias"):
        if name in fitted and len(fitted[name]) != len(classes):
            problems.append(f"calibration.{name}: expected {len(classes)} numbers, got {len(fitted[name])}")
    for point in card["operating_points"] or []:
        strange = sorted(set(point["positive"]) - set(classes))
        if strange:
            problems.append(f"operating_points: {point['name']} names {strange[0]!r}, which is no class")
    if sets is not None:
        for name in ("quantiles", "counts"):
            if sorted(sets[name]) != classes:
                problems.append(f"conformal.{name}: expected a value for each class")
        without = {name for name, quantile in sets["quantiles"].items() if quantile is None}
        if set(sets["refused"]) != without:
            problems.append("conformal.refused: expected a reason for each class without a quantile")
    if card["private"] and card["neighbours"] is not None:
        problems.append("neighbours: a private bundle holds no training cases; expected null")
    if card["private"] and ((card["gate"] or {}).get("distribution") or {}).get("method") == "knn":
        problems.append(
            "gate.distribution: a private bundle holds no training cases; expected another method"
        )
    return problems


def is_figure(value: Any) -> bool:
    """Whether it is a number, null (undefined), or one of them with its interval."""
    if not isinstance(value, Mapping):
        return value is None or is_number(value)
    ends = [value.get(name) for name in ("value", "low", "high")]
    known = {"value", "low", "high", "method"} <= set(value)
    return known and all(end is None or is_number(end) for end in ends) and isinstance(value["method"], str)


def figures_by_split(value: Any) -> str:
    """Split -> name -> figure."""
    good = isinstance(value, Mapping) and all(
        isinstance(split, Mapping) and all(map(is_figure, split.values())) for split in value.values()
    )
    return expect(good, "an object of figures, by split", value)


def _calibration_figures(value: Any) -> str:
    named = isinstance(value, Mapping) and {"log_loss", "ece"} <= set(value)
    good = named and all(map(is_figure, value.values()))
    return expect(good, "an object of figures with log_loss and ece", value)


def _numbers(value: Any) -> str:
    return expect(isinstance(value, list) and all(map(is_number, value)), "a list of numbers", value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)


def _by_class(value: Any) -> bool:
    return isinstance(value, Mapping) and all(item is None or is_number(item) for item in value.values())
