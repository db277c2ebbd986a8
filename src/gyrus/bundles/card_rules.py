"""What each field of a card may hold. A rule returns a complaint, or an empty string."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any], str]
Rules = Mapping[str, "Rule | Rules"]

MAX_CLASSES = 1000
# not in bundles made before there was a choice: they squash, shift and scale by mean and std, and softmax
OPTIONAL = frozenset({"input.resize", "input.brain_crop", "input.normalize", "outputs.activation"})
ACTIVATIONS = {"classify": "softmax", "multilabel": "sigmoid"}
"""What makes probabilities of logits, by task."""
_HEX64 = re.compile(r"[0-9a-f]{64}")
_POLICY = re.compile(r"[a-z0-9]+/[0-9]+")


def problems_of(value: Any, rules: Rules, path: str = "") -> list[str]:
    """Return a line for every field that is missing, unknown or wrong."""
    if not isinstance(value, Mapping):
        return [f"{path or 'card'}: expected an object, got {_short(value)}"]
    missing = [where for name in rules if name not in value and (where := _join(path, name)) not in OPTIONAL]
    problems = [f"{where}: is missing" for where in missing]
    problems += [f"{_join(path, str(name))}: is not known" for name in value if name not in rules]
    for name, rule in rules.items():
        if name not in value:
            continue
        where = _join(path, name)
        if callable(rule):
            complaint = rule(value[name])
            problems += [f"{where}: {complaint}"] if complaint else []
        else:
            problems += problems_of(value[name], rule, where)
    return problems


def activation_of(card: Mapping[str, Any]) -> str:
    """Return what makes probabilities of the logits of a checked card."""
    return ACTIVATIONS[card["task"]]


def activation_problems(card: Mapping[str, Any]) -> list[str]:
    """Return a line when the activation is not that of the task; the fields themselves are right."""
    wanted = activation_of(card)
    got = card["outputs"].get("activation", "softmax")
    if got == wanted:
        return []
    return [f"outputs.activation: the task {card['task']} goes with {wanted!r}, got {got!r}"]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _expect(condition: bool, expected: str, value: Any) -> str:
    return "" if condition else f"expected {expected}, got {_short(value)}"


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def _text(value: Any) -> str:
    return _expect(isinstance(value, str) and bool(value.strip()), "some text", value)


def _any_text(value: Any) -> str:
    return _expect(isinstance(value, str), "text", value)


def _text_or_null(value: Any) -> str:
    return _expect(value is None or (isinstance(value, str) and bool(value.strip())), "text or null", value)


def _bool(value: Any) -> str:
    return _expect(isinstance(value, bool), "true or false", value)


def _texts(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return _expect(good, "a list of texts", value)


def _object(value: Any) -> str:
    return _expect(isinstance(value, Mapping), "an object", value)


def _null(value: Any) -> str:
    if value is None:
        return ""
    return "is set, and this gyrus does not know how to apply it (update gyrus: pip install -U gyrus)"


def _one_of(*choices: Any) -> Rule:
    def rule(value: Any) -> str:
        # 1 == True in Python, hence the type as well
        good = any(type(value) is type(choice) and value == choice for choice in choices)
        return _expect(good, " or ".join(map(repr, choices)), value)

    return rule


def _between(low: int, high: int) -> Rule:
    def rule(value: Any) -> str:
        return _expect(_is_int(value) and low <= value <= high, f"a whole number from {low} to {high}", value)

    return rule


def _classes(value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        return _expect(False, "a list of class names", value)
    if not 2 <= len(value) <= MAX_CLASSES:
        return f"has {len(value)} classes; expected 2 to {MAX_CLASSES}"
    if any("|" in name or not name.isprintable() for name in value):
        return "a class name holds '|' or a control character"
    return _expect(value == sorted(set(value)), "class names sorted by name, each once", value)


def _channel_values(low: float) -> Rule:
    def rule(value: Any) -> str:
        listed = isinstance(value, list) and len(value) in (1, 3)
        good = listed and all(_is_number(item) and item > low for item in value)
        return _expect(good, f"one or three numbers greater than {low}", value)

    return rule


def _fingerprint(value: Any) -> str:
    good = value is None or (isinstance(value, str) and _HEX64.fullmatch(value) is not None)
    return _expect(good, "64 hexadecimal digits or null", value)


def _digests(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(v, str) and _HEX64.fullmatch(v) for v in value)
    return _expect(good, "a list of bundle digests", value)


def _policy(value: Any) -> str:
    good = isinstance(value, str) and _POLICY.fullmatch(value) is not None
    return _expect(good, "a reading policy such as 'grey8/1'", value)


def _seeds(value: Any) -> str:
    good = isinstance(value, Mapping) and all(_is_int(seed) for seed in value.values())
    return _expect(good, "an object of whole numbers", value)


def _splits(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _expect(False, "an object", value)
    rules: Rules = {"images": _between(0, 10**12), "subjects": _count_or_null, "classes": _counts}
    problems = [line for name, split in value.items() for line in problems_of(split, rules, str(name))]
    return "; ".join(problems)


def _count_or_null(value: Any) -> str:
    return "" if value is None else _between(0, 10**12)(value)


def _counts(value: Any) -> str:
    good = isinstance(value, Mapping) and all(_is_int(count) and count >= 0 for count in value.values())
    return _expect(good, "an object of counts", value)


def _metrics(value: Any) -> str:
    by_split = isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values())
    good = value is None or by_split
    return _expect(good, "null or an object of objects, by split", value)


def _intended_use(value: Any) -> str:
    good = isinstance(value, str) and "not a medical device" in value
    return _expect(good, "a text that says 'not a medical device'", value)


RULES: Rules = {
    "format_version": _one_of(1),
    "gyrus_version": _text,
    "task": _one_of(*ACTIVATIONS),
    "name": _any_text,
    "classes": _classes,
    "architecture": _text,
    "input": {
        "reading_policy": _policy,
        "color": _one_of("grey", "rgb"),
        "channels": _one_of(1, 3),
        "image_size_px": _between(8, 4096),
        "dynamic_size": _bool,
        "mean": _channel_values(-math.inf),
        "std": _channel_values(0.0),
        "resize": _one_of("squash", "pad", "crop"),
        "brain_crop": _bool,
        "normalize": _one_of("auto", "imagenet", "half", "dataset", "per-image", "none"),
    },
    "outputs": {
        "maps": _one_of("exact", "none"),
        "embedding": _bool,
        "activation": _one_of(*ACTIVATIONS.values()),
    },
    "data": {"fingerprint": _fingerprint, "licence": _text_or_null, "splits": _splits},
    "leakage": {
        "verdict": _one_of("clean", "leaking", "unknowable"),
        "sentence": _text,
        "allow_leak": _text_or_null,
    },
    "metrics": _metrics,
    "calibration": _null,
    "operating_points": _null,
    "conformal": _null,
    "gate": _null,
    "lineage": _digests,
    "seeds": _seeds,
    "provenance": _object,
    "licence": _text_or_null,
    "intended_use": _intended_use,
    "notes": _texts,
}
