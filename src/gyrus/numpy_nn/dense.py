"""Layers on vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gyrus.errors import UsageError
from gyrus.numpy_nn.layer import Array, Layer, Shape


@dataclass(eq=False)
class Linear(Layer):
    """``x @ weight + bias``, ``weight`` (in_features, out_features)."""

    out_features: int
    bias: bool = True
    initialisation: str = "xavier"

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        if len(shape) != 1:
            raise UsageError(f"layer {self.name}: expected vectors, got {shape}", fix="put Flatten before it")
        self._at_least_one(out_features=self.out_features)
        size = shape[0], self.out_features
        self.parameters = {"weight": self._initial(self.initialisation, size, generator)}
        if self.bias:
            self.parameters["bias"] = np.zeros(self.out_features, self.dtype)
        return (self.out_features,)

    def _forward(self, x: Array, training: bool) -> Array:
        self._x = x
        out: Array = x @ self.parameters["weight"]
        return out + self.parameters["bias"] if self.bias else out

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        self.gradients = {"weight": self._x.T @ gradient}
        if self.bias:
            self.gradients["bias"] = gradient.sum(axis=0)
        return gradient @ self.parameters["weight"].T if to_input else np.empty(0, self.dtype)


@dataclass(eq=False)
class Flatten(Layer):
    """Images to vectors, by rows, then columns, then channels."""

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        return (math.prod(shape),)

    def _forward(self, x: Array, training: bool) -> Array:
        return x.reshape(len(x), -1)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        assert self.input_shape is not None
        return gradient.reshape(len(gradient), *self.input_shape)
