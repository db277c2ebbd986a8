"""Layers in a row, and a block that adds its input to its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn.layer import Array, Generator, Layer, Shape
from gyrus.numpy_nn.losses import softmax

Row = Sequence[Layer]


class Sequential:
    """A network: layers one after the other, for inputs (height, width, channels) or (features,).

    ``dtype`` (float32 or float64) is that of parameters and input; ``random_state`` draws the first weights.
    Raises UsageError with the name of a layer that does not fit what comes before it.
    """

    def __init__(
        self, layers: Row, input_shape: Shape, dtype: npt.DTypeLike = "float32", random_state: int = 0
    ) -> None:
        self.layers, self.input_shape, self.dtype = list(layers), tuple(input_shape), np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise UsageError(f"dtype is {self.dtype}; expected float32 or float64")
        if not self.layers or not self.input_shape:
            raise UsageError("a network needs layers and the shape of its input; got none")
        inside = list(self.inside())
        if len({id(layer) for layer in inside}) < len(inside):
            raise UsageError("a layer stands twice in the network", fix="make one for each place")
        generator = np.random.default_rng(random_state)
        self.output_shape = _build(self.layers, "", self.input_shape, self.dtype, generator)

    def inside(self) -> Iterator[Layer]:
        """Yield every layer, those inside blocks too, always in the same order."""
        for layer in self.layers:
            yield from layer.inside()

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the output for ``x`` (n, *input_shape); valid until the next call.

        Raises DataError for whole numbers, numbers that are not finite, or another shape or type.
        """
        x = np.asarray(x)
        if x.dtype.kind != "f":
            fix = "scale it: (pixels / 255).astype('float32')"
            raise DataError(f"expected {self.dtype}, got {x.dtype}", fix=fix)
        if not np.isfinite(x).all():
            raise DataError("the input holds NaN or infinity", fix="find the image: numpy.isfinite(x)")
        return _forward(self.layers, x, training)

    def backward(self, gradient: Array, *, to_input: bool = False) -> Array:
        """Fill the gradients of every layer; return that by the input when it is asked for."""
        return _backward(self.layers, gradient, to_input)

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
        return {
            f"{number}.{name}": value
            for number, layer in enumerate(self.inside())
            for name, value in (layer.parameters | layer.statistics).items()
        }


@dataclass(eq=False)
class Residual(Layer):
    """``layers(x) + shortcut(x)``; without a shortcut ``x`` itself is added (He et al. 2016)."""

    layers: Row
    shortcut: Row = ()

    def inside(self) -> Iterator[Layer]:
        """Yield itself and every layer of both ways."""
        yield self
        for layer in (*self.layers, *self.shortcut):
            yield from layer.inside()

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        ways = self.layers, self.shortcut
        out, beside = (_build(way, f"{self.name} / ", shape, self.dtype, generator) for way in ways)
        words = f"its layers give {out} and its shortcut {beside}; they are added"
        fix = "give both the same shape, for example with Conv2d(channels, kernel_size=1) as shortcut"
        self._check(out == beside, words, fix)
        return out

    def _forward(self, x: Array, training: bool) -> Array:
        return _forward(self.layers, x, training) + _forward(self.shortcut, x, training)

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        ways = [_backward(way, gradient, to_input) for way in (self.layers, self.shortcut)]
        return ways[0] + ways[1] if to_input else ways[0]


def _build(row: Row, within: str, shape: Shape, dtype: npt.DTypeLike, generator: Generator) -> Shape:
    for number, layer in enumerate(row):
        layer.name = f"{within}{number} {type(layer).__name__}"
        shape = layer.build(shape, dtype, generator)
    return shape


def _forward(row: Row, x: Array, training: bool) -> Array:
    for layer in row:
        x = layer.forward(x, training=training)
    return x


def _backward(row: Row, gradient: Array, to_input: bool) -> Array:
    for number, layer in reversed(list(enumerate(row))):
        gradient = layer.backward(gradient, to_input=to_input or number > 0)
    return gradient
