"""Batch normalisation and dropout: layers that do another thing in training than afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn.layer import Array, Layer, Shape


@dataclass(eq=False)
class BatchNorm(Layer):
    """Bring each channel (the last axis) to mean 0 and variance 1, then scale and shift it (Ioffe 2015).

    In training by the batch's own mean and variance (divided by the count), which also move the running ones
    (variance divided by the count less one, as PyTorch does); afterwards by the running ones.
    """

    momentum: float = 0.1
    """Weight of a new batch in the running statistics."""
    epsilon: float = 1e-5

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        channels = shape[-1]
        self._repeats = shape[-2] if len(shape) > 1 else 1
        self.parameters = {"gamma": np.ones(channels, self.dtype), "beta": np.zeros(channels, self.dtype)}
        self.statistics = {"mean": np.zeros(channels, self.dtype), "variance": np.ones(channels, self.dtype)}
        return shape

    def _forward(self, x: Array, training: bool) -> Array:
        self._trained = training
        count = x.size // x.shape[-1]
        if training and count < 2:
            raise DataError(f"layer {self.name}: one value a channel has no variance", fix="a larger batch")
        mean = self._mean(x) if training else self.statistics["mean"]
        centred = np.subtract(
            self._rows(x), self._row(mean), out=self._rows(self._reused("centred", x.shape))
        )
        out = self._rows(self._reused("out", x.shape))
        variance = self.statistics["variance"]
        if training:
            variance = self._mean(np.multiply(centred, centred, out=out))
            for name, value in (("mean", mean), ("variance", variance * count / (count - 1))):
                self.statistics[name] += self.momentum * (value - self.statistics[name])
        self._inverse = 1 / np.sqrt(variance + self.dtype.type(self.epsilon))
        self._centred = centred
        np.multiply(centred, self._row(self.parameters["gamma"] * self._inverse), out=out)
        out += self._row(self.parameters["beta"])
        return out.reshape(x.shape)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        # With x^ = centred / s and y = gamma x^ + beta, where mean and s themselves depend on every x:
        # d x = gamma / s * (d y - mean(d y) - x^ mean(d y x^))
        rows = self._rows(gradient)
        result = self._rows(self._reused("to_input", gradient.shape))
        count = gradient.size // gradient.shape[-1]
        by_centred = self._mean(np.multiply(rows, self._centred, out=result))
        mean = self._mean(rows)
        self.gradients = {"gamma": by_centred * self._inverse * count, "beta": mean * count}
        scale = self.parameters["gamma"] * self._inverse
        if self._trained:
            np.multiply(self._centred, self._row(-by_centred * self._inverse**2), out=result)
            result += rows
            result -= self._row(mean)
            result *= self._row(scale)
        else:
            np.multiply(rows, self._row(scale), out=result)
        return result.reshape(gradient.shape)

    def _mean(self, x: Array) -> Array:
        """Return the mean by channel, as a matrix product: it reads memory faster than a sum over an axis."""
        flat = x.reshape(-1, len(self.parameters["gamma"]))
        result: Array = np.full(len(flat), 1 / len(flat), self.dtype) @ flat
        return result

    def _rows(self, x: Array) -> Array:
        return x.reshape(-1, self._repeats * len(self.parameters["gamma"]))

    def _row(self, by_channel: Array) -> Array:
        """Repeat channels along a row of the image: one long run of memory instead of many short ones."""
        return np.tile(by_channel, self._repeats)


@dataclass(eq=False)
class Dropout(Layer):
    """In training, set numbers to 0 with probability ``rate``, scale the rest (Srivastava et al. 2014)."""

    rate: float = 0.5

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        if not 0 <= self.rate < 1:
            raise UsageError(f"layer {self.name}: rate is {self.rate}; expected 0 or more, and less than 1")
        self.generator = np.random.default_rng(generator.integers(2**63))
        return shape

    def _forward(self, x: Array, training: bool) -> Array:
        self._kept: Array | None = None
        if not training or math.isclose(self.rate, 0):
            return x
        kept = self.generator.random(x.shape, np.float32) >= self.rate
        self._kept = kept / self.dtype.type(1 - self.rate)
        return x * self._kept

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        return gradient if self._kept is None else gradient * self._kept
