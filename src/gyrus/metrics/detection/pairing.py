"""Which predicted box could be which true box: the pairs within an image that overlap enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.boxes import Criterion, iou_of_pairs, overlap_of_pairs
from gyrus.metrics.undefined import FloatArray

Ints = npt.NDArray[np.int64]
_AT_ONCE = 1 << 20  # pairs held at a time


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a predicted and a true box.

    Attributes
    ----------
    predicted, true : ndarray of int64, shape (n,)
        Numbers of the boxes.
    overlap : ndarray of float64, shape (n,)
        By the criterion.
    iou : ndarray of float64, shape (n,)
        By which a predicted box prefers one true box to another.
    """

    predicted: Ints
    true: Ints
    overlap: FloatArray
    iou: FloatArray


def pairs_within(first: Ints, second: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield all pairs (i, j) with ``first[i] == second[j]``, some at a time; groups are numbers from 0."""
    if not first.size or not second.size:
        return
    n_groups = int(max(first.max(), second.max())) + 1
    order = np.argsort(second, kind="stable")
    size = np.bincount(second, minlength=n_groups)
    begin = np.cumsum(size) - size
    count = size[first]
    total = np.cumsum(count)
    start = 0
    while start < first.size:
        done = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _AT_ONCE, side="right")))
        part = count[start:stop]
        mine = np.repeat(np.arange(start, stop), part)
        offset = np.arange(mine.size) - np.repeat(np.cumsum(part) - part, part)
        yield mine, order[begin[first[mine]] + offset]
        start = stop


def overlapping(
    predicted: FloatArray,
    predicted_group: Ints,
    true: FloatArray,
    true_group: Ints,
    *,
    criterion: Criterion,
    at_least: float,
) -> Pairs:
    """Return the pairs of one group (an image, or a class of an image) that overlap at least so much.

    Parameters
    ----------
    predicted, true : ndarray of float64, shape (n, 4) and (m, 4)
    predicted_group, true_group : ndarray of int64, shape (n,) and (m,)
    criterion : {"iou", "centre", "iobb"}
    at_least : float
        Above 0.
    """
    parts = []
    for mine, its in pairs_within(predicted_group, true_group):
        one, other = predicted[mine], true[its]
        iou = iou_of_pairs(one, other)
        overlap = iou if criterion == "iou" else overlap_of_pairs(one, other, criterion)
        near = overlap >= at_least
        parts.append((mine[near], its[near], overlap[near], iou[near]))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, np.zeros(0), np.zeros(0))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
