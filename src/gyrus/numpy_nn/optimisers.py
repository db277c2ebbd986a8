"""Optimisers: from gradients to steps. Weight decay is decoupled from them (Loshchilov and Hutter 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from gyrus.numpy_nn.layer import Array, Layer

Schedule = Callable[[float], float]
"""From the share of the training that is done (0 to 1) to a factor of the learning rate."""


@dataclass
class Optimiser:
    """Base: shrinks weights by learning rate times weight decay; remembers arrays for each parameter."""

    learning_rate: float
    weight_decay: float = 0.0
    _memory: dict[tuple[int, str], list[Array]] = field(default_factory=dict, init=False, repr=False)
    _steps: int = field(default=0, init=False, repr=False)
    _remembered: ClassVar[int] = 1
    _direction: ClassVar[Callable[..., Any]]
    """Given a gradient and the arrays remembered for it, which it changes; zeros at first."""

    def step(self, layers: Iterable[Layer], factor: float = 1.0) -> None:
        """Move the parameters of layers, always given in the same order, against their gradients."""
        rate = self.learning_rate * factor
        self._steps += 1
        for number, layer in enumerate(layers):
            for name, parameter in layer.parameters.items():
                if name == "weight":  # biases, scales and shifts do not decay
                    parameter *= 1 - rate * self.weight_decay
                if (number, name) not in self._memory:
                    zeros = [np.zeros_like(parameter) for _ in range(self._remembered)]
                    self._memory[number, name] = zeros
                parameter -= rate * self._direction(layer.gradients[name], *self._memory[number, name])


@dataclass
class SGD(Optimiser):
    """Gradient descent, with momentum where it is not 0 (Polyak 1964), looking ahead with nesterov."""

    momentum: float = 0.0
    nesterov: bool = False

    def _direction(self, gradient: Array, velocity: Array) -> Any:
        velocity *= self.momentum
        velocity += gradient
        return gradient + self.momentum * velocity if self.nesterov else velocity


@dataclass
class RMSprop(Optimiser):
    """The gradient by the root of its running mean square (Tieleman and Hinton 2012)."""

    smoothing: float = 0.99
    epsilon: float = 1e-8

    def _direction(self, gradient: Array, square: Array) -> Any:
        square += (1 - self.smoothing) * (gradient**2 - square)
        return gradient / (np.sqrt(square) + self.epsilon)


@dataclass
class Adam(Optimiser):
    """Running mean by the root of the running mean square, corrected for their start at 0 (Kingma 2015)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    _remembered = 2

    def _direction(self, gradient: Array, mean: Array, square: Array) -> Any:
        mean += (1 - self.beta1) * (gradient - mean)
        square += (1 - self.beta2) * (gradient**2 - square)
        root = np.sqrt(square / (1 - self.beta2**self._steps)) + self.epsilon
        return mean / (1 - self.beta1**self._steps) / root


def constant(done: float) -> float:
    """Keep the learning rate."""
    return 1.0


def cosine(done: float) -> float:
    """Fall from 1 to 0 along half a wave (Loshchilov and Hutter 2017)."""
    return 0.5 * (1 + math.cos(math.pi * done))


def one_cycle(warm_up: float = 0.2) -> Schedule:
    """Rise in a line from near 0 to 1 during the share ``warm_up``, then fall in a line (Smith 2018)."""
    return lambda done: (done + 0.01) / (warm_up + 0.01) if done < warm_up else (1 - done) / (1 - warm_up)


def steps(*at: float, factor: float = 0.1) -> Schedule:
    """Multiply by ``factor`` at each of these shares of the training."""
    return lambda done: factor ** sum(done >= share for share in at)
