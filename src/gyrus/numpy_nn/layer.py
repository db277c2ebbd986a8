"""What every layer is: a forward, the backward that belongs to it, its parameters and their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError, UsageError

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

DECAYED = "weight"
"""The one parameter of a layer that weight decay shrinks; biases, scales and shifts are left alone."""


@dataclass(eq=False)
class Layer:
    """A step of a network.

    A subclass's fields are its options. :meth:`build` gives it parameters, once the shape of its input is
    known; images are (height, width, channels), and arrays of them have the images along the first axis.
    Results lie in memory that the same layer's next call uses again: copy what shall last.
    """

    def __post_init__(self) -> None:
        """Start without parameters."""
        self.name = type(self).__name__
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.statistics: dict[str, Array] = {}
        self.input_shape: Shape | None = None
        self.output_shape: Shape = ()
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self._memory: dict[str, Array] = {}

    def options(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def build(self, input_shape: Shape, dtype: npt.DTypeLike, generator: np.random.Generator) -> Shape:
        """Make the parameters for inputs of one shape (without the axis of images); return the output's.

        Raises
        ------
        UsageError
            When the layer does not fit the shape.
        """
        self.input_shape, self.dtype = tuple(input_shape), np.dtype(dtype)
        self._memory.clear()
        self.output_shape = self._build(self.input_shape, generator)
        return self.output_shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the output (n, *output_shape) for ``x`` (n, *input_shape).

        Raises
        ------
        UsageError
            When the layer was not built.
        DataError
            When shape or type are not what it was built for.
        """
        if self.input_shape is None:
            raise UsageError(f"layer {self.name} is not built", fix="call build, or make a Sequential of it")
        self._expect(x, self.input_shape, "input")
        return self._forward(np.ascontiguousarray(x), training)

    def backward(self, gradient: Array, *, to_input: bool = True) -> Array:
        """Return the loss's gradient by the last input, given that by the last output.

        Fills :attr:`gradients`. ``to_input=False`` spares the first layer of a network the work that nobody
        asks for; the returned array is empty then.
        """
        self._expect(gradient, self.output_shape, "gradient")
        return self._backward(np.ascontiguousarray(gradient), to_input)

    def inside(self) -> Iterator[Layer]:
        """Yield the layer itself and those in it."""
        yield self

    def _build(self, shape: Shape, generator: np.random.Generator) -> Shape:
        return shape

    def _forward(self, x: Array, training: bool) -> Array:
        raise NotImplementedError

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        raise NotImplementedError

    def _reused(self, key: str, shape: Shape, dtype: npt.DTypeLike | None = None) -> Array:
        """Return memory of this shape that lives as long as the layer; zeros when it is new.

        New pages for every batch would cost as much as the arithmetic on them.
        """
        wanted = np.dtype(self.dtype if dtype is None else dtype)
        held = self._memory.get(key)
        if held is None or held.shape[1:] != shape[1:] or len(held) < shape[0] or held.dtype != wanted:
            held = self._memory[key] = np.zeros(shape, wanted)
        return held[: shape[0]]

    def _expect(self, x: Array, shape: Shape, what: str) -> None:
        if x.shape[1:] != shape or x.ndim == 0:
            wanted = ", ".join(["n", *map(str, shape)])
            raise DataError(f"layer {self.name}: expected {what} ({wanted}), got {x.shape}")
        if x.dtype != self.dtype:
            raise DataError(
                f"layer {self.name}: expected {what} of {self.dtype}, got {x.dtype}",
                fix=f"convert it with .astype({self.dtype.name!r})",
            )

    def _expect_image(self, shape: Shape) -> tuple[int, int, int]:
        if len(shape) != 3:
            raise UsageError(f"layer {self.name}: expected images (height, width, channels), got {shape}")
        return shape[0], shape[1], shape[2]

    def _out_side(self, size: int, kernel: int, stride: int) -> int:
        """Return how many windows fit along one side."""
        if kernel > size:
            raise UsageError(
                f"layer {self.name}: a kernel of {kernel} is larger than its input of {size} pixels",
                fix="a smaller kernel, more padding, or fewer poolings before it",
            )
        return (size - kernel) // stride + 1

    def _initial(self, initialisation: str, shape: Shape, generator: np.random.Generator) -> Array:
        if initialisation not in INITIALISATIONS:
            known = ", ".join(INITIALISATIONS)
            raise UsageError(f"layer {self.name}: initialisation is {initialisation!r}; expected {known}")
        return INITIALISATIONS[initialisation](generator, shape).astype(self.dtype)

    def _at_least_one(self, **values: int) -> None:
        for name, value in values.items():
            if value < 1:
                raise UsageError(f"layer {self.name}: {name} is {value}; expected at least 1")


def he(generator: np.random.Generator, shape: Shape) -> Array:
    """Draw weights (fan_in, fan_out) with variance 2 / fan_in: for layers before a ReLU (He et al. 2015)."""
    return generator.standard_normal(shape) * math.sqrt(2 / shape[0])


def xavier(generator: np.random.Generator, shape: Shape) -> Array:
    """Draw weights (fan_in, fan_out) evenly, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""
    limit = math.sqrt(6 / (shape[0] + shape[1]))
    return generator.uniform(-limit, limit, shape)


INITIALISATIONS = {"he": he, "xavier": xavier}
