"""Pooling: a window becomes a number, channel by channel. Windows that do not fit at the edge are dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gyrus.numpy_nn.layer import Array, Generator, Layer, Shape


@dataclass(eq=False)
class _Pool2d(Layer):
    kernel_size: int = 2
    stride: int | None = None  # as far as the kernel is wide

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        self._step = self.kernel_size if self.stride is None else self.stride
        return *self._windows(shape, self.kernel_size, self._step), shape[2]

    def _places(self, images: Array) -> Iterator[Array]:
        """Yield, for each place in the window by rows, that pixel of every window; views, no copies."""
        (rows, columns, _), step = self.output_shape, self._step
        for i, j in np.ndindex(self.kernel_size, self.kernel_size):
            yield images[:, i : i + step * rows : step, j : j + step * columns : step]

    def _zeros(self, n: int) -> Array:
        result = self._reused("to_input", (n, *self.input_shape))
        result.fill(0)
        return result


class MaxPool2d(_Pool2d):
    """The largest number of each window; of equal ones the first, by rows, gets the whole gradient."""

    def _forward(self, x: Array, training: bool) -> Array:
        out = self._reused("out", (len(x), *self.output_shape))
        larger = self._reused("larger", out.shape, np.bool_)
        self._first = self._reused("first", out.shape, np.uint8)  # place in the window where the maximum is
        self._first.fill(0)
        for number, pixels in enumerate(self._places(x)):
            if number == 0:
                out[:] = pixels
                continue
            # places come in order: the largest number that was an improvement is the place of the maximum
            np.greater(pixels, out, out=larger)
            np.maximum(self._first, larger.view(np.uint8) * np.uint8(number), out=self._first)
            np.maximum(out, pixels, out=out)
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result = self._zeros(len(gradient))
        for number, pixels in enumerate(self._places(result)):
            if self._step >= self.kernel_size:
                np.multiply(gradient, self._first == number, out=pixels)
            else:  # windows overlap
                pixels += gradient * (self._first == number)
        return result


class AvgPool2d(_Pool2d):
    """The mean of each window; each of its pixels gets an equal part of the gradient."""

    def _forward(self, x: Array, training: bool) -> Array:
        out = self._reused("out", (len(x), *self.output_shape))
        out.fill(0)
        for pixels in self._places(x):
            out += pixels
        out /= self.kernel_size**2
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result, part = self._zeros(len(gradient)), gradient / self.kernel_size**2
        for into in self._places(result):
            into += part
        return result


class GlobalAvgPool(Layer):
    """The mean of each channel over the whole image: (n, height, width, channels) -> (n, channels)."""

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        self._windows(shape, 1, 1)
        return (shape[2],)

    def _forward(self, x: Array, training: bool) -> Array:
        return np.asarray(x.mean(axis=(1, 2)))

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        height, width, _ = self.input_shape
        part = (gradient / (height * width))[:, None, None, :]
        return np.broadcast_to(part, (len(gradient), *self.input_shape))
