"""Activations with their slopes, both as ordinary operations that every runtime has.

A head's class maps need the slope of its hidden layers at one point. Written out here it becomes a part of
the exported graph like any other operation: no runtime has to differentiate anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gyrus.config.activations import Activation

Function = Callable[[Tensor], Tensor]
# Klambauer et al. 2017, Self-Normalizing Neural Networks
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_LEAK = 0.01  # torch's default


@dataclass(frozen=True, slots=True)
class Curve:
    """An activation, element by element.

    Attributes
    ----------
    value, slope : callable
        Tensor to tensor of the same shape.
    """

    value: Function
    slope: Function


def _is_positive(x: Tensor) -> Tensor:
    return (x > 0).to(x.dtype)


def _leaky_slope(x: Tensor) -> Tensor:
    return torch.where(x > 0, 1.0, _LEAK)


def _elu_slope(x: Tensor) -> Tensor:
    return torch.where(x > 0, 1.0, torch.exp(x.clamp(max=0.0)))


def _selu_slope(x: Tensor) -> Tensor:
    return _SELU_SCALE * torch.where(x > 0, 1.0, _SELU_ALPHA * torch.exp(x.clamp(max=0.0)))


def _gelu_slope(x: Tensor) -> Tensor:
    """Hendrycks and Gimpel 2016, Gaussian Error Linear Units: the normal distribution, and x its density."""
    density = torch.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0))) + x * density


def _silu_slope(x: Tensor) -> Tensor:
    gate = torch.sigmoid(x)
    return gate * (1.0 + x * (1.0 - gate))


def _hardswish_slope(x: Tensor) -> Tensor:
    """Howard et al. 2019, Searching for MobileNetV3: x clipped(x + 3, 0, 6) / 6."""
    inside = (2.0 * x + 3.0) / 6.0
    return torch.where(x <= -3.0, 0.0, torch.where(x >= 3.0, 1.0, inside))


def _tanh_slope(x: Tensor) -> Tensor:
    return 1.0 - torch.tanh(x) ** 2


def _sigmoid_slope(x: Tensor) -> Tensor:
    value = torch.sigmoid(x)
    return value * (1.0 - value)


CURVES: dict[Activation, Curve] = {
    "relu": Curve(functional.relu, _is_positive),
    "leaky_relu": Curve(functional.leaky_relu, _leaky_slope),
    "elu": Curve(functional.elu, _elu_slope),
    "selu": Curve(functional.selu, _selu_slope),
    "gelu": Curve(functional.gelu, _gelu_slope),
    "silu": Curve(functional.silu, _silu_slope),
    "hardswish": Curve(functional.hardswish, _hardswish_slope),
    "tanh": Curve(torch.tanh, _tanh_slope),
    "sigmoid": Curve(torch.sigmoid, _sigmoid_slope),
    "none": Curve(torch.clone, torch.ones_like),
}
"""By name, as ``--activation`` says it."""
