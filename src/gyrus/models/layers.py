"""What gyrus's own networks are built of: convolution with its norm and ReLU, and how weights start."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

from gyrus.config.network import Norm

# channels of one group of GroupNorm, as far as they divide: Wu and He 2018 find 16 as good as any
_CHANNELS_A_GROUP = 16


def norm_layer(norm: Norm, channels: int) -> nn.Module | None:
    """Return the normalisation of ``channels`` channels; None for none. ``auto`` is ``batch``."""
    if norm == "none":
        return None
    if norm == "group":
        # Wu and He 2018, Group Normalization: does not depend on the batch, so small batches do not hurt
        return nn.GroupNorm(channels // math.gcd(channels, _CHANNELS_A_GROUP), channels)
    return nn.BatchNorm2d(channels)


def conv_block(
    in_channels: int, out_channels: int, norm: Norm, *, kernel: int = 3, stride: int = 1, act: bool = True
) -> list[nn.Module]:
    """Return convolution (same size at stride 1), norm and ReLU; a bias only where no norm follows."""
    after = norm_layer(norm, out_channels)
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=after is None)
    ]
    if after is not None:
        layers.append(after)
    if act:
        layers.append(nn.ReLU(inplace=True))
    return layers


def initialise(network: nn.Module, activation: Literal["relu", "tanh"] = "relu") -> None:
    """Draw the weights of all convolutions and linear layers so that the variance passes through them.

    He et al. 2015, Delving Deep into Rectifiers, before ReLU (which silences half); Glorot and Bengio 2010,
    Understanding the Difficulty of Training Deep Feedforward Neural Networks, before tanh. Biases start at 0.
    """
    for module in network.modules():
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        if activation == "tanh":
            nn.init.xavier_uniform_(module.weight, gain=nn.init.calculate_gain("tanh"))
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        else:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
