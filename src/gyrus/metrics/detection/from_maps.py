"""Boxes around the parts of masks and heat maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.components import Connectivity, Runs, connected_runs
from gyrus.metrics.undefined import FloatArray


def boxes_from_mask(
    mask: npt.ArrayLike, *, connectivity: Connectivity = 8, min_area_px: int = 1
) -> FloatArray:
    """Return the tight box of each connected part, (n, 4), in reading order of the parts' first pixels.

    Parameters
    ----------
    mask : array_like, shape (height, width)
        Any number but 0 is set.
    connectivity : {4, 8}
    min_area_px : int
        Parts of fewer pixels are left out.

    >>> boxes_from_mask([[0, 1, 1], [0, 0, 0], [1, 0, 0]]).tolist()
    [[1.0, 0.0, 3.0, 1.0], [0.0, 2.0, 1.0, 3.0]]
    """
    runs = connected_runs(mask, connectivity)
    return _boxes(runs)[_sizes(runs) >= min_area_px]


def boxes_from_heat(
    heat: npt.ArrayLike,
    level: float,
    *,
    relative: bool = False,
    connectivity: Connectivity = 8,
    min_area_px: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """Return the boxes of a heat map's connected parts at or above a level, with their peaks as scores.

    Parameters
    ----------
    heat : array_like of float, shape (height, width)
    level : float
        Lowest heat that belongs to a part.
    relative : bool
        The level is a share of the map's highest value; a map without a positive value has no part then.
    connectivity : {4, 8}
    min_area_px : int
        Parts of fewer pixels are left out.

    Returns
    -------
    boxes : ndarray of float64, shape (n, 4)
        The highest peak first.
    scores : ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When the map is not two-dimensional or holds NaN, or a relative level is not above 0 and at most 1.
    """
    values = np.asarray(heat, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"a heat map is (height, width) of finite numbers; got shape {values.shape}")
    if relative:
        if not 0 < level <= 1:
            raise ValueError(f"the level is {level}; a share of the highest value lies above 0 and at most 1")
        top = float(values.max(initial=0.0))
        if top <= 0:
            return np.zeros((0, 4)), np.zeros(0)
        level *= top
    runs = connected_runs(values >= level, connectivity)
    kept = np.flatnonzero(_sizes(runs) >= min_area_px)
    peaks = _peaks(runs, values)[kept]
    order = np.argsort(-peaks, kind="stable")
    return _boxes(runs)[kept[order]], peaks[order]


def _sizes(runs: Runs) -> npt.NDArray[np.int64]:
    return np.bincount(runs.part, weights=runs.end - runs.start, minlength=runs.n_parts).astype(np.int64)


def _boxes(runs: Runs) -> FloatArray:
    boxes = np.empty((runs.n_parts, 4))
    boxes[:, :2], boxes[:, 2:] = np.inf, -np.inf
    np.minimum.at(boxes[:, 0], runs.part, runs.start)
    np.minimum.at(boxes[:, 1], runs.part, runs.row)
    np.maximum.at(boxes[:, 2], runs.part, runs.end)
    np.maximum.at(boxes[:, 3], runs.part, runs.row + 1)
    return boxes


def _peaks(runs: Runs, values: FloatArray) -> FloatArray:
    peaks = np.full(runs.n_parts, -np.inf)
    if runs.n_parts:
        flat = np.append(values.reshape(-1), -np.inf)
        ends = np.stack([runs.row, runs.row], axis=1) * values.shape[1]
        ends += np.stack([runs.start, runs.end], axis=1)
        np.maximum.at(peaks, runs.part, np.maximum.reduceat(flat, ends.reshape(-1))[::2])
    return peaks
