"""Noise that costs a copy: every image reads its own stretch of one long row of normal numbers.

Drawing normal numbers anew for every pixel, with a generator set for every image, takes longer than all
other parts of the augmentation together. The row is the same in every run and on every device; where an
image begins to read is drawn.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gyrus.training.augmentation.drawing import Drawn, Flags
from gyrus.training.augmentation.intensity import column
from gyrus.training.moving import to_device

_BEGINNINGS = 2**20  # places where an image can begin to read
_SEED = 20_181_112  # of the row; any number


def noisy(images: Tensor, drawn: Drawn) -> Tensor:
    """Add noise, the same in all channels.

    The kind ``magnitude`` is that of MR images, which show the magnitude of a complex signal with Gaussian
    noise in both of its parts: it follows a Rician distribution and is never negative (Gudbjartsson and Patz
    1995, The Rician distribution of noisy MRI data).
    """
    height, width = images.shape[-2:]
    spread = column(drawn.noise, images)
    size = height * width
    real = _stretches(drawn.noise_place[:, 0], size, images.device).view(-1, 1, height, width)
    result = torch.addcmul(images, real, spread)
    if drawn.noise_kind == "magnitude":
        imaginary = _stretches(drawn.noise_place[:, 1], size, images.device).view(-1, 1, height, width)
        imaginary = imaginary.mul_(spread)
        result = result.square_().add_(imaginary.square_()).sqrt_()
    return result.clamp_(0.0, 1.0)


def is_noisy(drawn: Drawn) -> Flags:
    """Tell which images get noise."""
    flags: Flags = drawn.noise != 0
    return flags


def _stretches(places: npt.NDArray[np.float64], size: int, device: torch.device) -> Tensor:
    """Return (n, size) normal numbers, each row from its own place on."""
    begins = to_device((places * _BEGINNINGS).astype(np.int64), device)
    windows = _row(size, device).as_strided((_BEGINNINGS, size), (1, 1))
    return windows[begins]


@lru_cache(maxsize=4)
def _row(size: int, device: torch.device) -> Tensor:
    # a longer row begins as a shorter one does, so an image size changes how far is read and not what
    generator = np.random.Generator(np.random.Philox(_SEED))
    return torch.from_numpy(generator.standard_normal(_BEGINNINGS + size, dtype=np.float32)).to(device)
