"""Decision curves: is acting on the model better than acting on everybody, or on nobody?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.metrics.intervals import linear_ratio
from gyrus.metrics.quantiles import t_quantile

GRID = np.linspace(0.01, 0.99, 99)


def decision_curve(
    score: FloatArray,
    positive: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    *,
    confidence: float = 0.95,
    grid: FloatArray = GRID,
) -> dict[str, Any]:
    """Return the net benefit at every threshold probability (Vickers and Elkin 2006).

    Who acts from a probability of pt on values a true positive at 1 and a false one at -pt / (1 - pt); the
    net benefit is what an image is worth on average. Acting on everybody is worth prevalence -
    (1 - prevalence) pt / (1 - pt), acting on nobody 0. All of it holds at the prevalence of these images.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Calibrated probability of being positive.
    positive : ndarray of bool, shape (n,)
    groups : ndarray of int64, shape (n,)

    Returns
    -------
    dict
        ``threshold``, ``model``, ``low``, ``high`` (Student's interval between patients; None with fewer than
        two), ``all``: lists of one length; and ``prevalence``.
    """
    sick = positive.astype(np.float64)
    sizes = np.bincount(groups).astype(np.float64)
    lists: dict[str, list[float | None]] = {name: [] for name in ("threshold", "model", "low", "high", "all")}
    for threshold in grid.tolist():
        odds = threshold / (1 - threshold)
        called = score >= threshold
        value = np.where(called, sick - (1 - sick) * odds, 0.0)
        linear = linear_ratio(np.bincount(groups, weights=value), sizes)
        reach = t_quantile((1 + confidence) / 2, max(linear.freedom, 1.0)) * math.sqrt(linear.variance)
        known = linear.clusters >= 2
        lists["threshold"].append(threshold)
        lists["model"].append(linear.value)
        lists["low"].append(linear.value - reach if known else None)
        lists["high"].append(linear.value + reach if known else None)
        lists["all"].append(float(sick.mean() - (1 - sick.mean()) * odds))
    return {**lists, "prevalence": float(sick.mean())}
