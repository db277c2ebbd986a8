"""A U-Net written plainly: to read, to teach with, and slim enough to train on two cores.

After Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, with padded
convolutions (the mask has the picture's size), a norm after each of them, and a quarter of the channels. The
way up halves the channels by a 1 x 1 convolution before it doubles the pixels by repeating them, which gives
what the paper's order gives for a quarter of the work.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.config.network import Norm
from gyrus.models.classic import own_facts
from gyrus.models.layers import conv_block, initialise
from gyrus.models.segmentation.network import SegmentationNetwork

SLIM_CHANNELS = (16, 32, 64, 128, 256)


def two_convolutions(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    """Return twice convolution, norm and ReLU."""
    return nn.Sequential(
        *conv_block(in_channels, out_channels, norm), *conv_block(out_channels, out_channels, norm)
    )


class PlainEncoder(nn.Module):
    """Two convolutions at every resolution, each half of the one before; the last is the bottleneck."""

    def __init__(self, in_channels: int, channels: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        self.channels = channels
        widths = (in_channels, *channels)
        self.levels = nn.ModuleList(two_convolutions(*pair, norm) for pair in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of each level: at full size, half, a quarter, …"""
        features: list[Tensor] = []
        for level in self.levels:
            x = level(functional.max_pool2d(x, 2) if features else x)
            features.append(x)
        return features


class UpStep(nn.Module):
    """Half the channels, twice the pixels, the encoder's features beside them, two convolutions."""

    def __init__(self, deep_channels: int, channels: int, norm: Norm, *, skips: bool) -> None:
        super().__init__()
        self.skips = skips
        self.narrow = nn.Conv2d(deep_channels, channels, 1)
        self.mix = two_convolutions(2 * channels if skips else channels, channels, norm)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Return (batch, channels, height, width) of ``skip``'s size."""
        x = functional.interpolate(self.narrow(deep), scale_factor=2.0, mode="nearest")
        mixed: Tensor = self.mix(torch.cat([x, skip], dim=1) if self.skips else x)
        return mixed


class PlainDecoder(nn.Module):
    """The way up, from the bottleneck to the picture's size, with or without the skips."""

    def __init__(self, channels: tuple[int, ...], norm: Norm, *, skips: bool) -> None:
        super().__init__()
        self.channels = channels[:-1]
        self.strides = tuple(2**level for level in range(len(channels) - 1))
        self.steps = nn.ModuleList(
            UpStep(deep, channel, norm, skips=skips) for channel, deep in pairwise(channels)
        )

    def forward(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps of each level, the finest first."""
        maps: list[Tensor] = []
        x = features[-1]
        for step, skip in zip(reversed(self.steps), reversed(features[:-1]), strict=True):
            x = step(x, skip)
            maps.append(x)
        return tuple(reversed(maps))


def plain_unet(
    architecture: str,
    *,
    mask_classes: int,
    in_channels: int,
    image_classes: int | None = None,
    norm: Norm = "auto",
    dropout: float = 0.0,
    deep_supervision: bool = False,
    skips: bool = True,
    channels: tuple[int, ...] = SLIM_CHANNELS,
) -> SegmentationNetwork:
    """Build the plain U-Net; ``skips=False`` leaves out its bridges, to see what they are for."""
    network = SegmentationNetwork(
        PlainEncoder(in_channels, channels, norm),
        PlainDecoder(channels, norm, skips=skips),
        size_multiple=2 ** (len(channels) - 1),
        mask_classes=mask_classes,
        image_classes=image_classes,
        facts=own_facts(architecture, in_channels),
        dropout=dropout,
        deep_supervision=deep_supervision,
    )
    initialise(network.encoder)
    initialise(network.decoder)
    return network
