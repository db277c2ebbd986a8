"""Smaller images first: from one cache of pixels, scaled down on the device that trains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.config.stages import Stage
from gyrus.errors import UsageError
from gyrus.models import Network

_SMALLEST_SHARE = 0.5
# the share of the epochs in which the side grows; the rest see whole images
_GROWING = 0.6
_STEP_PX = 32


def side_of(epoch: int, epochs: int, whole: int) -> int:
    """Return the side of the images in one of the epochs, in pixels.

    It grows in a straight line from half of ``whole`` over the first six tenths of the epochs, in steps of 32
    pixels, rounded up; then it is ``whole`` (Howard 2018, Training Imagenet in 3 hours; Tan and Le 2021,
    EfficientNetV2: progressive learning).

    >>> [side_of(epoch, 10, 224) for epoch in range(10)]
    [128, 160, 160, 192, 192, 224, 224, 224, 224, 224]
    """
    share = min(1.0, epoch / (_GROWING * epochs))
    side = whole * (_SMALLEST_SHARE + (1.0 - _SMALLEST_SHARE) * share)
    return min(whole, _STEP_PX * math.ceil(side / _STEP_PX))


def sides_of(stage: Stage, whole: int, *, progressive: bool) -> tuple[int, ...]:
    """Return the side of the training images in each epoch of a stage."""
    side = stage.image_size or whole
    if not progressive:
        return (side,) * stage.epochs
    return tuple(side_of(epoch, stage.epochs, side) for epoch in range(stage.epochs))


def check_sides(network: Network, stage: Stage, sides: Sequence[int], whole: int) -> None:
    """Refuse sizes that the network cannot take, before hours have gone into the stages before.

    Raises
    ------
    UsageError
        When a side is larger than the cached images, or the network refuses it.
    """
    for side in sorted(set(sides)):
        if side > whole:
            raise UsageError(
                f"the stage {stage.name!r} asks for images of {side} pixels; the cache holds {whole}",
                fix=f"--image-size {side}: stages scale down, never up",
            )
        if side != whole and not _takes(network, side):
            raise UsageError(
                f"the stage {stage.name!r} begins with images of {side} pixels, which {network.architecture} "
                "does not take",
                fix="leave out --progressive, or image_size in the recipe",
            )


def shrink(images: Tensor, side: int | None) -> Tensor:
    """Scale images (n, channels, height, width) down to a square of ``side`` pixels, without aliasing."""
    if side is None or side == images.shape[-1]:
        return images
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def _takes(network: Network, side: int) -> bool:
    if network.fixed_size is not None:
        return False
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        network(torch.zeros(1, network.in_channels, side, side, device=device))
    except (RuntimeError, ValueError, AssertionError):
        return False
    finally:
        _restore_mode(network, was_training)
    return True


def _restore_mode(network: nn.Module, training: bool) -> None:
    if training:
        network.train()
