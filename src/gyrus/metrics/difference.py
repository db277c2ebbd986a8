"""The difference of two figures that were measured apart, with its interval."""

from __future__ import annotations

import math

from gyrus.metrics.intervals import Interval


def difference_interval(one: Interval, other: Interval) -> Interval:
    """Return ``one`` less ``other``; their intervals are joined by squares (MOVER; Zou and Donner, 2008).

    The two are taken as independent. Where both rest on the same patients and rise and fall together, the
    interval is wider than it need be.

    Returns
    -------
    Interval
        Of the confidence that both have; NaN where either has no interval. ``clusters`` is the smaller one.
    """
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, low, high, min(one.clusters, other.clusters))
