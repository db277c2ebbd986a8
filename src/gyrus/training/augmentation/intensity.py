"""Intensities: gamma, contrast, brightness, window, and the smooth field of an MR coil."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gyrus.training.augmentation.drawing import FIELD_TERMS, Drawn, Flags, Floats
from gyrus.training.moving import to_device

_DEGREE = max(max(term) for term in FIELD_TERMS)


def column(values: npt.NDArray[np.float32], images: Tensor) -> Tensor:
    """Return (n, 1, 1, 1) on the images' device."""
    return to_device(values, images.device)[:, None, None, None]


def toned(images: Tensor, drawn: Drawn) -> Tensor:
    """Change gamma, then contrast about the image's mean, then brightness."""
    gamma, contrast, brightness = (
        column(values, images) for values in (drawn.gamma, drawn.contrast, drawn.brightness)
    )
    # x ** gamma, twice as fast; black stays black: log2(0) is minus infinity, and 2 to that is 0
    images = images.clamp(0.0, 1.0).log2_().mul_(gamma).exp2_()
    mean = images.mean((1, 2, 3), keepdim=True)
    # (x - mean) * contrast + mean, then * brightness, as one multiplication and one addition
    return torch.addcmul((mean - mean * contrast) * brightness, images, contrast * brightness).clamp_(0, 1)


def is_toned(drawn: Drawn) -> Flags:
    """Tell which images get another gamma, contrast or brightness."""
    flags: Flags = (drawn.gamma != 1) | (drawn.contrast != 1) | (drawn.brightness != 1)
    return flags


def windowed(images: Tensor, drawn: Drawn) -> Tensor:
    """Show ``window_low`` as black and ``window_high`` as white; what lies beyond is clipped."""
    low, high = column(drawn.window_low, images), column(drawn.window_high, images)
    return ((images - low) / (high - low)).clamp_(0.0, 1.0)


def is_windowed(drawn: Drawn) -> Flags:
    """Tell which images get another window."""
    flags: Flags = (drawn.window_low != 0) | (drawn.window_high != 1)
    return flags


def shaded(images: Tensor, drawn: Drawn) -> Tensor:
    """Multiply by a smooth field: 1 plus a polynomial of third degree, as a coil's sensitivity varies.

    A low-order polynomial is the usual model of the inhomogeneity of MR intensities (Van Leemput 1999,
    Automated model-based bias field correction of MR images of the brain).
    """
    height, width = images.shape[-2:]
    weights = to_device(_weights(drawn.field), images.device)
    down, across = (to_device(_chebyshev(size), images.device) for size in (height, width))
    field = (down @ weights) @ across.T
    return (images * (1.0 + field[:, None])).clamp_(0.0, 1.0)


def is_shaded(drawn: Drawn) -> Flags:
    """Tell which images get a field."""
    flags: Flags = (drawn.field != 0).any(axis=1)
    return flags


def _weights(field: Floats) -> Floats:
    """Return (n, 4, 4): the weight of T_j(y) T_i(x) in row j, column i."""
    weights = np.zeros((len(field), _DEGREE + 1, _DEGREE + 1), dtype=np.float32)
    for term, (i, j) in enumerate(FIELD_TERMS):
        weights[:, j, i] = field[:, term]
    return weights


def _chebyshev(size: int) -> Floats:
    """Return (size, 4): the polynomials T_0 to T_3, all within -1 and 1, at the pixels' centres."""
    centres = (2.0 * np.arange(size) + 1.0) / size - 1.0
    return np.polynomial.chebyshev.chebvander(centres, _DEGREE).astype(np.float32)
