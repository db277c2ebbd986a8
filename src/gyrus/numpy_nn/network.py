"""Layers in a row, and a block that adds its input to its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn.layer import Array, Layer, Shape
from gyrus.numpy_nn.losses import softmax


@dataclass(eq=False)
class Residual(Layer):
    """``layers(x) + shortcut(x)``; without a shortcut ``x`` itself is added (He et al. 2016)."""

    layers: Sequence[Layer]
    shortcut: Sequence[Layer] = ()

    def inside(self) -> Iterator[Layer]:
        """Yield itself and every layer of both ways."""
        yield self
        for layer in (*self.layers, *self.shortcut):
            yield from layer.inside()

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        ends = []
        for way in (self.layers, self.shortcut):
            end = shape
            for number, layer in enumerate(way):
                layer.name = f"{self.name} / {number} {type(layer).__name__}"
                end = layer.build(end, self.dtype, generator)
            ends.append(end)
        if ends[0] != ends[1]:
            raise UsageError(
                f"layer {self.name}: its layers give {ends[0]} and its shortcut {ends[1]}; they are added",
                fix="give both the same shape, for example with Conv2d(channels, kernel_size=1) as shortcut",
            )
        return ends[0]

    def _forward(self, x: Array, training: bool) -> Array:
        out, beside = x, x
        for layer in self.layers:
            out = layer.forward(out, training=training)
        for layer in self.shortcut:
            beside = layer.forward(beside, training=training)
        return out + beside

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        out, beside = gradient, gradient
        for layer in reversed(self.layers):
            out = layer.backward(out)
        for layer in reversed(self.shortcut):
            beside = layer.backward(beside)
        return out + beside


class Sequential:
    """A network: layers one after the other.

    Parameters
    ----------
    layers : sequence of Layer
        They belong to this network from now on.
    input_shape : tuple of int
        (height, width, channels) of an image, or (features,).
    dtype : {"float32", "float64"}
        Of parameters and input.
    random_state : int
        Draws the first weights; same seed, same network.

    Raises
    ------
    UsageError
        When a layer does not fit what comes before it; names the layer.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        dtype: npt.DTypeLike = "float32",
        random_state: int = 0,
    ) -> None:
        self.layers, self.input_shape, self.dtype = list(layers), tuple(input_shape), np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise UsageError(f"dtype is {self.dtype}; expected float32 or float64")
        if not self.layers:
            raise UsageError("a network needs layers; got none")
        if len({id(layer) for layer in self.inside()}) < sum(1 for _ in self.inside()):
            raise UsageError("a layer stands twice in the network", fix="make one for each place")
        generator = np.random.default_rng(random_state)
        shape = self.input_shape
        for number, layer in enumerate(self.layers):
            layer.name = f"{number} {type(layer).__name__}"
            shape = layer.build(shape, self.dtype, generator)
        self.output_shape = shape

    def inside(self) -> Iterator[Layer]:
        """Yield every layer, those inside blocks too, always in the same order."""
        for layer in self.layers:
            yield from layer.inside()

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the output for ``x`` (n, *input_shape); valid until the next call.

        Raises
        ------
        DataError
            For whole numbers, numbers that are not finite, or another shape or type.
        """
        if x.dtype.kind != "f":
            raise DataError(
                f"expected {self.dtype}, got {x.dtype}",
                fix="scale it: (pixels / 255).astype('float32')",
            )
        if not np.isfinite(x).all():
            raise DataError("the input holds NaN or infinity", fix="find the image: numpy.isfinite(x)")
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, gradient: Array, *, to_input: bool = False) -> Array:
        """Fill the gradients of every layer; return that by the input when it is asked for."""
        for number, layer in reversed(list(enumerate(self.layers))):
            gradient = layer.backward(gradient, to_input=to_input or number > 0)
        return gradient

    def predict_logits(self, x: Array, batch_size: int = 250) -> Array:
        """Return the output for any number of images, in batches, as after training."""
        answers = [np.empty((0, *self.output_shape), self.dtype)]
        for start in range(0, len(x), batch_size):
            answers.append(self.forward(x[start : start + batch_size]).copy())
        return np.concatenate(answers)

    def predict_proba(self, x: Array, batch_size: int = 250) -> Array:
        """Return softmax probabilities (n, classes)."""
        return softmax(self.predict_logits(x, batch_size))

    def arrays(self) -> dict[str, Array]:
        """Return all parameters and running statistics by name, as they are (no copies)."""
        found: dict[str, Any] = {}
        for number, layer in enumerate(self.inside()):
            for name, value in (layer.parameters | layer.statistics).items():
                found[f"{number}.{name}"] = value
        return found
