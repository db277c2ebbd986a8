"""Pooling: a window becomes a number, channel by channel. Windows that do not fit at the edge are dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyrus.numpy_nn.layer import Array, Layer, Shape


@dataclass(eq=False)
class _Pool2d(Layer):
    kernel_size: int = 2
    stride: int | None = None
    """Default: as far as the kernel is wide."""

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        height, width, channels = self._expect_image(shape)
        self._step = self.kernel_size if self.stride is None else self.stride
        self._at_least_one(kernel_size=self.kernel_size, stride=self._step)
        rows = self._out_side(height, self.kernel_size, self._step)
        return rows, self._out_side(width, self.kernel_size, self._step), channels

    def _places(self) -> Iterator[tuple[int, Any]]:
        """Yield each place in the window: its number, and a slice with that pixel of every window."""
        (rows, columns, _), step = self.output_shape, self._step
        for number in range(self.kernel_size**2):
            i, j = divmod(number, self.kernel_size)
            yield (
                number,
                np.s_[:, i : i + step * rows : step, j : j + step * columns : step],
            )

    def _zeros(self, n: int) -> Array:
        assert self.input_shape is not None
        result = self._reused("to_input", (n, *self.input_shape))
        result.fill(0)
        return result


@dataclass(eq=False)
class MaxPool2d(_Pool2d):
    """The largest number of each window; of equal ones the first, by rows, gets the whole gradient."""

    def _forward(self, x: Array, training: bool) -> Array:
        out = self._reused("out", (len(x), *self.output_shape))
        larger = self._reused("larger", out.shape, np.bool_)
        self._first = self._reused("first", out.shape, np.uint8)  # place in the window where the maximum is
        self._first.fill(0)
        for number, place in self._places():
            if number == 0:
                out[:] = x[place]
                continue
            # places come in order: the largest number that was an improvement is the place of the maximum
            np.greater(x[place], out, out=larger)
            np.maximum(self._first, larger.view(np.uint8) * np.uint8(number), out=self._first)
            np.maximum(out, x[place], out=out)
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result = self._zeros(len(gradient))
        apart = self._step >= self.kernel_size  # windows that overlap add up
        for number, place in self._places():
            chosen = self._first == number
            if apart:
                np.multiply(gradient, chosen, out=result[place])
            else:
                result[place] += gradient * chosen
        return result


@dataclass(eq=False)
class AvgPool2d(_Pool2d):
    """The mean of each window; each of its pixels gets an equal part of the gradient."""

    def _forward(self, x: Array, training: bool) -> Array:
        out = self._reused("out", (len(x), *self.output_shape))
        out.fill(0)
        for _, place in self._places():
            out += x[place]
        out /= self.kernel_size**2
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result = self._zeros(len(gradient))
        part = gradient / self.kernel_size**2
        for _, place in self._places():
            result[place] += part
        return result


@dataclass(eq=False)
class GlobalAvgPool(Layer):
    """The mean of each channel over the whole image: (n, height, width, channels) -> (n, channels)."""

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        return (self._expect_image(shape)[2],)

    def _forward(self, x: Array, training: bool) -> Array:
        self._pixels = x.shape[1:3]
        result: Array = x.mean(axis=(1, 2))
        return result

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        height, width = self._pixels
        part = (gradient / (height * width))[:, None, None, :]
        return np.broadcast_to(part, (len(gradient), height, width, gradient.shape[1]))
