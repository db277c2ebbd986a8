"""Agreement beyond chance: Cohen's kappa and Matthews' correlation. 1 is perfect, 0 is chance.

Both are functions of the confusion matrix, so their variance between patients follows from their gradient
(the delta method), and their interval from that of (1 + figure) / 2, which has the range of an area under a
curve: 1 for perfect, one half for chance. On this scale the logit is Fisher's z of the figure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.metrics.intervals import Interval, Linear, linear_sum, logit_t_interval
from gyrus.metrics.undefined import FloatArray, ratio


def kappa(confusion: npt.ArrayLike) -> FloatArray:
    """Return Cohen's kappa (1960) of matrices of shape (…, K, K).

    NaN where chance alone would agree always: one and the same class is the only truth and the only answer.
    """
    hits, total, product, _, _ = _sums(confusion)
    return ratio(hits * total - product, total**2 - product)


def matthews(confusion: npt.ArrayLike) -> FloatArray:
    """Return Matthews' correlation of matrices of shape (…, K, K); for K > 2 that of Gorodkin (2004).

    NaN where the truth or the answers are all one class (scikit-learn says 0 there).
    """
    hits, total, product, true, answered = _sums(confusion)
    spread = (total**2 - (answered**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1))
    return ratio(hits * total - product, np.sqrt(spread))


def linear_kappa(by_group: FloatArray) -> Linear:
    """Write (1 + kappa) / 2 as a sum over groups.

    Parameters
    ----------
    by_group : ndarray, shape (n_groups, K, K)
        Confusion matrix of each group.
    """
    matrix = by_group.sum(axis=0)
    hits, total, product, true, answered = _sums(matrix)
    below = total**2 - product
    value = float(ratio(hits * total - product, below))
    edge = answered[:, None] + true[None, :]  # what one more image does to the product of the margins
    above_slope = np.eye(len(matrix)) * total + hits - edge
    slope = ratio(above_slope - value * (2 * total - edge), below)
    return _linear(value, slope, by_group)


def linear_matthews(by_group: FloatArray) -> Linear:
    """Write (1 + Matthews' correlation) / 2 as a sum over groups; parameters as in :func:`linear_kappa`."""
    matrix = by_group.sum(axis=0)
    hits, total, product, true, answered = _sums(matrix)
    spread_answered = total**2 - (answered**2).sum()
    spread_true = total**2 - (true**2).sum()
    root = np.sqrt(spread_answered * spread_true)
    value = float(ratio(hits * total - product, root))
    edge = answered[:, None] + true[None, :]
    above_slope = np.eye(len(matrix)) * total + hits - edge
    shrink = ratio(total - answered, spread_answered)[None, :] + ratio(total - true, spread_true)[:, None]
    return _linear(value, ratio(above_slope, root) - value * shrink, by_group)


def agreement_interval(linear: Linear, confidence: float = 0.95) -> Interval:
    """Return kappa or Matthews' correlation itself with its interval."""
    half = logit_t_interval(linear, confidence)
    return Interval(2 * half.value - 1, 2 * half.low - 1, 2 * half.high - 1, half.clusters)


def _linear(value: float, slope: FloatArray, by_group: FloatArray) -> Linear:
    counts = by_group.reshape(len(by_group), -1)
    return linear_sum((1 + value) / 2, counts @ slope.ravel() / 2, counts.sum(axis=1), worst=0.5)


def _sums(
    confusion: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return hits, images, product of the margins, and the margins: true and answered, (…, K)."""
    matrix = np.asarray(confusion, dtype=np.float64)
    true, answered = matrix.sum(axis=-1), matrix.sum(axis=-2)
    hits = np.trace(matrix, axis1=-2, axis2=-1)
    return np.asarray(hits), true.sum(axis=-1), (true * answered).sum(axis=-1), true, answered
