"""Patches: squares cut out of augmented images and their masks alike, where the draw of each image says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gyrus.training.draws import Stream, uniform
from gyrus.training.moving import to_device


@dataclass(frozen=True, slots=True)
class Patches:
    """How patches are cut.

    Attributes
    ----------
    size_px : int
        Their side.
    positive : float
        Share of them that is laid over a marked pixel, where there is one.
    """

    size_px: int
    positive: float


def cut(
    images: Tensor,
    masks: Tensor,
    patches: Patches,
    *,
    seed: int,
    epoch: int,
    numbers: npt.NDArray[np.int64],
) -> tuple[Tensor, Tensor]:
    """Cut a patch out of each image and its mask; where is a function of (seed, epoch, number).

    A patch that is laid over a marked pixel holds it at a place of its own, anywhere in the patch, so that
    the network does not learn that the middle is marked.

    Parameters
    ----------
    images : Tensor
        (n, channels, height, width).
    masks : Tensor
        (n, height, width) uint8.
    patches : Patches
        How.
    seed, epoch, numbers
        As :func:`gyrus.training.augmentation.draw` takes them.

    Returns
    -------
    Tensor, Tensor
        (n, channels, size, size) and (n, size, size).
    """
    height, width = masks.shape[1:]
    size = patches.size_px
    unit = uniform(seed, epoch, numbers, stream=Stream.PATCH, count=4)
    anywhere = np.floor(unit[:, 1:3] * (np.array([height, width]) - size + 1)).astype(np.int64)
    corners = to_device(anywhere, masks.device)
    wanted = to_device(unit[:, 0] < patches.positive, masks.device)
    places, there = _marked(masks, to_device(unit[:, 3], masks.device))
    within = to_device(np.floor(unit[:, 1:3] * size).astype(np.int64), masks.device)
    furthest = torch.tensor([height - size, width - size], device=masks.device)
    over = torch.minimum((places - within).clamp_min(0), furthest)
    corners = torch.where((wanted & there)[:, None], over, corners)
    reach = torch.arange(size, device=masks.device)
    rows = (corners[:, :1] + reach)[:, :, None]
    columns = (corners[:, 1:] + reach)[:, None, :]
    image = torch.arange(len(masks), device=masks.device)[:, None, None]
    pieces = images.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)
    return pieces.contiguous(), masks[image, rows, columns]


def _marked(masks: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
    """Return a marked pixel of each mask, (n, 2) row and column, and whether there is one.

    Each of them is as likely: the one at the share ``unit`` (n,) of their number, counted row by row.
    """
    width = masks.shape[2]
    counted = (masks > 0).flatten(1).cumsum(1)
    total = counted[:, -1]
    wanted = (unit * total).floor().long().clamp_max((total - 1).clamp_min(0)) + 1
    place = torch.searchsorted(counted, wanted[:, None])[:, 0].clamp_max(counted.shape[1] - 1)
    return torch.stack([place // width, place % width], 1), total > 0
