"""Reading policies: how stored pixels become the 8-bit array that everything else works on.

A policy has an id with a version. It travels in the bundle, so that a prediction reads an image exactly as
training did; changed behaviour needs a new version. Version 1 brings 16 bits to 8 by percentiles, whatever
the file is. Version 2 takes the window that a DICOM file states where it states one, and brings
16-bit colour to 8 bits by percentiles, too, where version 1 takes its high bytes; all other files are read as
by version 1, to the bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.errors import UsageError
from gyrus.imaging.decoding import Decoded, Pixels, decode
from gyrus.imaging.kinds import SCAN_SUFFIXES
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.sixteen_bit_colour import is_deep_colour
from gyrus.imaging.source import Source, source_of

Color = Literal["grey", "rgb"]

READING_POLICIES: dict[str, str] = {"grey": "grey8/2", "rgb": "rgb8/2"}
KNOWN_POLICIES: dict[str, tuple[str, ...]] = {"grey": ("grey8/1", "grey8/2"), "rgb": ("rgb8/1", "rgb8/2")}
IMAGE_SUFFIXES = (
    frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".webp"})
    | SCAN_SUFFIXES
)
WINDOW_PERCENTILE = 99.9
_AT_ONCE = 1 << 20  # pixels


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


def as_uint8(decoded: Decoded, color: Color, policy: str = "") -> npt.NDArray[np.uint8]:
    """Apply a reading policy to decoded pixels.

    Pixels of a file that states a window go through that; other 16-bit pixels through a linear window from
    the image's minimum to its 99.9th percentile. Grey from RGB is the luma of ITU-R BT.601 as Pillow rounds
    it; where the channels are equal it is the channel.

    Parameters
    ----------
    decoded : Decoded
    color : {"grey", "rgb"}
    policy : str
        One of :data:`KNOWN_POLICIES`; the present one by default.

    Returns
    -------
    ndarray of uint8
        (height, width, 1) for ``grey``, (height, width, 3) for ``rgb``; may be a view of ``decoded``.
    """
    if color not in READING_POLICIES:
        raise UsageError(f"color {color!r} is none of {', '.join(READING_POLICIES)}")
    stored = decoded.pixels
    first_version = policy.endswith("/1")
    stated = None if first_version else decoded.window
    if first_version and is_deep_colour(decoded.mode):
        narrow = (stored >> 8).astype(np.uint8)
    elif stated is not None and stored.ndim == 2:
        narrow = through_window(stored, *stated)
    else:
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
    low, high = float(pixels.min()), _percentile(pixels)
    if high <= low:
        high = float(pixels.max())
    if high <= low:
        return np.zeros(pixels.shape, dtype=np.uint8)
    return _scaled(pixels, low, high)


def through_window(pixels: Pixels, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Return pixels as uint8, linear from ``low`` (0) to ``high`` (255), and alike beyond."""
    return _scaled(pixels, low, max(high, low + 1e-9))


def _percentile(pixels: Pixels) -> float:
    """Return the 99.9th percentile as NumPy's linear method gives it, by counting: pixels have few values."""
    flat = pixels.reshape(-1)
    counts = np.zeros(np.iinfo(pixels.dtype).max + 1, np.int64)
    for start in range(0, flat.size, _AT_ONCE):  # NumPy turns what it counts into 8 bytes a pixel
        part = np.bincount(flat[start : start + _AT_ONCE])
        counts[: len(part)] += part
    place = (pixels.size - 1) * (WINDOW_PERCENTILE / 100.0)
    below = int(place)
    first, second = np.searchsorted(
        np.cumsum(counts), [below, min(below + 1, pixels.size - 1)], "right"
    ).tolist()
    share = place - below
    # from the nearer of the two, as NumPy does: the last bit decides a rounding now and then
    return float(
        second - (second - first) * (1 - share) if share >= 0.5 else first + (second - first) * share
    )


def _scaled(pixels: Pixels, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Scale ``low`` … ``high`` to 0 … 255, by a table of the values that pixels can have."""
    values = np.arange(int(pixels.max()) + 1, dtype=np.float64)
    levels = (values - low) * (255.0 / (high - low))
    table = np.rint(np.clip(levels, 0.0, 255.0)).astype(np.uint8)
    flat, result = pixels.reshape(-1), np.empty(pixels.size, np.uint8)
    for start in range(0, flat.size, _AT_ONCE):
        result[start : start + _AT_ONCE] = table[flat[start : start + _AT_ONCE]]
    return result.reshape(pixels.shape)
