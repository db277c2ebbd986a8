"""Activations: each number by itself. What they answer gives their slope too, all that a backward needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyrus.errors import UsageError
from gyrus.numpy_nn.layer import Array, Layer, Shape


class _Activation(Layer):
    def _forward(self, x: Array, training: bool) -> Array:
        self._out = self._reused("out", x.shape)
        self._answer(x, self._out)
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        return np.multiply(gradient, self._slope(), out=self._reused("to_input", gradient.shape))

    def _answer(self, x: Array, out: Array) -> None:
        raise NotImplementedError

    def _slope(self) -> Array:
        """Return the slope at the last input, from the last output."""
        raise NotImplementedError


@dataclass(eq=False)
class ReLU(_Activation):
    """``max(x, 0)``; the slope at 0 is taken as 0."""

    def _answer(self, x: Array, out: Array) -> None:
        np.maximum(x, 0, out=out)

    def _slope(self) -> Array:
        return np.greater(self._out, 0, out=self._reused("positive", self._out.shape, np.bool_))


@dataclass(eq=False)
class LeakyReLU(_Activation):
    """``x`` where positive, else ``negative_slope * x``, from 0 to 1 (Maas et al. 2013)."""

    negative_slope: float = 0.01

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        if not 0 <= self.negative_slope < 1:
            raise UsageError(f"layer {self.name}: negative_slope is {self.negative_slope}; expected 0 to 1")
        return shape

    def _answer(self, x: Array, out: Array) -> None:
        np.maximum(x, self.negative_slope * x, out=out)

    def _slope(self) -> Array:
        return np.where(self._out > 0, 1, self.negative_slope).astype(self.dtype)


@dataclass(eq=False)
class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``, by way of tanh, which cannot overflow."""

    def _answer(self, x: Array, out: Array) -> None:
        np.tanh(0.5 * x, out=out)
        out += 1
        out *= 0.5

    def _slope(self) -> Array:
        slope: Array = self._out * (1 - self._out)
        return slope


@dataclass(eq=False)
class Tanh(_Activation):
    """Hyperbolic tangent."""

    def _answer(self, x: Array, out: Array) -> None:
        np.tanh(x, out=out)

    def _slope(self) -> Array:
        slope: Array = 1 - self._out * self._out
        return slope
