"""Distances between the borders of two masks: Hausdorff distance, average distance, surface Dice.

The border of a mask is its pixels that have a side in common with what is outside (the picture's edge counts
as outside), as in MONAI; distances are those between the centres of pixels. Percentiles of both directions
are taken apart and the larger one counts (Huttenlocher et al., 1993; MONAI), the average is over the pixels
of both borders together, and the surface Dice is the share of both borders' pixels that lie within a
tolerance of the other border (Nikolov et al., 2018, by pixels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.segmentation.distance import checked_spacing, squared_distances
from gyrus.metrics.undefined import FloatArray

_PAIRS_AT_ONCE = 2**20
_PAIRS_AT_MOST = 2**24


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """How far the border pixels of two masks lie from the other's border.

    Attributes
    ----------
    predicted : ndarray of float64, shape (n_predicted,)
        Of each border pixel of the prediction; infinite where the truth has no border.
    true : ndarray of float64, shape (n_true,)
        Of each border pixel of the truth; infinite where the prediction has none.
    """

    predicted: FloatArray
    true: FloatArray

    @property
    def comparable(self) -> bool:
        """Whether both masks mark something: else there is no distance."""
        return bool(self.predicted.size and self.true.size)

    def hausdorff(self, percentile: float = 95.0) -> float:
        """Return the Hausdorff distance; 100 for the largest, 95 without the farthest twentieth.

        NaN where both masks are empty, infinite where one is.
        """
        if not self.comparable:
            return self._without_one()
        return max(float(np.percentile(side, percentile)) for side in (self.predicted, self.true))

    def average(self) -> float:
        """Return the average symmetric distance; NaN where both masks are empty, infinite where one is."""
        if not self.comparable:
            return self._without_one()
        return float(np.concatenate([self.predicted, self.true]).mean())

    def dice(self, tolerance: float) -> float:
        """Return the share of both borders within a tolerance of the other; NaN where both are empty.

        Raises
        ------
        ValueError
            For a tolerance below 0, or NaN.
        """
        if not tolerance >= 0:
            raise ValueError(f"the tolerance is {tolerance}; expected 0 or more")
        both = np.concatenate([self.predicted, self.true])
        return float((both <= tolerance).mean()) if both.size else float("nan")

    def _without_one(self) -> float:
        return float("inf") if self.predicted.size or self.true.size else float("nan")


def surface(mask: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return the pixels of a mask that share a side with its outside, or with the edge of the picture."""
    pixels = np.asarray(mask) != 0
    inner = pixels.copy()
    for axis in range(pixels.ndim):
        along, kept = np.moveaxis(pixels, axis, 0), np.moveaxis(inner, axis, 0)
        kept[:-1] &= along[1:]
        kept[1:] &= along[:-1]
        kept[:1] = kept[-1:] = False
    border: npt.NDArray[np.bool_] = pixels & ~inner
    return border


def surface_distances(
    true: npt.ArrayLike, predicted: npt.ArrayLike, spacing: Sequence[float] | None = None
) -> SurfaceDistances:
    """Measure the distances between two masks' borders, exactly.

    Parameters
    ----------
    true, predicted : array_like, shape (…)
        Any number but 0 is set.
    spacing : sequence of float, optional
        Distance of neighbours along each axis; 1 (pixels) without it.

    Raises
    ------
    ValueError
        When the shapes differ, or the spacing does not fit them.
    """
    one, other = np.asarray(true) != 0, np.asarray(predicted) != 0
    if one.shape != other.shape:
        raise ValueError(f"the truth has shape {one.shape}, the prediction {other.shape}; expected the same")
    steps = checked_spacing(spacing, one.ndim)
    borders = surface(one), surface(other)
    places = [np.argwhere(border) for border in borders]
    if not len(places[0]) or not len(places[1]):
        far = [np.full(len(place), np.inf) for place in places]
        return SurfaceDistances(predicted=far[1], true=far[0])
    if len(places[0]) * len(places[1]) > _PAIRS_AT_MOST:  # a volume: its whole transform costs less
        return SurfaceDistances(
            predicted=np.sqrt(squared_distances(borders[0], steps)[borders[1]]),
            true=np.sqrt(squared_distances(borders[1], steps)[borders[0]]),
        )
    scaled = [place * np.asarray(steps) for place in places]
    return SurfaceDistances(predicted=_nearest(scaled[1], scaled[0]), true=_nearest(scaled[0], scaled[1]))


def _nearest(points: FloatArray, others: FloatArray) -> FloatArray:
    """Return the distance of each point to the nearest of the others, some points at a time."""
    found = np.empty(len(points))
    size = max(1, _PAIRS_AT_ONCE // len(others))
    for start in range(0, len(points), size):
        part = points[start : start + size]
        squared = np.zeros((len(part), len(others)))
        for axis in range(points.shape[1]):
            squared += (part[:, axis, None] - others[None, :, axis]) ** 2
        found[start : start + size] = squared.min(axis=1)
    distances: FloatArray = np.sqrt(found)
    return distances
