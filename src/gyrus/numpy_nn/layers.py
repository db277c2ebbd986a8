"""All layers by name; here those that are a few lines of arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyrus.errors import DataError
from gyrus.numpy_nn.convolution import Conv2d
from gyrus.numpy_nn.layer import Array, Generator, Layer, Shape
from gyrus.numpy_nn.network import Residual
from gyrus.numpy_nn.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d

__all__ = [
    "AvgPool2d", "BatchNorm", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool", "LeakyReLU", "Linear",
    "MaxPool2d", "ReLU", "Residual", "Sigmoid", "Tanh",
]  # fmt: skip


@dataclass(eq=False)
class Linear(Layer):
    """``x @ weight + bias``, ``weight`` (in_features, out_features)."""

    out_features: int
    bias: bool = True
    initialisation: str = "xavier"

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        self._check(len(shape) == 1, f"expected vectors, got {shape}", fix="put Flatten before it")
        self._at_least_one(out_features=self.out_features)
        self._make_weights(shape[0], self.out_features, self.initialisation, self.bias, generator)
        return (self.out_features,)

    def _forward(self, x: Array, training: bool) -> Array:
        self._x = x
        return x @ self.parameters["weight"] + self.parameters.get("bias", 0)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        self.gradients = {"weight": self._x.T @ gradient}
        if self.bias:
            self.gradients["bias"] = gradient.sum(axis=0)
        return gradient @ self.parameters["weight"].T if to_input else np.empty(0, self.dtype)


class Flatten(Layer):
    """Images to vectors, by rows, then columns, then channels."""

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        return (math.prod(shape),)

    def _forward(self, x: Array, training: bool) -> Array:
        return x.reshape(len(x), *self.output_shape)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        return gradient.reshape(len(gradient), *self.input_shape)


class ReLU(Layer):
    """``max(x, 0)``; the slope at 0 is taken as 0."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = np.maximum(x, 0, out=self._reused("out", x.shape))
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        return np.multiply(gradient, self._out > 0, out=self._reused("to_input", gradient.shape))


@dataclass(eq=False)
class LeakyReLU(Layer):
    """``x`` where positive, else ``negative_slope * x`` (Maas et al. 2013)."""

    negative_slope: float = 0.01

    def _forward(self, x: Array, training: bool) -> Any:
        self._slope = np.where(x > 0, 1, self.negative_slope).astype(self.dtype)
        return x * self._slope

    def _backward(self, gradient: Array, to_input: bool) -> Any:
        return gradient * self._slope


class Tanh(Layer):
    """Hyperbolic tangent; its answer y gives the slope too, 1 - y²."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = np.tanh(x)
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Any:
        return gradient * (1 - self._out**2)


class Sigmoid(Layer):
    """``1 / (1 + exp(-x))`` by way of tanh, which cannot overflow; the slope at the answer y is y (1 - y)."""

    def _forward(self, x: Array, training: bool) -> Array:
        self._out = 0.5 * np.tanh(0.5 * x) + 0.5
        return self._out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        return gradient * self._out * (1 - self._out)


@dataclass(eq=False)
class BatchNorm(Layer):
    """Bring each channel (the last axis) to mean 0 and variance 1, then scale and shift it (Ioffe 2015).

    In training by the batch's own mean and variance (divided by the count), which also move the running ones
    (variance divided by the count less one, as PyTorch does) by ``momentum``; afterwards by the running ones.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        channels = shape[-1]
        # a row of the image is worked on at once: one long run of memory instead of a short one a pixel
        self._pixels = shape[-2] if len(shape) > 1 else 1
        self.parameters = {"gamma": np.ones(channels, self.dtype), "beta": np.zeros(channels, self.dtype)}
        self.statistics = {"mean": np.zeros(channels, self.dtype), "variance": np.ones(channels, self.dtype)}
        return shape

    def _forward(self, x: Array, training: bool) -> Array:
        self._trained, count, running = training, x.size // x.shape[-1], self.statistics
        if training and count < 2:
            raise DataError(f"layer {self.name}: one value a channel has no variance", fix="a larger batch")
        mean = self._mean(x) if training else running["mean"]
        self._centred, out = (self._rows(self._reused(key, x.shape)) for key in ("centred", "out"))
        np.subtract(self._rows(x), self._row(mean), out=self._centred)
        variance = running["variance"]
        if training:
            variance = self._mean(np.multiply(self._centred, self._centred, out=out))
            running["mean"] += self.momentum * (mean - running["mean"])
            running["variance"] += self.momentum * (variance * count / (count - 1) - running["variance"])
        self._inverse = 1 / np.sqrt(variance + self.dtype.type(self.epsilon))
        np.multiply(self._centred, self._row(self.parameters["gamma"] * self._inverse), out=out)
        out += self._row(self.parameters["beta"])
        return out.reshape(x.shape)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        # With x^ = centred / s and y = gamma x^ + beta, where mean and s themselves depend on every x:
        # d x = gamma / s * (d y - mean(d y) - x^ mean(d y x^))
        rows, result = self._rows(gradient), self._rows(self._reused("to_input", gradient.shape))
        count, mean = gradient.size // gradient.shape[-1], self._mean(rows)
        by_centred = self._mean(np.multiply(rows, self._centred, out=result))
        self.gradients = {"gamma": by_centred * self._inverse * count, "beta": mean * count}
        if self._trained:
            np.multiply(self._centred, self._row(-by_centred * self._inverse**2), out=result)
            result += rows
            result -= self._row(mean)
            rows = result
        np.multiply(rows, self._row(self.parameters["gamma"] * self._inverse), out=result)
        return result.reshape(gradient.shape)

    def _rows(self, x: Array) -> Array:
        return x.reshape(-1, self._pixels * x.shape[-1])

    def _row(self, by_channel: Array) -> Array:
        return np.tile(by_channel, self._pixels)

    def _mean(self, x: Array) -> Any:
        """Return the mean by channel, as a matrix product: it reads memory faster than a sum over an axis."""
        flat = x.reshape(-1, len(self.parameters["gamma"]))
        return np.full(len(flat), 1 / len(flat), self.dtype) @ flat


@dataclass(eq=False)
class Dropout(Layer):
    """In training, set numbers to 0 with probability ``rate``, scale the rest (Srivastava et al. 2014)."""

    rate: float = 0.5

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        self._check(0 <= self.rate < 1, f"rate is {self.rate}; expected 0 or more, and less than 1")
        self.generator = np.random.default_rng(generator.integers(2**63))
        return shape

    def _forward(self, x: Array, training: bool) -> Any:
        self._kept: Any = self.dtype.type(1)
        if training:
            kept = self.generator.random(x.shape, np.float32) >= self.rate
            self._kept = kept / self.dtype.type(1 - self.rate)
        return x * self._kept

    def _backward(self, gradient: Array, to_input: bool) -> Any:
        return gradient * self._kept
