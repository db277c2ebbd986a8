"""Is a backward the derivative of its forward? Compared with what moving each number a little does."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from gyrus.errors import UsageError
from gyrus.numpy_nn.layer import Array, Layer
from gyrus.numpy_nn.network import Sequential

LARGEST_ERROR = 1e-6
"""A right backward stays below this in float64; a wrong one is orders of magnitude above."""


def check_gradients(
    layer: Layer | Sequential,
    x: Array,
    *,
    training: bool = True,
    step: float = 1e-5,
    random_state: int = 0,
) -> dict[str, float]:
    """Compare hand-written gradients with central differences.

    The scalar that is differentiated is the sum of the output times fixed random weights, so that no error
    cancels. Every number of the input and of the parameters is moved by ``step`` to both sides, with the same
    draws of dropout. ``layer`` itself is left as it is.

    Parameters
    ----------
    layer : Layer or Sequential
        Built in float64.
    x : ndarray
        (n, *input_shape), float64, small. Numbers nearer than ``step`` to a kink (0 before a ReLU, equal
        numbers in a pooling window) have no derivative to compare with.
    training : bool
        As in ``forward``.
    step : float
        Half the distance of the two points; the error of the difference falls with its square, that of
        rounding rises as it shrinks.
    random_state : int
        Draws the weights of the sum.

    Returns
    -------
    dict of str to float
        For ``input`` and each parameter: the largest difference by the largest gradient of that array (at
        least 1e-4 of the largest of all). Below :data:`LARGEST_ERROR` where the backward is right.

    Raises
    ------
    UsageError
        For float32, whose rounding (6e-8) divided by the step would be larger than any error looked for.
    """
    if layer.dtype != np.float64 or x.dtype != np.float64:
        raise UsageError(
            f"the gradient check needs float64; got a layer of {layer.dtype} and an input of {x.dtype}: "
            "rounding in float32 hides the errors it looks for",
            fix="build the layer with dtype='float64' and give x.astype('float64')",
        )
    x, generator = x.copy(), np.random.default_rng(random_state)
    checked, probe = copy.deepcopy(layer), copy.deepcopy(layer)
    weights = generator.standard_normal(checked.forward(x, training=training).shape)
    by_input = checked.backward(weights, to_input=True)

    def scalar() -> float:  # a copy each time: draws and running statistics start alike
        return float((copy.deepcopy(probe).forward(x, training=training) * weights).sum())

    pairs = {"input": (by_input, _slopes(x, step, scalar))}
    for own, moved in zip(checked.inside(), probe.inside(), strict=True):
        for name, parameter in moved.parameters.items():
            key = f"{own.name} {name}" if isinstance(layer, Sequential) else name
            pairs[key] = own.gradients[name], _slopes(parameter, step, scalar)
    # a bias before batch normalisation has the gradient 0: its rounding is no error beside the others
    least = 1e-4 * max(float(np.abs(slopes).max(initial=0.0)) for _, slopes in pairs.values())
    return {name: _error(*pair, least) for name, pair in pairs.items()}


def _slopes(numbers: Array, step: float, scalar: Callable[[], float]) -> Array:
    """Return the slope of ``scalar`` along each of these numbers, which are moved in place and put back."""
    slopes = np.empty_like(numbers)
    for place in np.ndindex(numbers.shape):
        before = numbers[place]
        numbers[place] = before + step
        above = scalar()
        numbers[place] = before - step
        slopes[place] = (above - scalar()) / (2 * step)
        numbers[place] = before
    return slopes


def _error(own: Array, slopes: Array, least: float) -> float:
    if own.shape != slopes.shape:
        return float("inf")
    largest = max(np.abs(own).max(initial=0.0), np.abs(slopes).max(initial=0.0), least)
    return float(np.abs(own - slopes).max(initial=0.0) / largest) if largest > 0 else 0.0
