"""Which predicted box finds which lesion, each lesion once.

By falling score a predicted box takes the true box that it overlaps most among those that are still free
(COCO, Lin et al. 2014; Everingham et al. 2010 without the second choice). Going through the boxes one by one
is slow in Python. The same is reached in a few rounds over all images at once: every box asks for its first
choice; a true box keeps the one with the highest score; who is turned away asks for the next choice (deferred
acceptance, Gale and Shapley 1962). Since all true boxes rank the predicted ones alike, by score, there is
one stable matching, and it is that of going one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.boxes import Criterion
from gyrus.metrics.detection.cohort import Cohort, Ints
from gyrus.metrics.detection.pairing import Pairs, overlapping

_Bools = npt.NDArray[np.bool_]
_BELOW_ONE = 1 - 1e-10  # as in COCO's evaluation: boxes that are alike but for a rounding count at 1


@dataclass(frozen=True, slots=True)
class Matched:
    """What the predicted boxes found at one threshold, by falling score.

    Attributes
    ----------
    threshold : float
    ranked : ndarray of int64, shape (n,)
        Numbers of the predicted boxes in the cohort, by falling score.
    lesion : ndarray of int64, shape (n,)
        Number of the true box that each of ``ranked`` found; -1: none.
    near : ndarray of bool, shape (n,)
        Whether it overlaps a true box enough, be that taken or not: a second box on a lesion is near, and
        finds nothing.
    """

    threshold: float
    ranked: Ints
    lesion: Ints
    near: _Bools

    @property
    def hit(self) -> _Bools:
        """Whether each of ``ranked`` found a lesion, (n,)."""
        return self.lesion >= 0


def match(
    cohort: Cohort,
    thresholds: Sequence[float],
    criterion: Criterion = "iou",
    *,
    secondary: _Bools | None = None,
) -> list[Matched]:
    """Match predicted to true boxes of the same image and class, at each threshold.

    Parameters
    ----------
    cohort : Cohort
    thresholds : sequence of float
        Least overlap, above 0 and at most 1; for ``centre`` any such number means the same.
    criterion : {"iou", "centre", "iobb"}
        Among several true boxes that meet it the one of the largest intersection over union is taken; of
        equal ones the last.
    secondary : ndarray of bool, shape (m,), optional
        True boxes that are taken only where no other is free (COCO: those outside a range of sizes).

    Raises
    ------
    ValueError
        For a threshold outside.
    """
    for threshold in thresholds:
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is {threshold}; expected above 0 and at most 1")
    if not len(thresholds):
        return []
    limits = [min(float(threshold), _BELOW_ONE) for threshold in thresholds]
    ranked = cohort.ranked
    pairs = overlapping(
        cohort.predicted[ranked], cohort.group_of_predicted()[ranked], cohort.true, cohort.group_of_true(),
        criterion=criterion, at_least=min(limits),
    )  # fmt: skip
    pairs = _by_preference(pairs, secondary)
    found = []
    for threshold, limit in zip(thresholds, limits, strict=True):
        enough = pairs.overlap >= limit
        mine, its = pairs.predicted[enough], pairs.true[enough]
        near = np.zeros(ranked.size, dtype=bool)
        near[mine] = True
        lesion = assign(mine, its, n_predicted=ranked.size, n_true=len(cohort.true))
        found.append(Matched(float(threshold), ranked, lesion, near))
    return found


def assign(predicted: Ints, true: Ints, *, n_predicted: int, n_true: int) -> Ints:
    """Return the true box of each predicted one, -1 where it gets none, (n_predicted,).

    Parameters
    ----------
    predicted, true : ndarray of int64, shape (n,)
        Pairs, sorted by predicted box and then by preference. A lower number of the predicted box goes first.
    n_predicted, n_true : int
    """
    size = np.bincount(predicted, minlength=n_predicted)
    end = np.cumsum(size)
    choice = end - size
    holder = np.full(n_true, n_predicted, dtype=np.int64)
    asking = np.flatnonzero(size)
    while asking.size:
        wanted = true[choice[asking]]
        before = holder[wanted]
        np.minimum.at(holder, wanted, asking)
        after = holder[wanted]
        displaced = np.unique(before[(before != after) & (before < n_predicted)])
        asking = np.concatenate([asking[after != asking], displaced])
        choice[asking] += 1
        asking = asking[choice[asking] < end[asking]]
    lesion = np.full(n_predicted, -1, dtype=np.int64)
    taken = np.flatnonzero(holder < n_predicted)
    lesion[holder[taken]] = taken
    return lesion


def _by_preference(pairs: Pairs, secondary: _Bools | None) -> Pairs:
    keys = [-pairs.true, -pairs.iou]
    if secondary is not None:
        keys.append(secondary[pairs.true].astype(np.int64))
    order = np.lexsort((*keys, pairs.predicted))
    return Pairs(pairs.predicted[order], pairs.true[order], pairs.overlap[order], pairs.iou[order])
