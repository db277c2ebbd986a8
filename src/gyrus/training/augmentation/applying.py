"""Applying what was drawn to a batch: nothing is drawn here, so the same draw gives the same images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gyrus.training.augmentation.colour import coloured, is_coloured, is_stained, stained
from gyrus.training.augmentation.drawing import Drawn, Flags
from gyrus.training.augmentation.erasing import erased, is_erased
from gyrus.training.augmentation.geometry import is_mirrored, is_moved, mirrored, moved
from gyrus.training.augmentation.intensity import (
    is_shaded,
    is_toned,
    is_windowed,
    shaded,
    toned,
    windowed,
)
from gyrus.training.augmentation.noise import is_noisy, noisy
from gyrus.training.moving import to_device

Part = tuple[Callable[[Drawn], Flags], Callable[[Tensor, Drawn], Tensor]]

GEOMETRY: tuple[Part, ...] = ((is_mirrored, mirrored), (is_moved, moved))
MASK_GEOMETRY: tuple[Part, ...] = ((is_mirrored, mirrored), (is_moved, partial(moved, mode="nearest")))
# noise comes from the receiver, after everything that happens to the signal
INTENSITY: tuple[Part, ...] = (
    (is_stained, stained),
    (is_coloured, coloured),
    (is_toned, toned),
    (is_windowed, windowed),
    (is_shaded, shaded),
    (is_noisy, noisy),
)
PARTS: tuple[Part, ...] = (*GEOMETRY, *INTENSITY, (is_erased, erased))


def apply(images: Tensor, drawn: Drawn, parts: tuple[Part, ...] = PARTS) -> Tensor:
    """Move, recolour and erase as drawn; an image for which a part was drawn as nothing skips that part.

    Parameters
    ----------
    images : Tensor
        (n, 1 or 3, height, width) floating, in [0, 1]; it is not changed. bf16 is computed in float32: the
        places of a sampling grid do not fit into eight bits.
    drawn : Drawn
        One set of parameters an image.
    parts : tuple of Part
        Which parts, in order; :data:`GEOMETRY` alone moves a mask as its image was moved.

    Returns
    -------
    Tensor
        Same shape, type and memory format, in [0, 1].
    """
    if len(images) != len(drawn):
        raise ValueError(f"{len(images)} images and parameters of {len(drawn)}")
    if not images.is_floating_point() or images.ndim != 4:
        raise ValueError(f"expected floating (n, channels, height, width), got {images.dtype} {images.shape}")
    last = images.ndim == 4 and not images.is_contiguous()
    with torch.no_grad():
        result = images.to(torch.float32)
        for is_wanted, part in parts:
            result = _where(is_wanted(drawn), part, result, drawn)
        result = result.to(images.dtype)
    return result.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def apply_to_masks(masks: Tensor, drawn: Drawn) -> Tensor:
    """Move masks as their images are moved by the same draw; colours, noise and erasing leave them alone.

    Parameters
    ----------
    masks : Tensor
        (n, height, width) uint8 numbers of classes.
    drawn : Drawn
        One set of parameters an image.

    Returns
    -------
    Tensor
        (n, height, width) uint8; numbers are chosen by the nearest centre, never mixed.
    """
    return apply(masks[:, None].float(), drawn, MASK_GEOMETRY)[:, 0].round().byte()


def _where(wanted: Flags, part: Callable[[Tensor, Drawn], Tensor], images: Tensor, drawn: Drawn) -> Tensor:
    """Return ``images`` with ``part`` done to those wanted; no part changes what it is given."""
    if not wanted.any():
        return images
    if wanted.all():
        return part(images, drawn)
    rows = np.flatnonzero(wanted)
    index = to_device(rows, images.device)
    return images.index_copy(0, index, part(images[index], drawn.take(rows)))
