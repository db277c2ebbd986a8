"""What each field of a card may hold. A rule returns a complaint, or an empty string."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gyrus.bundles import decision_rules, mask_rules
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.bundles.rules import (
    Rule,
    Rules,
    any_object,
    any_text,
    between,
    count,
    count_or_null,
    counts,
    expect,
    is_int,
    is_number,
    one_of,
    problems_of,
    text,
    text_or_null,
    texts,
    true_or_false,
)

FORMAT_VERSION = 2
"""The format that is written; earlier ones are read, see :mod:`gyrus.bundles.former`."""
MAX_CLASSES = 1000
ACTIVATIONS = {"classify": "softmax", "multilabel": "sigmoid"}
"""What makes probabilities of logits, by task of a classifier."""
TASKS = (*ACTIVATIONS, SEGMENT)
_HEX64 = re.compile(r"[0-9a-f]{64}")
_POLICY = re.compile(r"[a-z0-9]+/[0-9]+")


def activation_of(card: Mapping[str, Any]) -> str:
    """Return what makes probabilities of the logits (of a segmentation: of its planes) of a checked card."""
    if card["task"] == SEGMENT:
        return "sigmoid" if len(card["classes"]) == 1 else "softmax"
    return ACTIVATIONS[card["task"]]


def card_problems(card: Any) -> list[str]:
    """Return a line for every field of a card of this format that is wrong, by itself or beside another."""
    segments = isinstance(card, Mapping) and card.get("task") == SEGMENT
    rules = {**RULES, "segmentation": mask_rules.segmentation} if segments else RULES
    alone = problems_of(card, rules)
    together = mask_rules.mask_problems if segments else decision_rules.decision_problems
    return alone or _too_few(card) + activation_problems(card) + together(card)


def _too_few(card: Mapping[str, Any]) -> list[str]:
    """Return a line for a classifier of one class; a segmentation may have one beside the background."""
    few = card["task"] != SEGMENT and len(card["classes"]) < 2
    return [f"classes: has 1 classes; expected 2 to {MAX_CLASSES}"] if few else []


def activation_problems(card: Mapping[str, Any]) -> list[str]:
    """Return a line when the activation is not that of the task; the fields themselves are right."""
    wanted, got = activation_of(card), card["outputs"]["activation"]
    if got == wanted:
        return []
    return [f"outputs.activation: the task {card['task']} goes with {wanted!r}, got {got!r}"]


def _classes(value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        return expect(False, "a list of class names", value)
    if not 1 <= len(value) <= MAX_CLASSES:
        return f"has {len(value)} classes; expected 2 to {MAX_CLASSES}"
    if any("|" in name or not name.isprintable() for name in value):
        return "a class name holds '|' or a control character"
    return expect(value == sorted(set(value)), "class names sorted by name, each once", value)


def _channel_values(low: float) -> Rule:
    def rule(value: Any) -> str:
        listed = isinstance(value, list) and len(value) in (1, 3)
        good = listed and all(is_number(item) and item > low for item in value)
        return expect(good, f"one or three numbers greater than {low}", value)

    return rule


def _fingerprint(value: Any) -> str:
    good = value is None or (isinstance(value, str) and _HEX64.fullmatch(value) is not None)
    return expect(good, "64 hexadecimal digits or null", value)


def _digests(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(v, str) and _HEX64.fullmatch(v) for v in value)
    return expect(good, "a list of bundle digests", value)


def _policy(value: Any) -> str:
    good = isinstance(value, str) and _POLICY.fullmatch(value) is not None
    return expect(good, "a reading policy such as 'grey8/1'", value)


def _seeds(value: Any) -> str:
    good = isinstance(value, Mapping) and all(is_int(seed) for seed in value.values())
    return expect(good, "an object of whole numbers", value)


def _splits(value: Any) -> str:
    if not isinstance(value, Mapping):
        return expect(False, "an object", value)
    rules: Rules = {"images": count, "subjects": count_or_null, "classes": counts}
    problems = [line for name, split in value.items() for line in problems_of(split, rules, str(name))]
    return "; ".join(problems)


def _metrics(value: Any) -> str:
    by_split = isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values())
    good = value is None or by_split
    return expect(good, "null or an object of objects, by split", value)


def _intended_use(value: Any) -> str:
    good = isinstance(value, str) and "not a medical device" in value
    return expect(good, "a text that says 'not a medical device'", value)


RULES: Rules = {
    "format_version": one_of(FORMAT_VERSION),
    "gyrus_version": text,
    "task": one_of(*TASKS),
    "name": any_text,
    "classes": _classes,
    "architecture": text,
    "input": {
        "reading_policy": _policy,
        "color": one_of("grey", "rgb"),
        "channels": one_of(1, 3),
        "image_size_px": between(8, 4096),
        "dynamic_size": true_or_false,
        "mean": _channel_values(-math.inf),
        "std": _channel_values(0.0),
        "resize": one_of("squash", "pad", "crop"),
        "brain_crop": true_or_false,
        "normalize": one_of("auto", "imagenet", "half", "dataset", "per-image", "none"),
    },
    "outputs": {
        "maps": one_of("exact", "gradient", "occlusion", "none"),
        "embedding": true_or_false,
        "activation": one_of("softmax", "sigmoid"),
    },
    "data": {"fingerprint": _fingerprint, "licence": text_or_null, "splits": _splits},
    "leakage": {
        "verdict": one_of("clean", "leaking", "unknowable"),
        "sentence": text,
        "allow_leak": text_or_null,
    },
    "metrics": _metrics,
    "calibration": decision_rules.calibration,
    "operating_points": decision_rules.operating_points,
    "conformal": decision_rules.conformal,
    "gate": decision_rules.gate,
    "neighbours": decision_rules.neighbours,
    "private": true_or_false,
    "lineage": _digests,
    "seeds": _seeds,
    "provenance": any_object,
    "licence": text_or_null,
    "intended_use": _intended_use,
    "notes": texts,
}
