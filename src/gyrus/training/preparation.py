"""uint8 pixels -> what a network takes: scaled to [0, 1], normalised, as many channels as it has inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gyrus.imaging.normalisation import SMALLEST_SPREAD
from gyrus.training.moving import numbers_on


def to_unit(pixels: Tensor) -> Tensor:
    """Turn uint8 (n, height, width, channels) into float32 (n, channels, height, width) in [0, 1]."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255.0)


def standardise(images: Tensor) -> Tensor:
    """Return images (n, channels, height, width), each with its own mean 0 and its own spread 1.

    As :func:`gyrus.imaging.normalisation.per_image`.
    """
    mean = images.mean((1, 2, 3), keepdim=True)
    std = images.std((1, 2, 3), keepdim=True, correction=0)
    return (images - mean) / std.clamp_min(SMALLEST_SPREAD)


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Subtract ``mean`` and divide by ``std``; one grey channel becomes as many as there are means.

    Parameters
    ----------
    images : Tensor
        (n, 1 or channels, height, width) in [0, 1].
    mean, std : sequence of float
        (channels,) of pixels in [0, 1].
    """
    shape = (1, -1, 1, 1)
    centre = numbers_on(images.device, mean, images.dtype).reshape(shape)
    spread = numbers_on(images.device, std, images.dtype).reshape(shape)
    return (images - centre) / spread
