"""Convolution, in truth a correlation with learnt filters: a matrix product of windows (im2col) with them.

All windows of a batch at once are kernel² times the batch: too large for a cache. So they are copied a block
at a time, into memory that stays in the cache, and multiplied from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gyrus.numpy_nn.layer import Array, Generator, Layer, Shape

BLOCK = 2**18
"""Numbers in a block of windows: 1 MiB in float32, about a core's own cache."""
_SHORT_RUN = 24  # runs of fewer numbers are copied slowly; then the windows are laid out the other way round


@dataclass(eq=False)
class Conv2d(Layer):
    """Each output pixel is a weighted sum of a window of the input, once for every filter.

    ``weight`` is (kernel * kernel * channels, out_channels): row (i * kernel + j) * channels + c belongs to
    the pixel (i, j) of the window and its channel c.
    """

    out_channels: int
    kernel_size: int = 3
    stride: int = 1
    padding: int = 0
    bias: bool = True
    initialisation: str = "he"

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        kernel, padding = self.kernel_size, self.padding
        self._at_least_one(out_channels=self.out_channels)
        sides = self._windows(shape, kernel, self.stride, padding)
        words = f"padding is {padding}; expected 0 to {kernel - 1}: windows wholly in the padding see nothing"
        self._check(padding in range(kernel), words)
        fan_in = kernel * kernel * shape[2]
        self._make_weights(fan_in, self.out_channels, self.initialisation, self.bias, generator)
        return *sides, self.out_channels

    def _forward(self, x: Array, training: bool) -> Array:
        self._padded = self._pad("padded", x, self.padding)
        out = self._reused("out", (len(x), *self.output_shape))
        self._multiply(self._padded, self.stride, self.parameters["weight"], out, self.parameters.get("bias"))
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        # y = windows @ weight, hence d weight = windows' @ d y, summed over the blocks
        weight = np.zeros_like(self.parameters["weight"])
        for where, windows in self._blocks(self._padded, self.stride):
            weight += windows.T @ gradient[where].reshape(-1, self.out_channels)
        self.gradients = {"weight": weight}
        if self.bias:
            by_pixel = gradient.reshape(-1, self.out_channels)
            self.gradients["bias"] = np.ones(len(by_pixel), self.dtype) @ by_pixel
        if not to_input:
            return np.empty(0, self.dtype)
        return self._to_input(gradient) if self.stride == 1 else self._to_input_strided(gradient)

    def _to_input(self, gradient: Array) -> Array:
        """An input pixel feeds the windows around it: correlate the gradient with the turned filters."""
        weight = self.parameters["weight"].reshape(*[self.kernel_size] * 2, -1, self.out_channels)
        turned = weight[::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, weight.shape[2])
        around = self._pad("gradient", gradient, self.kernel_size - 1 - self.padding)
        result = self._reused("to_input", (len(gradient), *self.input_shape))
        self._multiply(around, 1, turned, result)
        return result

    def _to_input_strided(self, gradient: Array) -> Array:
        """Give each window its gradient, then add windows where they overlap: a slice for a place in them."""
        (n, rows, columns, filters), stride, padding = gradient.shape, self.stride, self.padding
        by_window = gradient.reshape(-1, filters) @ self.parameters["weight"].T
        by_window = by_window.reshape(n, rows, columns, self.kernel_size, self.kernel_size, -1)
        result = np.zeros_like(self._padded)
        for i, j in np.ndindex(by_window.shape[3:5]):
            pixels = np.s_[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
            result[pixels] += by_window[:, :, :, i, j]
        height, width, _ = self.input_shape
        return result[:, padding : padding + height, padding : padding + width]

    def _pad(self, key: str, images: Array, padding: int) -> Array:
        n, height, width, channels = images.shape
        if padding == 0:
            return images
        around = self._reused(key, (n, height + 2 * padding, width + 2 * padding, channels))
        around[:, padding:-padding, padding:-padding] = images  # it was zero, and stays so beside them
        return around

    def _multiply(
        self, images: Array, stride: int, weight: Array, out: Array, bias: Array | None = None
    ) -> None:
        """Write windows @ weight + bias to ``out`` (n, out_height, out_width, weight.shape[1])."""
        for where, windows in self._blocks(images, stride):
            block = out[where]
            np.matmul(windows, weight, out=block.reshape(-1, weight.shape[1]))
            if bias is not None:  # while the block is in the cache, a row of the image at once
                rows = block.reshape(-1, block.shape[2] * len(bias))
                rows += np.tile(bias, block.shape[2])

    def _blocks(self, images: Array, stride: int) -> Iterator[tuple[tuple[slice, slice], Array]]:
        """Yield where a block of windows lies (images, rows), and its matrix (windows, kernel² channels)."""
        kernel, channels = self.kernel_size, images.shape[3]
        windows = sliding_window_view(images, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
        windows = windows.transpose(0, 1, 2, 4, 5, 3)  # (n, rows, columns, kernel, kernel, channels), no copy
        n, height, width = windows.shape[:3]
        a_row = width * kernel * kernel * channels
        rows = max(1, BLOCK // a_row)
        images_at_once = max(1, rows // height)
        memory = self._reused("block", (max(BLOCK, a_row),))
        for first in range(0, n, images_at_once):
            for top in range(0, height, rows):
                where = slice(first, first + images_at_once), slice(top, top + rows)
                yield where, _matrix(windows[where], memory)


def _matrix(block: Array, memory: Array) -> Array:
    """Copy windows (n, rows, columns, kernel, kernel, channels) to ``memory``: a matrix of a window a row."""
    kernel, channels = block.shape[-2:]
    length = kernel * kernel * channels
    if block.flags.c_contiguous:  # a 1 x 1 kernel: the pixels are the windows
        return block.reshape(-1, length)
    by_place = kernel > 1 and kernel * channels < _SHORT_RUN
    if by_place:  # a row for each place in the window; BLAS takes the matrix transposed
        block = block.transpose(3, 4, 5, 0, 1, 2)
    copy = memory[: block.size].reshape(block.shape)
    np.copyto(copy, block)
    return copy.reshape(length, -1).T if by_place else copy.reshape(-1, length)
