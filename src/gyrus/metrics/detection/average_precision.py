"""Average precision of boxes, and its mean over classes and thresholds (higher: better).

Precision is made to fall with recall (its envelope from the right) and read at the recalls 0, 0.01 … 1, as
COCO's evaluation does (Lin et al. 2014). A second box on the same lesion is a false alarm here. Boxes of
equal score are taken in the order given, as there; so the figure of a detector with few distinct scores
depends on that order, while that of ``method="area"`` does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.boxes import area
from gyrus.metrics.detection.cohort import Cohort, Ints, cohort_of
from gyrus.metrics.detection.matching import Matched, match
from gyrus.metrics.undefined import FloatArray

Method = Literal["coco", "area"]
COCO_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
COCO_MOST_BOXES = 100
SIZE_EDGES_PX = (32.0, 96.0)
_RECALLS = np.linspace(0.0, 1.0, 101)


def average_precision(
    pred_boxes: Sequence[npt.ArrayLike],
    pred_scores: Sequence[npt.ArrayLike],
    true_boxes: Sequence[npt.ArrayLike],
    iou_threshold: float = 0.5,
    *,
    method: Method = "coco",
) -> float:
    """Return the average precision of one class; boxes are matched within their image, each truth once.

    Parameters
    ----------
    pred_boxes, true_boxes : sequence of array_like, shapes (n_i, 4) and (m_i, 4)
        An entry per image: boxes ``x0 y0 x1 y1``, half-open.
    pred_scores : sequence of array_like, shape (n_i,)
    iou_threshold : float
        Least intersection over union, above 0 and at most 1.
    method : {"coco", "area"}
        ``coco``: mean of the envelope at 101 recalls. ``area``: area under the envelope, boxes of equal score
        taken together.

    Returns
    -------
    float
        NaN without a true box; 0 without a predicted one.

    Raises
    ------
    ValueError
        When lists differ in length, or a box or a score is none; the image and the number are named.

    >>> average_precision([[[0, 0, 4, 4], [8, 8, 9, 9]]], [[0.9, 0.8]], [[[0, 0, 4, 5]]], 0.5)
    1.0
    """
    cohort = cohort_of(pred_boxes, pred_scores, true_boxes)
    return float(precision_by_class(cohort, match(cohort, [iou_threshold]), method)[0, 0])


@dataclass(frozen=True, slots=True)
class CocoFigures:
    """COCO's figures.

    Attributes
    ----------
    mean : float
        Over thresholds and classes that have lesions (mAP); NaN without lesions.
    by_threshold : ndarray, shape (n_thresholds,)
        Over the classes.
    by_class : ndarray, shape (n_classes,)
        Over the thresholds; NaN for a class without lesions.
    recall : float
        Largest recall, over thresholds and classes (AR).
    recall_by_size : ndarray, shape (3,)
        Of lesions below, between and above the edges; NaN where there are none.
    thresholds : tuple of float
    """

    mean: float
    by_threshold: FloatArray
    by_class: FloatArray
    recall: float
    recall_by_size: FloatArray
    thresholds: tuple[float, ...]


def coco_figures(
    cohort: Cohort,
    thresholds: Sequence[float] = COCO_THRESHOLDS,
    *,
    most_boxes: int = COCO_MOST_BOXES,
    size_edges_px: tuple[float, float] = SIZE_EDGES_PX,
) -> CocoFigures:
    """Return mAP, recall and recall by size, as ``pycocotools`` gives them for boxes.

    Parameters
    ----------
    cohort : Cohort
        Crowd regions must not be among the true boxes.
    thresholds : sequence of float
        Of the intersection over union.
    most_boxes : int
        Of each class in each image those with the highest scores are taken.
    size_edges_px : (float, float)
        Sides of squares: a lesion is small up to the area of the first, large from that of the second on.
    """
    few = best_boxes(cohort, most_boxes)
    matched = match(few, thresholds)
    precision = precision_by_class(few, matched)
    counts = np.bincount(few.true_class, minlength=few.n_classes)
    return CocoFigures(
        mean=_mean(precision),
        by_threshold=np.array([_mean(row) for row in precision]),
        by_class=np.array([_mean(column) for column in precision.T]),
        recall=_mean(recall_by_class(few, matched, counts)),
        recall_by_size=np.array(
            [_recall_of_size(few, thresholds, *edges) for edges in _size_ranges(size_edges_px)]
        ),
        thresholds=tuple(float(threshold) for threshold in thresholds),
    )


def best_boxes(cohort: Cohort, most: int) -> Cohort:
    """Return the cohort with at most so many predicted boxes of each class in each image, the best."""
    ranked = cohort.ranked
    group = cohort.group_of_predicted()[ranked]
    order = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=1)
    place = np.empty(ranked.size, dtype=np.int64)
    place[order] = np.arange(ranked.size) - np.repeat(np.cumsum(size) - size, size)
    if not (place >= most).any():
        return cohort
    return cohort.only(np.sort(ranked[place < most]))


def precision_by_class(cohort: Cohort, matched: Sequence[Matched], method: Method = "coco") -> FloatArray:
    """Return the average precision at each threshold, of each class, (n_thresholds, n_classes).

    NaN for a class without lesions.
    """
    if method not in ("coco", "area"):
        raise ValueError(f"method is {method!r}; expected coco or area")
    counts = np.bincount(cohort.true_class, minlength=cohort.n_classes)
    found = np.full((len(matched), cohort.n_classes), np.nan)
    for row, one in enumerate(matched):
        label, score = cohort.predicted_class[one.ranked], cohort.scores[one.ranked]
        for number in np.flatnonzero(counts):
            mine = np.flatnonzero(label == number)
            recall, precision = _steps(one.hit[mine], score[mine], int(counts[number]), method)
            found[row, number] = _read(recall, precision, method)
    return found


def recall_by_class(cohort: Cohort, matched: Sequence[Matched], counts: Ints) -> FloatArray:
    """Return the share of each class's lesions found at all, (n_thresholds, n_classes); NaN without."""
    found = np.full((len(matched), counts.size), np.nan)
    some = counts > 0
    for row, one in enumerate(matched):
        hits = np.bincount(cohort.true_class[one.lesion[one.hit]], minlength=counts.size)
        found[row, some] = hits[some] / counts[some]
    return found


