"""Boxes and how much two of them share.

A box is ``x0 y0 x1 y1`` in pixels, half-open: it holds the points with x0 ≤ x < x1 and y0 ≤ y < y1, so its
area is (x1 - x0) (y1 - y0) and a box around one pixel has area 1.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray

Criterion = Literal["iou", "centre", "iobb"]
CRITERIA: tuple[Criterion, ...] = ("iou", "centre", "iobb")


def checked_boxes(boxes: npt.ArrayLike, what: str = "boxes") -> FloatArray:
    """Return boxes as float64, shape (n, 4).

    Raises
    ------
    ValueError
        For another shape, or a box that is not finite or not wider and higher than 0; its number is named.
    """
    corners = np.asarray(boxes, dtype=np.float64)
    if corners.size == 0:
        return np.zeros((0, 4))
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(f"{what} have shape {corners.shape}; expected (n, 4): x0, y0, x1, y1")
    bad = ~np.isfinite(corners).all(axis=1) | ~(corners[:, 2:] > corners[:, :2]).all(axis=1)
    if bad.any():
        number = int(np.argmax(bad))
        raise ValueError(
            f"{what}, number {number}: {corners[number].tolist()} is no box; expected finite x0 < x1, y0 < y1"
        )
    return corners


def area(boxes: FloatArray) -> FloatArray:
    """Return the areas of boxes (…, 4) in square pixels."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return np.asarray(sides[..., 0] * sides[..., 1])


def intersection(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return what each pair of boxes shares, in square pixels; shapes (…, 4) that broadcast."""
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    sides = np.maximum(sides, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou_of_pairs(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return intersection over union (Jaccard 1912) of pairs of boxes, (…, 4) each."""
    shared = intersection(first, second)
    return np.asarray(shared / (area(first) + area(second) - shared))


def iobb_of_pairs(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """Return intersection over the predicted box's own area (Wang et al. 2017, ChestX-ray8)."""
    return np.asarray(intersection(predicted, true) / area(predicted))


def centre_in_pairs(predicted: FloatArray, true: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell whether the predicted box's centre lies in the true box, half-open."""
    centre = (predicted[..., :2] + predicted[..., 2:]) / 2
    return np.asarray(((centre >= true[..., :2]) & (centre < true[..., 2:])).all(axis=-1))


def overlap_of_pairs(predicted: FloatArray, true: FloatArray, criterion: Criterion) -> FloatArray:
    """Return how well each pair meets the criterion, from 0 to 1; a centre hits (1) or does not (0)."""
    if criterion == "iou":
        return iou_of_pairs(predicted, true)
    if criterion == "iobb":
        return iobb_of_pairs(predicted, true)
    if criterion == "centre":
        return centre_in_pairs(predicted, true).astype(np.float64)
    raise ValueError(f"criterion is {criterion!r}; expected one of {', '.join(CRITERIA)}")


def box_iou(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """Return intersection over union of every box with every other, (n, m).

    >>> box_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]]).round(3).tolist()
    [[0.333, 0.0]]
    """
    return iou_of_pairs(checked_boxes(first)[:, None], checked_boxes(second)[None])
