"""A large image in overlapping squares at its own resolution, and what is said of them put together again.

Beside the square's middle a network sees less of what lies around a pixel: where windows overlap, the mean is
weighted by how far the pixel is from the window's border (a pyramid, never 0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.errors import UsageError
from gyrus.imaging.brain_box import Box
from gyrus.imaging.geometry import Geometry

Planes = npt.NDArray[np.float32]


def check_windows(overlap: float, geometry: Geometry, path: Path | None = None) -> None:
    """Refuse an overlap that is none, or a geometry that a window does not have.

    Raises
    ------
    UsageError
        For an overlap below 0 or from 1 on, or where the box around the head is cut out first.
    """
    if not 0 <= overlap < 1:
        raise UsageError(f"windows is {overlap}; expected the share by which they overlap, from 0 to below 1")
    if geometry.brain_crop:
        raise UsageError(
            "the model cuts out the head first, and a window has none", path=path, fix="leave out --windows"
        )


def windows_of(height_px: int, width_px: int, side_px: int, overlap: float) -> list[Box]:
    """Return squares that cover an image, row by row; the last of each row and column end with the image.

    Where the image is shorter than a square, the square reaches beyond it.
    """
    step = max(1, round(side_px * (1 - overlap)))
    tops, lefts = (_starts(length, side_px, step) for length in (height_px, width_px))
    return [Box(top, left, side_px, side_px) for top in tops for left in lefts]


def cut(pixels: npt.NDArray[np.uint8], box: Box, side_px: int) -> npt.NDArray[np.uint8]:
    """Return the square (side_px, side_px, channels); black where it reaches beyond the image."""
    inside = pixels[box.slices]
    if inside.shape[:2] == (side_px, side_px):
        return np.ascontiguousarray(inside)
    square = np.zeros((side_px, side_px, pixels.shape[2]), np.uint8)
    square[: inside.shape[0], : inside.shape[1]] = inside
    return square


class Blend:
    """Sums what windows say, weighted, to a whole.

    Parameters
    ----------
    n_planes, height_px, width_px : int
        Of the whole.
    side_px : int
        Of a window.
    """

    def __init__(self, n_planes: int, height_px: int, width_px: int, side_px: int) -> None:
        self._sum = np.zeros((n_planes, height_px, width_px), np.float32)
        self._weight = np.zeros((height_px, width_px), np.float32)
        place = np.arange(side_px, dtype=np.float32)
        ramp = np.minimum(place + 1, side_px - place) / np.float32(side_px)
        self._pyramid = np.minimum(ramp[:, np.newaxis], ramp[np.newaxis, :])

    def add(self, box: Box, planes: Planes) -> None:
        """Add what a window (n_planes, side_px, side_px) says."""
        height, width = self._weight[box.slices].shape
        weight = self._pyramid[:height, :width]
        self._sum[:, *box.slices] += planes[:, :height, :width] * weight
        self._weight[box.slices] += weight

    def planes(self) -> Planes:
        """Return the whole (n_planes, height_px, width_px); every pixel lies in a window."""
        whole: Planes = self._sum / self._weight
        return whole


def _starts(length: int, side: int, step: int) -> list[int]:
    if length <= side:
        return [0]
    return [*range(0, length - side, step), length - side]
