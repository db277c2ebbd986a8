"""Means of what is no share: distances above 0, errors of either sign; with intervals over patients.

The variance is taken between patients as for shares (:mod:`gyrus.metrics.intervals`). The interval of a mean
distance is made on the logarithmic scale, so that it stays above 0 and reaches farther upwards, as such means
are skewed; that of a signed error on the plain one.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gyrus.metrics.intervals import Interval, Linear, linear_ratio
from gyrus.metrics.quantiles import t_quantile


def mean_of(values: npt.ArrayLike, groups: npt.ArrayLike, n_groups: int) -> Linear:
    """Write the mean of finite values as a sum over groups; others (NaN, infinite) are left out.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    groups : array_like of int, shape (n,)
        Number of each value's patient, from 0.
    n_groups : int
    """
    value, number = np.asarray(values, dtype=np.float64), np.asarray(groups, dtype=np.int64)
    kept = np.isfinite(value)
    total = np.bincount(number[kept], weights=value[kept], minlength=n_groups)
    return linear_ratio(total, np.bincount(number[kept], minlength=n_groups))


def positive_interval(linear: Linear, confidence: float = 0.95) -> Interval:
    """Return the interval of a mean of values from 0 on, on the logarithmic scale; NaN for a mean of 0."""
    if not _told(linear) or linear.value <= 0:
        return Interval(linear.value, math.nan, math.nan, round(linear.clusters))
    reach = math.exp(min(_reach(linear, confidence) / linear.value, 700.0))
    return Interval(linear.value, linear.value / reach, linear.value * reach, round(linear.clusters))


def plain_interval(linear: Linear, confidence: float = 0.95) -> Interval:
    """Return the interval of a mean of values of either sign."""
    if not _told(linear):
        return Interval(linear.value, math.nan, math.nan, round(linear.clusters))
    reach = _reach(linear, confidence)
    return Interval(linear.value, linear.value - reach, linear.value + reach, round(linear.clusters))


def _told(linear: Linear) -> bool:
    return math.isfinite(linear.value) and linear.clusters >= 2


def _reach(linear: Linear, confidence: float) -> float:
    return t_quantile((1 + confidence) / 2, max(linear.freedom, 1.0)) * math.sqrt(linear.variance)
