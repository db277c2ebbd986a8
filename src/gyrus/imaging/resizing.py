"""Resizing, the one way in which pixels reach a network's size in training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image


def resize(pixels: npt.NDArray[np.uint8], *, height_px: int, width_px: int) -> npt.NDArray[np.uint8]:
    """Resize with Pillow's bilinear filter, which widens with the scale when shrinking (antialiased).

    Parameters
    ----------
    pixels : ndarray of uint8
        (height, width, channels) with 1 or 3 channels.
    height_px, width_px : int
        The new size; the aspect ratio is not kept.

    Returns
    -------
    ndarray of uint8
        (height_px, width_px, channels).
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(f"expected uint8 (height, width, 1 or 3), got {pixels.dtype} {pixels.shape}")
    if min(height_px, width_px) < 1:
        raise ValueError(f"cannot resize to {width_px} x {height_px}")
    if pixels.shape[:2] == (height_px, width_px):  # Pillow would copy it too, by way of two images
        return pixels.copy()
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[:, :, 0] if grey else pixels)
    resized = np.array(image.resize((width_px, height_px), Image.Resampling.BILINEAR))
    return resized[:, :, np.newaxis] if grey else resized
