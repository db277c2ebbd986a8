"""Names of the activations that a head's hidden layers can have."""

from __future__ import annotations

from typing import Literal

Activation = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "hardswish", "tanh", "sigmoid", "none"
]
