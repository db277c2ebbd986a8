"""Silence as a choice: how often the answers are wrong when only the surest images are answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.metrics.intervals import Interval
from gyrus.metrics.resampling import cluster_weights, image_weights, percentile_interval
from gyrus.metrics.undefined import FloatArray as Array

RESAMPLES, MOST_POINTS = 500, 200


def risk_coverage(confidence: FloatArray, wrong: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the coverage and the risk (El-Yaniv and Wiener, 2010) at every distinct confidence.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        Probability of the answer.
    wrong : ndarray of bool, shape (n,)

    Returns
    -------
    coverage, risk : ndarray
        Share of the images that are answered, rising to 1, and the share of wrong ones among them. Images of
        equal confidence are answered together.
    """
    order = np.argsort(-confidence, kind="stable")
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))
    answered = np.arange(1, wrong.size + 1)
    return answered[last] / wrong.size, np.cumsum(wrong[order])[last] / answered[last]


def risk_area(
    confidence: FloatArray,
    wrong: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the area under the risk-coverage curve (AURC: Geifman and El-Yaniv, 2017); lower is better.

    It is the mean, over the images taken from the surest to the least sure, of the share of wrong answers so
    far. The interval is the percentile bootstrap over patients.
    """
    order = np.argsort(-confidence, kind="stable")
    bad, whose = wrong[order].astype(np.float64), groups[order]
    n_groups = int(groups.max()) + 1
    value = float(_area(bad[:, None], np.ones((bad.size, 1)))[0])
    drawn = []
    for _, weights in image_weights(cluster_weights(n_groups, RESAMPLES, seed), whose):
        drawn.append(_area(bad[:, None], weights))
    low, high = percentile_interval(np.concatenate(drawn), level)
    return Interval(value, min(low, value), max(high, value), n_groups)


def curve_points(coverage: FloatArray, risk: FloatArray) -> dict[str, Any]:
    """Return the curve as it stands in JSON: at most 200 points, the last of them at full coverage."""
    kept = np.unique(np.linspace(0, coverage.size - 1, min(MOST_POINTS, coverage.size)).astype(int))
    return {"coverage": coverage[kept].tolist(), "risk": risk[kept].tolist()}


def _area(wrong: Array, weights: npt.NDArray[Any]) -> FloatArray:
    """Return the areas (n_samples,) of images in order, weighted (n, n_samples)."""
    counted = weights.astype(np.float64)
    answered = np.maximum(np.cumsum(counted, axis=0), 1e-12)
    risk = np.cumsum(counted * wrong, axis=0) / answered
    return np.asarray((risk * counted).sum(axis=0) / counted.sum(axis=0))
