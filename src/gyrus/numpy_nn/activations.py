"""Activations: each number by itself. Sigmoid and tanh remember what they answered; it gives their slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gyrus.numpy_nn.layer import Array, Layer


@dataclass(eq=False)
class ReLU(Layer):
    """``max(x, 0)``; the slope at 0 is taken as 0."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = np.maximum(x, 0, out=self._reused("out", x.shape))
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        positive = np.greater(self._out, 0, out=self._reused("positive", gradient.shape, np.bool_))
        return np.multiply(gradient, positive, out=self._reused("to_input", gradient.shape))


@dataclass(eq=False)
class LeakyReLU(Layer):
    """``x`` where positive, else ``negative_slope * x`` (Maas et al. 2013)."""

    negative_slope: float = 0.01

    def _forward(self, x: Array, training: bool) -> Array:
        self._slope: Array = np.where(x > 0, self.dtype.type(1), self.dtype.type(self.negative_slope))
        out: Array = x * self._slope
        return out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result: Array = gradient * self._slope
        return result


@dataclass(eq=False)
class Sigmoid(Layer):
    """``1 / (1 + exp(-x))``, by way of tanh, which cannot overflow."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = np.tanh(0.5 * x, out=self._reused("out", x.shape))
        self._out += 1
        self._out *= 0.5
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result: Array = gradient * self._out * (1 - self._out)
        return result


@dataclass(eq=False)
class Tanh(Layer):
    """Hyperbolic tangent."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = np.tanh(x, out=self._reused("out", x.shape))
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        result: Array = gradient * (1 - self._out * self._out)
        return result
