"""Receiver operating characteristic: curves, and areas with exact treatment of ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray, ratio


@dataclass(frozen=True, slots=True)
class RocCurve:
    """A curve from (0, 0) to (1, 1).

    Attributes
    ----------
    fpr, tpr : ndarray, shape (m,)
        1 - specificity and sensitivity; all NaN where a side has no weight.
    thresholds : ndarray, shape (m,)
        An image counts as positive from this score on; the first is infinite.
    """

    fpr: FloatArray
    tpr: FloatArray
    thresholds: FloatArray


def roc_curve(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> RocCurve:
    """Return the curve through every distinct score.

    Parameters
    ----------
    y_true : array_like of bool, shape (n,)
        Whether the image belongs to the class.
    y_score : array_like of float, shape (n,)
        Higher: more likely.
    weights : array_like of float, shape (n,), optional
    """
    positive, score, weight = checked_scores(y_true, y_score, weights)
    order = np.argsort(-score, kind="stable")
    score, positive, weight = score[order], positive[order], weight[order]
    last = np.append(np.flatnonzero(np.diff(score)), score.size - 1)
    hits, alarms = np.cumsum(weight * positive)[last], np.cumsum(weight * ~positive)[last]
    with np.errstate(invalid="ignore"):
        return RocCurve(
            fpr=np.append(0.0, alarms) / alarms[-1],
            tpr=np.append(0.0, hits) / hits[-1],
            thresholds=np.append(np.inf, score[last]),
        )


def thinned(curve: RocCurve, points: int) -> RocCurve:
    """Return at most ``points`` points of a curve: its corners first, then those farthest apart along it."""
    keep = np.flatnonzero(_corner(curve))
    if keep.size > points:
        fpr, tpr = curve.fpr[keep], curve.tpr[keep]
        along = np.append(0.0, np.cumsum(np.diff(fpr) + np.diff(tpr)))  # a staircase: its length is 2
        nearest = np.searchsorted(along, np.linspace(0, along[-1], points))
        keep = keep[np.unique(np.clip(nearest, 0, keep.size - 1))]
    return RocCurve(curve.fpr[keep], curve.tpr[keep], curve.thresholds[keep])


def _corner(curve: RocCurve) -> npt.NDArray[np.bool_]:
    """Return the points where the curve turns (and both ends): between them it is straight."""
    right, up = np.diff(curve.fpr), np.diff(curve.tpr)
    turns = np.abs(right[1:] * up[:-1] - right[:-1] * up[1:]) > 1e-15
    return np.concatenate([[True], turns, [True]])


def placements(y_true: npt.ArrayLike, y_score: npt.ArrayLike) -> FloatArray:
    """Return for each image the share of the other side that it stands on the right side of; a tie is half.

    The mean over the positives is the area under the curve, and so is the mean over the negatives
    (DeLong, DeLong and Clarke-Pearson, 1988). NaN where the other side is empty.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    above, below = np.sort(score[positive]), np.sort(score[~positive])
    share = np.full(score.size, np.nan)
    if above.size and below.size:
        share[positive] = _rank(below, score[positive]) / below.size
        share[~positive] = 1 - _rank(above, score[~positive]) / above.size
    return share


def auc(y_true: npt.ArrayLike, y_score: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> float:
    """Return the area under the curve: the chance that a positive scores above a negative, ties half.

    Equal to the Mann-Whitney statistic over the number of pairs. NaN when a side is empty.
    """
    positive, score, weight = checked_scores(y_true, y_score, weights)
    if weights is None:
        return float(placements(positive, score)[positive].mean()) if positive.any() else float("nan")
    return float(auc_resampled(positive, score, weight[:, None])[0])


def auc_resampled(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, weights: npt.NDArray[np.floating]
) -> FloatArray:
    """Return the weighted area for many sets of weights at once.

    Parameters
    ----------
    y_true : array_like of bool, shape (n,)
    y_score : array_like of float, shape (n,)
    weights : ndarray of float, shape (n, n_samples)
        A column per resample, for example how often each image's patient was drawn.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        NaN where a resample has no positive or no negative.
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(score[negatives], kind="stable")]
    sorted_scores = score[negatives]
    above = weights[positive]
    below = np.zeros((negatives.size + 1, weights.shape[1]), dtype=weights.dtype)
    np.cumsum(weights[negatives], axis=0, out=below[1:])
    first = np.searchsorted(sorted_scores, score[positive], side="left")
    last = np.searchsorted(sorted_scores, score[positive], side="right")
    won: FloatArray = np.einsum("nb,nb->b", above, below[first], dtype=np.float64)
    won += np.einsum("nb,nb->b", above, below[last], dtype=np.float64)
    pairs = 2 * above.sum(axis=0, dtype=np.float64) * below[-1].astype(np.float64)
    return ratio(won, pairs)


def _rank(sorted_values: FloatArray, values: FloatArray) -> FloatArray:
    """Return how many of ``sorted_values`` lie below each value, ties counting half."""
    low = np.searchsorted(sorted_values, values, side="left")
    high = np.searchsorted(sorted_values, values, side="right")
    return np.asarray(low + high, dtype=np.float64) / 2


def checked_scores(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
    """Return truth, scores and weights (1 without them) as arrays of shape (n,).

    Raises
    ------
    ValueError
        When the shapes differ, or scores are NaN or none.
    """
    positive, score = np.asarray(y_true).astype(bool), np.asarray(y_score, dtype=np.float64)
    weight = np.ones(score.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if positive.ndim != 1 or positive.shape != score.shape or weight.shape != score.shape:
        raise ValueError(
            f"shapes differ: {positive.shape}, {score.shape}, {weight.shape}; expected (n,) each"
        )
    if score.size == 0 or np.isnan(score).any():
        raise ValueError("scores are empty or NaN")
    return positive, score, weight
