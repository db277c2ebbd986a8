"""Areas under ROC curves in thousands of bootstrap samples of the patients.

The area counts pairs of a positive and a negative image. How many pairs the images of patient g win against
those of patient h does not depend on the sample: counted once, the area of every sample is a quadratic form
in the patients' weights, and all samples together are one matrix product.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.metrics.resampling import Statistic, Weights, image_weights
from gyrus.metrics.roc import auc_resampled, checked_scores
from gyrus.metrics.undefined import FloatArray, ratio

_MOST_GROUPS = 512
_TABLE_CELLS = 40_000_000


def area_of(y_true: npt.ArrayLike, y_score: npt.ArrayLike, groups: npt.ArrayLike) -> Statistic:
    """Return the area under a ROC curve as a statistic for the bootstrap, exact, ties half.

    Parameters
    ----------
    y_true : array_like of bool, shape (n,)
    y_score : array_like of float, shape (n,)
    groups : array_like of int, shape (n,)
        Number of each image's group, from 0.

    Returns
    -------
    callable
        NaN for samples without a positive or without a negative. With very many groups it works image by
        image instead.
    """
    positive, score, _ = checked_scores(y_true, y_score, None)
    number = np.asarray(groups, dtype=np.int64)
    n_groups = int(number.max()) + 1
    if n_groups > _MOST_GROUPS or (score.size + 1) * n_groups > _TABLE_CELLS:

        def by_image(weights: Weights) -> FloatArray:
            parts = [auc_resampled(positive, score, part) for _, part in image_weights(weights, number)]
            return np.concatenate(parts)

        return by_image
    won = won_pairs(positive, score, number, n_groups)
    above = np.bincount(number[positive], minlength=n_groups).astype(np.float64)
    below = np.bincount(number[~positive], minlength=n_groups).astype(np.float64)

    def by_group(weights: Weights) -> FloatArray:
        weight = weights.astype(np.float64)
        return ratio(np.einsum("gb,gb->b", weight, won @ weight), (above @ weight) * (below @ weight))

    return by_group


def won_pairs(
    positive: npt.NDArray[np.bool_], score: FloatArray, groups: npt.NDArray[np.int64], n_groups: int
) -> FloatArray:
    """Count the pairs that the positives of each group (row) win against the negatives of each (column).

    Returns
    -------
    ndarray of float64, shape (n_groups, n_groups)
        A tie is half a win.
    """
    rivals = np.flatnonzero(~positive)
    rivals = rivals[np.argsort(score[rivals], kind="stable")]
    below = np.zeros((rivals.size + 1, n_groups), dtype=np.float32)
    below[np.arange(rivals.size) + 1, groups[rivals]] = 1
    np.cumsum(below, axis=0, out=below)  # row k: the k lowest negatives, by group
    winners = np.flatnonzero(positive)
    winners = winners[np.argsort(groups[winners], kind="stable")]
    won = np.zeros((n_groups, n_groups))
    if winners.size == 0 or rivals.size == 0:
        return won
    present, first = np.unique(groups[winners], return_index=True)
    for side in ("left", "right"):
        rank = np.searchsorted(score[rivals], score[winners], side=side)
        won[present] += 0.5 * np.add.reduceat(below[rank], first, axis=0, dtype=np.float64)
    return won
