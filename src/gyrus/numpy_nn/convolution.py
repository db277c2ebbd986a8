"""Convolution, as the networks' literature calls it: a correlation with learnt filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyrus.errors import UsageError
from gyrus.numpy_nn.columns import BLOCK, Columns, multiply
from gyrus.numpy_nn.layer import Array, Layer, Shape


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

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        height, width, channels = self._expect_image(shape)
        self._at_least_one(out_channels=self.out_channels, kernel_size=self.kernel_size, stride=self.stride)
        if not 0 <= self.padding < self.kernel_size:
            raise UsageError(
                f"layer {self.name}: padding is {self.padding}; expected 0 to {self.kernel_size - 1}: "
                "a window that lies wholly in the padding sees nothing"
            )
        rows = self._out_side(height + 2 * self.padding, self.kernel_size, self.stride)
        columns = self._out_side(width + 2 * self.padding, self.kernel_size, self.stride)
        size = self.kernel_size**2 * channels, self.out_channels
        self.parameters = {"weight": self._initial(self.initialisation, size, generator)}
        if self.bias:
            self.parameters["bias"] = np.zeros(self.out_channels, self.dtype)
        return rows, columns, self.out_channels

    def _forward(self, x: Array, training: bool) -> Array:
        self._padded = self._pad("padded", x, self.padding)
        out = self._reused("out", (len(x), *self.output_shape))
        windows = self._columns(self._padded, self.stride)
        multiply(windows, self.parameters["weight"], out, self.parameters.get("bias"))
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        # y = windows @ weight, hence d weight = windows' @ d y, summed over the blocks
        flat = gradient.reshape(-1, self.out_channels)
        weight = np.zeros_like(self.parameters["weight"])
        for where, windows in self._columns(self._padded, self.stride).blocks():
            weight += windows.T @ gradient[where].reshape(-1, self.out_channels)
        self.gradients = {"weight": weight}
        if self.bias:
            self.gradients["bias"] = np.ones(len(flat), self.dtype) @ flat
        if not to_input:
            return np.empty(0, self.dtype)
        return self._to_input(gradient) if self.stride == 1 else self._to_input_strided(gradient)

    def _to_input(self, gradient: Array) -> Array:
        """An input pixel feeds the windows around it: correlate the gradient with the turned filters."""
        kernel = self.kernel_size
        filters = self.parameters["weight"].reshape(kernel, kernel, -1, self.out_channels)
        turned = filters[::-1, ::-1].transpose(0, 1, 3, 2).reshape(kernel * kernel * self.out_channels, -1)
        around = self._pad("gradient", gradient, kernel - 1 - self.padding)
        assert self.input_shape is not None
        result = self._reused("to_input", (len(gradient), *self.input_shape))
        multiply(self._columns(around, 1), turned, result)
        return result

    def _to_input_strided(self, gradient: Array) -> Array:
        """Give each window its gradient, then add windows where they overlap: a slice per kernel position."""
        kernel, stride, padding = self.kernel_size, self.stride, self.padding
        n, rows, columns, _ = gradient.shape
        by_window = gradient.reshape(-1, self.out_channels) @ self.parameters["weight"].T
        by_window = by_window.reshape(n, rows, columns, kernel, kernel, -1)
        result = np.zeros_like(self._padded)
        for i in range(kernel):
            for j in range(kernel):
                place = np.s_[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
                result[place] += by_window[:, :, :, i, j]
        height, width = result.shape[1:3]
        return result[:, padding : height - padding, padding : width - padding]

    def _pad(self, key: str, images: Array, padding: int) -> Array:
        if padding == 0:
            return images
        n, height, width, channels = images.shape
        around = self._reused(key, (n, height + 2 * padding, width + 2 * padding, channels))
        around[:, padding:-padding, padding:-padding] = images  # it was zero, and stays so beside them
        return around

    def _columns(self, images: Array, stride: int) -> Columns:
        a_row = images.shape[2] * self.kernel_size**2 * images.shape[3]
        return Columns(images, self.kernel_size, stride, self._reused("block", (max(BLOCK, a_row),)))
