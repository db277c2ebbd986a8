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
Generator = np.random.Generator

INITIALISATIONS = {  # of weights (fan_in, fan_out)
    # variance 2 / fan_in, for layers before a ReLU (He et al. 2015)
    "he": lambda generator, fans: generator.standard_normal(fans) * math.sqrt(2 / fans[0]),
    # variance 2 / (fan_in + fan_out), evenly (Glorot and Bengio 2010)
    "xavier": lambda generator, fans: generator.uniform(-1, 1, fans) * math.sqrt(6 / sum(fans)),
}


@dataclass(eq=False)
class Layer:
    """A step of a network. A subclass's fields are its options.

    :meth:`build` gives it parameters, once the shape of its input is known; images are (height, width,
    channels), and arrays of them have the images along the first axis. Results lie in memory that the same
    layer's next call uses again: copy what shall last.
    """

    def __post_init__(self) -> None:
        self.name = type(self).__name__
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.statistics: dict[str, Array] = {}
        self.input_shape: Shape = ()
        self.output_shape: Shape = ()
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self._memory: dict[str, Array] = {}
        self._count: int | None = None

    def options(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def inside(self) -> Iterator[Layer]:
        """Yield the layer itself and those in it."""
        yield self

    def build(self, input_shape: Shape, dtype: npt.DTypeLike, generator: Generator) -> Shape:
        """Make the parameters for inputs of one shape (without n); return the output's."""
        self.input_shape, self.dtype = tuple(input_shape), np.dtype(dtype)
        self._memory.clear()
        self.output_shape = self._build(self.input_shape, generator)
        return self.output_shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the output (n, *output_shape) for ``x`` (n, *input_shape).

        Raises UsageError before :meth:`build`, DataError for another shape or type than it was built for.
        """
        self._check(bool(self.input_shape), "it is not built", fix="call build, or make a Sequential of it")
        self._expect(x, self.input_shape, "input")
        self._count = len(x)
        return self._forward(np.ascontiguousarray(x), training)

    def backward(self, gradient: Array, *, to_input: bool = True) -> Array:
        """Return the loss's gradient by the last input, given that by the last output; fill ``gradients``.

        ``to_input=False`` spares a network's first layer work that nobody asks for: the array is empty then.
        """
        self._check(self._count is not None, "backward comes after forward")
        self._expect(gradient, self.output_shape, "gradient", self._count)
        return self._backward(np.ascontiguousarray(gradient), to_input)

    def _build(self, shape: Shape, generator: Generator) -> Shape:
        return shape

    def _forward(self, x: Array, training: bool) -> Array:
        raise NotImplementedError

    def _backward(self, gradient: Array, to_input: bool) -> Array:
        raise NotImplementedError

    def _make_weights(self, fan_in: int, fan_out: int, kind: str, bias: bool, generator: Generator) -> None:
        known = ", ".join(INITIALISATIONS)
        self._check(kind in INITIALISATIONS, f"initialisation is {kind!r}; expected {known}")
        weight = INITIALISATIONS[kind](generator, (fan_in, fan_out))
        self.parameters = {"weight": weight.astype(self.dtype)}
        if bias:
            self.parameters["bias"] = np.zeros(fan_out, self.dtype)

    def _reused(self, key: str, shape: Shape, dtype: npt.DTypeLike | None = None) -> Array:
        """Return memory, zeros when new: other pages for every batch would cost as much as the arithmetic."""
        held = self._memory.get(key)
        if held is None or held.shape[1:] != shape[1:] or len(held) < shape[0]:
            held = self._memory[key] = np.zeros(shape, dtype or self.dtype)
        return held[: shape[0]]

    def _expect(self, x: Array, shape: Shape, what: str, count: int | None = None) -> None:
        if x.ndim == 0 or x.shape[1:] != shape or count not in (None, len(x)):
            wanted = ", ".join(["n" if count is None else str(count), *map(str, shape)])
            raise DataError(f"layer {self.name}: expected {what} ({wanted}), got {x.shape}")
        if x.dtype != self.dtype:
            fix = f"convert it with .astype({self.dtype.name!r})"
            raise DataError(f"layer {self.name}: expected {what} of {self.dtype}, got {x.dtype}", fix=fix)

    def _check(self, fits: bool, words: str, fix: str | None = None) -> None:
        if not fits:
            raise UsageError(f"layer {self.name}: {words}", fix=fix)

    def _at_least_one(self, **options: int) -> None:
        for option, value in options.items():
            fits = isinstance(value, int | np.integer) and value >= 1
            self._check(bool(fits), f"{option} is {value}; expected a whole number, at least 1")

    def _windows(self, shape: Shape, kernel_size: int, stride: int, padding: int = 0) -> tuple[int, int]:
        """Return how many windows fit into an image, down and across."""
        self._check(len(shape) == 3, f"expected images (height, width, channels), got {shape}")
        self._at_least_one(kernel_size=kernel_size, stride=stride)
        height, width = shape[0] + 2 * padding, shape[1] + 2 * padding
        words = f"a kernel of {kernel_size} is larger than its input of {height} x {width} pixels"
        fix = "a smaller kernel, more padding, or fewer poolings before it"
        self._check(kernel_size <= min(height, width), words, fix)
        return (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
