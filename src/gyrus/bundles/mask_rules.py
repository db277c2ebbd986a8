"""Rules for a card of a segmentation: its field ``segmentation``, and what such a card cannot have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.rules import (
    Rules,
    count,
    count_or_null,
    every,
    expect,
    is_number,
    number_between,
    one_of,
    or_null,
    problems_of,
    text,
    true_or_false,
)

SEGMENT = "segment"
MOST_CLASSES = 254
_CHOSEN_ON: Rules = {
    "split": text,
    "images": count,
    "subjects": count_or_null,
    "dice": or_null(number_between(0, 1)),
    "dice_before": or_null(number_between(0, 1)),
    "tried": count,
}
_POSTPROCESS: Rules = {
    "threshold": lambda value: expect(is_number(value) and 0 < value < 1, "a number between 0 and 1", value),
    "fill_holes": true_or_false,
    "largest": true_or_false,
    "min_size": number_between(0, 10**9),
    "unit": one_of("px", "mm2"),
    "chosen_on": lambda value: "" if value is None else every(value, _CHOSEN_ON),
}
_RULES: Rules = {
    "kind": one_of("binary", "label", "values"),
    "values": lambda value: _values(value),
    "picture_classes": lambda value: _picture_classes(value),
    "windows": lambda value: expect(
        value is None or (is_number(value) and 0 <= value < 1),
        "null, or the overlap of windows from 0 to below 1",
        value,
    ),
    "mirrored": true_or_false,
    "postprocess": _POSTPROCESS,
}
_NULL = ("calibration", "operating_points", "conformal", "neighbours")


def planes_of(card: Mapping[str, Any]) -> int:
    """Return the planes of mask logits: 1 for one class, else one each and the background's."""
    return 1 if len(card["classes"]) == 1 else len(card["classes"]) + 1


def picture_classes_of(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes of whole pictures that a joint network tells; none for masks alone."""
    told = card.get("segmentation")
    return tuple((told or {}).get("picture_classes") or ())


def segmentation(value: Any) -> str:
    """What the classes of masks are, and how probabilities become a mask."""
    if not isinstance(value, Mapping):
        return every(value, _RULES)
    return "; ".join(problems_of({"mirrored": False, **value}, _RULES, ""))


def mask_problems(card: Mapping[str, Any]) -> list[str]:
    """Return a line for what does not go with a segmentation; the fields themselves are right."""
    problems = [f"{name}: a segmentation has none; expected null" for name in _NULL if card[name] is not None]
    if card["outputs"]["maps"] != "none":
        problems.append("outputs.maps: a segmentation has none; expected 'none'")
    if card["input"]["dynamic_size"]:
        problems.append("input.dynamic_size: the graph of a segmentation has one size; expected false")
    if len(card["classes"]) > MOST_CLASSES:
        problems.append(f"classes: masks hold {MOST_CLASSES} at most")
    if ((card["gate"] or {}).get("distribution") or {}).get("method") == "energy":
        problems.append("gate.distribution.method: energy is of an image's class; expected another")
    values = card["segmentation"]["values"]
    if values is not None and set(values.values()) != set(card["classes"]):
        problems.append("segmentation.values: expected a value for each class, and no other")
    if (values is not None) != (card["segmentation"]["kind"] == "values"):
        problems.append("segmentation.values: expected exactly with the kind 'values'")
    return problems


def _is_level(key: Any) -> bool:
    digits = isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) <= 5
    return digits and 0 < int(key) <= 65535


def _values(value: Any) -> str:
    good = value is None or (
        isinstance(value, Mapping)
        and bool(value)
        and all(_is_level(key) for key in value)
        and all(isinstance(name, str) and name.strip() for name in value.values())
    )  # fmt: skip
    return expect(good, "null, or class names by stored value", value)


def _picture_classes(value: Any) -> str:
    good = value is None or (
        isinstance(value, list)
        and len(value) >= 2
        and all(isinstance(name, str) and name.strip() and "|" not in name for name in value)
        and value == sorted(set(value))
    )
    return expect(good, "null, or at least two class names sorted by name", value)
