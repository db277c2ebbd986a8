"""From images to matrices: a convolution is a matrix product of windows (im2col) with filters.

All windows of a batch at once would be kernel² times the batch: too large for a cache. So they are copied a
block at a time, into memory that stays in the cache, and multiplied from there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gyrus.numpy_nn.layer import Array

BLOCK = 2**18
"""Numbers in a block of windows: 1 MiB in float32, about a core's own cache."""
_SHORT_RUN = 24  # runs of fewer numbers are copied slowly; then the windows are laid out the other way round


class Columns:
    """The windows of images, a block at a time.

    Parameters
    ----------
    images : ndarray
        (n, height, width, channels), contiguous, already padded.
    kernel, stride : int
        Of the windows.
    memory : ndarray
        Of at least :data:`BLOCK` numbers, and a row of windows; each block overwrites it.
    """

    def __init__(self, images: Array, kernel: int, stride: int, memory: Array) -> None:
        n, height, width, channels = images.shape
        of_image, of_row, of_pixel, of_channel = images.strides
        self.height, self.width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        self.length = kernel * kernel * channels
        self._memory = memory
        self._by_position = kernel > 1 and kernel * channels < _SHORT_RUN
        # (n, out_height, out_width, kernel, kernel, channels) without a copy: windows overlap in memory
        self._windows = as_strided(
            images,
            (n, self.height, self.width, kernel, kernel, channels),
            (of_image, of_row * stride, of_pixel * stride, of_row, of_pixel, of_channel),
            writeable=False,
        )

    def blocks(self) -> Iterator[tuple[tuple[slice, slice], Array]]:
        """Yield where a block lies (images, rows of windows) and its matrix (windows, length)."""
        n, a_row = len(self._windows), self.width * self.length
        rows = max(1, BLOCK // a_row)
        images = max(1, rows // self.height)
        rows = min(rows, self.height)
        for first in range(0, n, images):
            for top in range(0, self.height, rows):
                where = slice(first, first + images), slice(top, top + rows)
                yield where, self._matrix(self._windows[where])

    def _matrix(self, block: Array) -> Array:
        if block.flags.c_contiguous:  # a 1 x 1 kernel: the pixels are the windows
            return block.reshape(-1, self.length)
        if self._by_position:  # a row for each place in the window; BLAS takes the matrix transposed
            block = block.transpose(3, 4, 5, 0, 1, 2)
        copy = self._memory[: block.size].reshape(block.shape)
        np.copyto(copy, block)
        return copy.reshape(self.length, -1).T if self._by_position else copy.reshape(-1, self.length)


def multiply(columns: Columns, weight: Array, out: Array, bias: Array | None = None) -> None:
    """Write windows @ weight (+ bias) to ``out`` (n, out_height, out_width, weight.shape[1])."""
    for where, windows in columns.blocks():
        result = out[where].reshape(-1, weight.shape[1])
        np.matmul(windows, weight, out=result)
        if bias is not None:
            result += bias
