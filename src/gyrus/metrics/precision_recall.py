"""Precision over recall: curves, and average precision (higher: better; chance: share of positives)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.intervals import Linear, linear_sum
from gyrus.metrics.roc import checked_scores
from gyrus.metrics.undefined import FloatArray


@dataclass(frozen=True, slots=True)
class PrecisionRecallCurve:
    """A curve from recall 0 (where precision is 1 by agreement) to recall 1.

    Attributes
    ----------
    recall, precision : ndarray, shape (m,)
        All NaN without positives.
    thresholds : ndarray, shape (m,)
        An image counts as positive from this score on; the first is infinite.
    """

    recall: FloatArray
    precision: FloatArray
    thresholds: FloatArray


def precision_recall_curve(y_true: npt.ArrayLike, y_score: npt.ArrayLike) -> PrecisionRecallCurve:
    """Return the curve through every distinct score.

    Parameters
    ----------
    y_true : array_like of bool, shape (n,)
    y_score : array_like of float, shape (n,)
        Higher: more likely.
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    order, last = _steps(score)
    hits = np.cumsum(positive[order])[last].astype(np.float64)
    recall = hits / hits[-1] if hits[-1] else np.full(hits.size, np.nan)
    precision = hits / (last + 1) if hits[-1] else np.full(hits.size, np.nan)
    return PrecisionRecallCurve(
        recall=np.append(0.0 if hits[-1] else np.nan, recall),
        precision=np.append(1.0 if hits[-1] else np.nan, precision),
        thresholds=np.append(np.inf, score[order][last]),
    )


def average_precision(y_true: npt.ArrayLike, y_score: npt.ArrayLike) -> float:
    """Return the mean precision over the positives, each at its own score.

    NaN without positives, and without negatives too (scikit-learn: 1), from which nothing was told apart.

    The step-wise area under the curve, as in scikit-learn: no line is drawn between points, which would be
    too kind (Davis and Goadrich, 2006).
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    return _slopes(positive, score)[0]


def linear_average_precision(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, groups: npt.NDArray[np.int64], n_groups: int
) -> Linear:
    """Write the average precision as a sum over groups.

    An image adds its own precision, and lifts (a positive) or lowers (a negative) that of every positive that
    does not score above it: the derivative by the weight of the image.

    Parameters
    ----------
    y_true, y_score : array_like, shape (n,)
    groups : ndarray of int64, shape (n,)
        Number of each image's group, from 0.
    n_groups : int

    Returns
    -------
    Linear
        Resting on the groups that have positives, the scarcer side as a rule; the worst is the chance
        level, the share of positives.
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    value, slope = _slopes(positive, score)
    return linear_sum(
        value,
        np.bincount(groups, weights=slope, minlength=n_groups).astype(np.float64),
        np.bincount(groups[positive], minlength=n_groups).astype(np.float64),
        worst=float(positive.mean()),
    )


def _slopes(positive: npt.NDArray[np.bool_], score: FloatArray) -> tuple[float, FloatArray]:
    """Return the average precision and its derivative by the weight of each image, (n,)."""
    order, last = _steps(score)
    new = np.diff(np.cumsum(positive[order])[last], prepend=0).astype(np.float64)
    hits, answered = np.cumsum(new), (last + 1).astype(np.float64)
    n_positive = hits[-1]
    if n_positive in (0, score.size):
        return float("nan"), np.zeros(score.size)
    precision = hits / answered
    value = float(new @ precision / n_positive)
    # from each step down to the lowest score: how precision moves with one more hit, or one more alarm
    lift = np.cumsum((new * (answered - hits) / answered**2)[::-1])[::-1] / n_positive
    drop = np.cumsum((new * hits / answered**2)[::-1])[::-1] / n_positive
    step = np.empty(score.size, dtype=np.int64)
    step[order] = np.repeat(np.arange(last.size), np.diff(last, prepend=-1))
    own = (precision[step] - value) / n_positive
    return value, np.where(positive, own + lift[step], -drop[step])


def _steps(score: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order of falling scores, and in it the last image of each distinct score."""
    order = np.argsort(-score, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