def precision_recall_points(
    cohort: Cohort, matched: Matched, number: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return recall and precision after each hit, by falling score, of a class or of all taken together.

    Returns
    -------
    recall, precision : ndarray of float64, shape (n_hits + 1,)
        From recall 0 with precision 1 by agreement; precision is the envelope. NaN without lesions.
    """
    chosen = slice(None) if number is None else cohort.predicted_class[matched.ranked] == number
    lesions = len(cohort.true) if number is None else int((cohort.true_class == number).sum())
    if lesions == 0:
        return np.array([np.nan]), np.array([np.nan])
    recall, precision = _steps(matched.hit[chosen], cohort.scores[matched.ranked][chosen], lesions, "coco")
    first = precision[0] if precision.size else 1.0
    return np.append(0.0, recall), np.append(first, precision)


def _steps(
    hit: npt.NDArray[np.bool_], score: FloatArray, lesions: int, method: Method
) -> tuple[FloatArray, FloatArray]:
    """Return recall and the envelope of precision, after each box or after each distinct score."""
    hits = np.cumsum(hit, dtype=np.float64)
    answered = np.arange(1, hit.size + 1, dtype=np.float64)
    if method == "area":
        last = np.append(score[1:] != score[:-1], True) if hit.size else np.zeros(0, dtype=bool)
        hits, answered = hits[last], answered[last]
        raised = np.diff(hits, prepend=0) > 0
    else:
        raised = hit
    precision = np.maximum.accumulate((hits / answered)[::-1])[::-1]
    return (hits / lesions)[raised], precision[raised]


def _read(recall: FloatArray, precision: FloatArray, method: Method) -> float:
    if method == "area":
        return float(np.diff(recall, prepend=0) @ precision)
    return float(np.append(precision, 0.0)[np.searchsorted(recall, _RECALLS, side="left")].mean())


def _recall_of_size(cohort: Cohort, thresholds: Sequence[float], low: float, high: float) -> float:
    size = area(cohort.true)
    outside = (size < low) | (size > high)
    counts = np.bincount(cohort.true_class[~outside], minlength=cohort.n_classes)
    if not counts.any():
        return float("nan")
    found = [
        Matched(one.threshold, one.ranked, np.where(one.hit & ~outside[one.lesion], one.lesion, -1), one.near)
        for one in match(cohort, thresholds, secondary=outside)
    ]
    return _mean(recall_by_class(cohort, found, counts))


def _size_ranges(edges_px: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    small, large = edges_px[0] ** 2, edges_px[1] ** 2
    return (0.0, small), (small, large), (large, np.inf)


def _mean(values: FloatArray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")
