"""Reading policies: how stored pixels become the 8-bit array that everything else works on.

A policy has an id with a version. It travels in the bundle, so that a prediction reads an image exactly as
training did; changed behaviour needs a new version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.errors import UsageError
from gyrus.imaging.decoding import Decoded, Pixels, decode
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.source import Source, source_of

Color = Literal["grey", "rgb"]

READING_POLICIES: dict[str, str] = {"grey": "grey8/1", "rgb": "rgb8/1"}
IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".webp"}
)
WINDOW_PERCENTILE = 99.9


def read_image(
    path: Path | Source, *, color: Color = "grey", limits: Limits = DEFAULT_LIMITS
) -> npt.NDArray[np.uint8]:
    """Read an image file (or one image of a file) as uint8 (height, width, channels): 1 for grey, 3 for rgb.

    Raises
    ------
    ImageError
        When it cannot be read; the error names the file.
    """
    return read_bytes(source_of(path).read(limits), name=str(path), color=color, limits=limits)


def read_bytes(
    data: bytes, *, name: str, color: Color = "grey", limits: Limits = DEFAULT_LIMITS
) -> npt.NDArray[np.uint8]:
    """Read the bytes of an image file as uint8 (height, width, channels); see :func:`read_image`."""
    pixels = as_uint8(decode(data, name=name, limits=limits), color)
    return pixels if pixels.flags.writeable else pixels.copy()


def as_uint8(decoded: Decoded, color: Color) -> npt.NDArray[np.uint8]:
    """Apply a reading policy to decoded pixels.

    16-bit pixels go through a linear window from the image's minimum to its 99.9th percentile. Grey from
    RGB is the luma of ITU-R BT.601 as Pillow rounds it; where the channels are equal it is the channel.

    Returns
    -------
    ndarray of uint8
        (height, width, 1) for ``grey``, (height, width, 3) for ``rgb``; may be a view of ``decoded``.
    """
    if color not in READING_POLICIES:
        raise UsageError(f"color {color!r} is none of {', '.join(READING_POLICIES)}")
    stored = decoded.pixels
    narrow = stored.astype(np.uint8, copy=False) if stored.dtype == np.uint8 else window(stored)
    if color == "grey":
        grey = narrow if narrow.ndim == 2 else np.array(Image.fromarray(narrow).convert("L"))
        return grey[:, :, np.newaxis]
    return narrow if narrow.ndim == 3 else np.repeat(narrow[:, :, np.newaxis], 3, axis=2)


def window(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Return uint16 pixels as uint8, linear from the minimum (0) to the 99.9th percentile (255).

    The percentile keeps a few hot pixels from darkening the rest. Where it equals the minimum (an almost
    constant image) the maximum takes its place; a constant image becomes black.
    """
    low = float(pixels.min())
    high = float(np.percentile(pixels, WINDOW_PERCENTILE))
    if high <= low:
        high = float(pixels.max())
    if high <= low:
        return np.zeros(pixels.shape, dtype=np.uint8)
    scaled = (pixels.astype(np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.minimum(scaled, 255.0)).astype(np.uint8)
