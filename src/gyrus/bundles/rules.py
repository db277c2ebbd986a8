"""Building blocks of rules about JSON: a rule takes a value and returns a complaint, or an empty string."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any], str]
Rules = Mapping[str, "Rule | Rules"]

_SHOWN = 60


def problems_of(value: Any, rules: Rules, path: str = "") -> list[str]:
    """Return a line for every field that is missing, unknown or wrong."""
    if not isinstance(value, Mapping):
        return [f"{path or 'card'}: expected an object, got {short(value)}"]
    problems = [f"{join(path, name)}: is missing" for name in rules if name not in value]
    unknown = [str(name) for name in value if name not in rules]
    problems += [f"{join(path, cut(name))}: is not known" for name in unknown]
    for name, rule in rules.items():
        if name not in value:
            continue
        where = join(path, name)
        if callable(rule):
            complaint = rule(value[name])
            problems += [f"{where}: {complaint}"] if complaint else []
        else:
            problems += problems_of(value[name], rule, where)
    return problems


def every(value: Any, rules: Rules) -> str:
    """Return the problems of an object that stands inside a field, as one complaint."""
    if not isinstance(value, Mapping):
        return expect(False, "an object", value)
    return "; ".join(problems_of(value, rules))


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def short(value: Any) -> str:
    return cut(repr(value))


def cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def expect(condition: bool, expected: str, value: Any) -> str:
    return "" if condition else f"expected {expected}, got {short(value)}"


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    # a whole number beyond 2**53 has no exact double, and may have a million digits
    return (is_int(value) and abs(value) <= 2**53) or (isinstance(value, float) and math.isfinite(value))


def number(value: Any) -> str:
    return expect(is_number(value), "a finite number", value)


def number_between(low: float, high: float) -> Rule:
    def rule(value: Any) -> str:
        return expect(is_number(value) and low <= value <= high, f"a number from {low} to {high}", value)

    return rule


def or_null(inner: Rule) -> Rule:
    def rule(value: Any) -> str:
        complaint = "" if value is None else inner(value)
        return complaint and f"{complaint} (or null)"

    return rule


def text(value: Any) -> str:
    return expect(isinstance(value, str) and bool(value.strip()), "some text", value)


def any_text(value: Any) -> str:
    return expect(isinstance(value, str), "text", value)


def text_or_null(value: Any) -> str:
    return expect(value is None or (isinstance(value, str) and bool(value.strip())), "text or null", value)


def true_or_false(value: Any) -> str:
    return expect(isinstance(value, bool), "true or false", value)


def texts(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return expect(good, "a list of texts", value)


def any_object(value: Any) -> str:
    return expect(isinstance(value, Mapping), "an object", value)


def one_of(*choices: Any) -> Rule:
    def rule(value: Any) -> str:
        # 1 == True in Python, hence the type as well
        good = any(type(value) is type(choice) and value == choice for choice in choices)
        return expect(good, " or ".join(map(repr, choices)), value)

    return rule


def between(low: int, high: int) -> Rule:
    def rule(value: Any) -> str:
        return expect(is_int(value) and low <= value <= high, f"a whole number from {low} to {high}", value)

    return rule


def count(value: Any) -> str:
    return between(0, 10**12)(value)


def count_or_null(value: Any) -> str:
    return or_null(count)(value)


def counts(value: Any) -> str:
    good = isinstance(value, Mapping) and all(is_int(count) and count >= 0 for count in value.values())
    return expect(good, "an object of counts", value)
