"""The box around the head in a slice: a rule so plain that NumPy and the deployed graph agree to the pixel.

- A pixel is bright where its brightest channel is above an eighth of the image's brightest value.
- A row belongs to the head where at least 1 in 100 of its pixels are bright; columns likewise. A speck or a
  thin line is no head.
- The box goes from the first such row and column to the last.
- Along an axis on which no line belongs to the head (a blank image), or on which the box would be shorter
  than an eighth of the image (a label in a black picture), it takes the whole length.

All of it is arithmetic on whole numbers; :mod:`gyrus.exporting.geometry_nodes` repeats it in ONNX operators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BRIGHT = 8  # bright: above 1/8 of the image's maximum
LINE = 100  # a line of the head: 1 in 100 pixels of it are bright
SHORTEST = 8  # a box shorter than 1/8 of the side is no head


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels: rows ``top`` to ``top + height_px - 1``, columns likewise."""

    top: int
    left: int
    height_px: int
    width_px: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of an array (height, width, …)."""
        return slice(self.top, self.top + self.height_px), slice(self.left, self.left + self.width_px)


def brain_box(pixels: npt.NDArray[np.uint8]) -> Box:
    """Return the box around the head.

    Parameters
    ----------
    pixels : ndarray of uint8
        (height, width, channels).
    """
    plane = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels.max(axis=2)
    bright = plane > plane.max() // BRIGHT  # the same as 8 x > maximum, in whole numbers
    top, height = _span(np.count_nonzero(bright, axis=1), across=plane.shape[1])
    left, width = _span(np.count_nonzero(bright, axis=0), across=plane.shape[0])
    return Box(top, left, height, width)


def _span(counts: npt.NDArray[np.intp], across: int) -> tuple[int, int]:
    """Return start and length of the head along one axis; ``counts`` of bright pixels in each line."""
    lines = counts * LINE >= across
    first = int(np.argmax(lines))
    length = len(lines) - int(np.argmax(lines[::-1])) - first
    if not lines[first] or length * SHORTEST < len(lines):
        return 0, len(lines)
    return first, length
