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
    layer: Layer | Sequential, x: Array, *, training: bool = True, step: float = 1e-5, random_state: int = 0
) -> dict[str, float]:
    """Compare hand-written gradients with central differences, (f(x + step) - f(x - step)) / (2 step).

    f is the sum of the output times random weights, so that no error cancels; dropout draws the same each
    time, and ``layer`` is left as it is. Numbers of ``x`` (n, *input_shape) nearer than ``step`` to a kink (0
    before a ReLU, equal numbers in a pooling window) have no derivative to compare with.

    Returns for ``input`` and each parameter the largest difference by the largest gradient of that array (at
    least 1e-4 of the largest of all): below :data:`LARGEST_ERROR` where the backward is right. Raises
    UsageError for float32, whose rounding (6e-8) by the step is larger than any error looked for.
    """
    if layer.dtype != np.float64 or x.dtype != np.float64:
        raise UsageError(
            f"the gradient check needs float64; got a layer of {layer.dtype} and an input of {x.dtype}: "
            "rounding in float32 hides the errors it looks for",
            fix="build the layer with dtype='float64' and give x.astype('float64')",
        )
    x, checked, probe = x.copy(), copy.deepcopy(layer), copy.deepcopy(layer)
    output = checked.forward(x, training=training)
    weights = np.random.default_rng(random_state).standard_normal(output.shape)
    own = {"input": checked.backward(weights, to_input=True)}

    changing = ("generator", "statistics")  # draws and running statistics start alike each time
    first = [{name: vars(part)[name] for name in changing if name in vars(part)} for part in probe.inside()]

    def scalar() -> float:
        for part, state in zip(probe.inside(), first, strict=True):
            vars(part).update(copy.deepcopy(state))
        return float((probe.forward(x, training=training) * weights).sum())

    slopes = {"input": _slopes(x, step, scalar)}
    for part, moved in zip(checked.inside(), probe.inside(), strict=True):
        for name, parameter in moved.parameters.items():
            key = f"{part.name} {name}" if isinstance(layer, Sequential) else name
            own[key], slopes[key] = part.gradients[name], _slopes(parameter, step, scalar)
    # a bias before batch normalisation has the gradient 0: its rounding is no error beside the others
    least = 1e-4 * max(_largest(slope) for slope in slopes.values())
    return {name: _error(own[name], slopes[name], least) for name in own}


def _slopes(numbers: Array, step: float, scalar: Callable[[], float]) -> Array:
    """Return the slope of ``scalar`` along each of these numbers, which are moved in place and put back."""
    slopes = np.empty_like(numbers)
    for place, before in np.ndenumerate(numbers.copy()):
        numbers[place] = before + step
        above = scalar()
        numbers[place] = before - step
        slopes[place] = (above - scalar()) / (2 * step)
        numbers[place] = before
    return slopes


def _error(own: Array, slopes: Array, least: float) -> float:
    if own.shape != slopes.shape:
        return float("inf")
    return _largest(own - slopes) / (max(_largest(own), _largest(slopes), least) or 1.0)


def _largest(numbers: Array) -> float:
    return float(np.abs(numbers).max(initial=0.0))
