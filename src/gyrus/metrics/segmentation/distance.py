"""The exact Euclidean distance of every pixel to the nearest set one.

One axis after the other (Felzenszwalb and Huttenlocher, 2012): along the first, the nearest set pixel is
looked up; along each further one, the lower envelope of parabolas over the line gives the least sum of
squares. All lines go at once, so that the steps in Python are as many as a line is long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray


def squared_distances(mask: npt.ArrayLike, spacing: Sequence[float] | None = None) -> FloatArray:
    """Return the squared distance of every pixel to the nearest set one.

    Parameters
    ----------
    mask : array_like of bool, shape (…)
        Of any number of axes; any number but 0 is set.
    spacing : sequence of float, optional
        Distance of neighbours along each axis; 1 without it.

    Returns
    -------
    ndarray of float64
        Of the mask's shape; 0 where it is set, infinite everywhere when nothing is. Its root is what
        ``scipy.ndimage.distance_transform_edt(~mask)`` returns.

    Raises
    ------
    ValueError
        For a spacing that is not a finite number above 0 for each axis.

    >>> squared_distances([[1, 0, 0], [0, 0, 0]]).tolist()
    [[0.0, 1.0, 4.0], [1.0, 2.0, 5.0]]
    """
    pixels = np.asarray(mask) != 0
    steps = checked_spacing(spacing, pixels.ndim)
    if pixels.ndim == 0 or pixels.size == 0:
        return np.where(pixels, 0.0, np.inf)
    squared = np.moveaxis(_along_first(np.moveaxis(pixels, 0, -1), steps[0]), -1, 0)
    for axis in range(1, pixels.ndim):
        lines = np.moveaxis(squared, axis, -1)
        lowest = _enveloped(lines.reshape(-1, lines.shape[-1]), steps[axis])
        squared = np.moveaxis(lowest.reshape(lines.shape), -1, axis)
    return np.ascontiguousarray(squared)


def checked_spacing(spacing: Sequence[float] | None, axes: int) -> tuple[float, ...]:
    """Return a spacing with a number for each axis.

    Raises
    ------
    ValueError
        When it has another number of axes, or holds what is not finite and above 0.
    """
    steps = (1.0,) * axes if spacing is None else tuple(float(step) for step in spacing)
    if len(steps) != axes or not all(np.isfinite(step) and step > 0 for step in steps):
        raise ValueError(
            f"the spacing is {spacing}; expected a finite number above 0 for each of {axes} axes"
        )
    return steps


def _along_first(lines: npt.NDArray[np.bool_], step: float) -> FloatArray:
    """Return the squared distance to the nearest set pixel of the same line (last axis)."""
    length = lines.shape[-1]
    place = np.arange(length)
    before = np.maximum.accumulate(np.where(lines, place, -1), axis=-1)
    after = np.minimum.accumulate(np.where(lines, place, length)[..., ::-1], axis=-1)[..., ::-1]
    nearest = np.minimum(
        np.where(before >= 0, place - before, np.inf), np.where(after < length, after - place, np.inf)
    )
    squared: FloatArray = (nearest * step) ** 2
    return squared


def _enveloped(heights: FloatArray, step: float) -> FloatArray:
    """Return min over j of heights[:, j] + (step (i - j))², (n_lines, length)."""
    n_lines, length = heights.shape
    number = np.arange(n_lines)
    # of each line a stack: the parabolas of its envelope from left to right, and where each begins to rule
    seat = np.zeros((n_lines, length), dtype=np.int64)
    begin = np.full((n_lines, length), np.inf)
    top = np.full(n_lines, -1)
    with np.errstate(invalid="ignore"):
        raised = heights / step**2 + np.arange(length, dtype=np.float64) ** 2
    for place in range(length):
        line = number[np.isfinite(heights[:, place])]
        start = np.full(n_lines, -np.inf)
        left = line[top[line] >= 0]
        while left.size:
            other = seat[left, top[left]]
            cut = (raised[left, place] - raised[left, other]) / (2.0 * (place - other))
            start[left] = cut
            left = left[cut <= begin[left, top[left]]]  # the last parabola rules nowhere
            begin[left, top[left]] = np.inf
            top[left] -= 1
            start[left] = -np.inf
            left = left[top[left] >= 0]
        top[line] += 1
        seat[line, top[line]] = place
        begin[line, top[line]] = start[line]
    return _read_off(heights, seat, begin, step)


def _read_off(heights: FloatArray, seat: npt.NDArray[np.int64], begin: FloatArray, step: float) -> FloatArray:
    n_lines, length = heights.shape
    number, ruler = np.arange(n_lines), np.zeros(n_lines, dtype=np.int64)
    low = np.empty_like(heights)
    for place in range(length):
        moved = number
        while moved.size:
            moved = moved[ruler[moved] + 1 < length]
            moved = moved[begin[moved, ruler[moved] + 1] < place]
            ruler[moved] += 1
        at = seat[number, ruler]
        low[:, place] = heights[number, at] + (step * (place - at)) ** 2
    return low
