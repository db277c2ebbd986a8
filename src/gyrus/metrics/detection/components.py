"""Connected parts of a mask, by runs of pixels: as many steps as a part has turns, not as it has pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Connectivity = Literal[4, 8]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Runs:
    """A mask as runs of set pixels within its rows, in reading order.

    Attributes
    ----------
    row, start, end : ndarray of int64, shape (n_runs,)
        Row, first column, column after the last.
    part : ndarray of int64, shape (n_runs,)
        Number of the connected part, from 0, in reading order of the parts' first pixels.
    """

    row: _Ints
    start: _Ints
    end: _Ints
    part: _Ints

    @property
    def n_parts(self) -> int:
        """How many connected parts there are."""
        return int(self.part.max()) + 1 if self.part.size else 0


def connected_runs(mask: npt.ArrayLike, connectivity: Connectivity = 8) -> Runs:
    """Return the runs of a mask and the connected part that each belongs to.

    Parameters
    ----------
    mask : array_like of bool, shape (height, width)
        Any number but 0 is set.
    connectivity : {4, 8}
        8: pixels that touch at a corner belong together; 4: only those that share a side.

    Raises
    ------
    ValueError
        When the mask is not two-dimensional, or for another connectivity.
    """
    pixels = np.asarray(mask)
    if pixels.ndim != 2:
        raise ValueError(f"the mask has shape {pixels.shape}; expected (height, width)")
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity is {connectivity}; expected 4 or 8")
    height, width = pixels.shape
    padded = np.zeros((height, width + 2), dtype=np.int8)
    padded[:, 1:-1] = pixels != 0
    edges = np.diff(padded, axis=1)
    row, start = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    above, below = _touching(row, start, end, reach=1 if connectivity == 8 else 0, width=width)
    return Runs(row, start, end, _numbered(_roots(above, below, row.size)))


def label_components(mask: npt.ArrayLike, connectivity: Connectivity = 8) -> npt.NDArray[np.int32]:
    """Return each pixel's connected part, from 1 in reading order; 0 outside. As ``scipy.ndimage.label``.

    >>> label_components([[1, 0, 1], [0, 1, 0]], connectivity=4).tolist()
    [[1, 0, 2], [0, 3, 0]]
    """
    runs = connected_runs(mask, connectivity)
    height, width = np.asarray(mask).shape
    steps = np.zeros(height * (width + 1), dtype=np.int32)  # a column more, where runs at the border end
    number = (runs.part + 1).astype(np.int32)
    steps[runs.row * (width + 1) + runs.start] += number
    steps[runs.row * (width + 1) + runs.end] -= number
    return np.cumsum(steps, dtype=np.int32).reshape(height, width + 1)[:, :width]


def _touching(row: _Ints, start: _Ints, end: _Ints, *, reach: int, width: int) -> tuple[_Ints, _Ints]:
    """Return pairs of runs in neighbouring rows that touch; ``reach`` 1 where a corner is enough."""
    stride = width + 3  # larger than any column, so that rows do not mix
    # of the row above, those that end after this run's start and start before its end stand side by side
    first = np.searchsorted(row * stride + end + reach, (row - 1) * stride + start, side="right")
    last = np.searchsorted(row * stride + start, (row - 1) * stride + end + reach, side="left")
    count = np.maximum(last - first, 0)
    below = np.repeat(np.arange(row.size), count)
    offset = np.arange(below.size) - np.repeat(np.cumsum(count) - count, count)
    return first[below] + offset, below


def _roots(first: _Ints, second: _Ints, size: int) -> _Ints:
    """Return the least member of each node's component (Shiloach and Vishkin 1982: hook, then jump)."""
    root = np.arange(size)
    while True:
        one, other = root[first], root[second]
        apart = one != other
        if not apart.any():
            return root
        high, low = np.maximum(one, other)[apart], np.minimum(one, other)[apart]
        np.minimum.at(root, high, low)
        while True:
            jumped = root[root]
            if np.array_equal(jumped, root):
                break
            root = jumped


def _numbered(roots: _Ints) -> _Ints:
    """Return roots as numbers from 0; the least run of a part is its first in reading order."""
    return np.unique(roots, return_inverse=True)[1].reshape(-1).astype(np.int64)
