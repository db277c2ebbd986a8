"""Checks of numbers that several configurations share."""

from __future__ import annotations

import math
from typing import Any

from gyrus.errors import UsageError


def at_least(config: Any, **minimum: int) -> None:
    """Refuse a field below its minimum."""
    for name, low in minimum.items():
        value = getattr(config, name)
        if value < low:
            raise UsageError(f"{name} is {value}; expected at least {low}")


def at_most(config: Any, **maximum: int) -> None:
    """Refuse a field above its maximum."""
    for name, high in maximum.items():
        value = getattr(config, name)
        if value > high:
            raise UsageError(f"{name} is {value}; expected at most {high}")


def positive(config: Any, *names: str, allow_zero: tuple[str, ...] = ()) -> None:
    """Refuse a field that is not a finite number above zero; None passes."""
    for name in names:
        value = getattr(config, name)
        if value is None:
            continue
        if not math.isfinite(value) or value < 0 or (value == 0 and name not in allow_zero):
            expected = "a number from 0 on" if name in allow_zero else "a number above 0"
            raise UsageError(f"{name} is {value}; expected {expected}")


def share(config: Any, *names: str) -> None:
    """Refuse a field outside 0 ≤ x < 1."""
    for name in names:
        value = getattr(config, name)
        if not 0 <= value < 1:
            raise UsageError(f"{name} is {value}; expected a share from 0 to below 1")
