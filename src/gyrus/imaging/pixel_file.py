"""The pixels of one image of a larger file as bytes of their own.

What :meth:`gyrus.imaging.source.Source.read` gives for a frame of a DICOM or NIfTI file, and what
:func:`gyrus.imaging.decode` reads: a beginning, the length of a description (JSON), the description, the
numbers. The same frame gives the same bytes, so that their hash names the content.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError
from gyrus.imaging.limits import Limits

BEGINNING = b"\x93GYRUSPX\x01"
_LENGTH = struct.Struct("<I")
_Type = np.dtype[np.uint8] | np.dtype[np.uint16]
_TYPES: dict[str, _Type] = {"uint8": np.dtype(np.uint8), "uint16": np.dtype("<u2")}
_MOST_DESCRIPTION = 1 << 16


@dataclass(frozen=True, slots=True)
class PixelFile:
    """Pixels with what is known about them; see :class:`gyrus.imaging.Decoded` for the fields."""

    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    format: str
    mode: str
    window: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return everything but the numbers, JSON-able."""
        return {
            "shape": list(self.pixels.shape),
            "type": self.pixels.dtype.name,
            "format": self.format,
            "mode": self.mode,
            "window": None if self.window is None else list(self.window),
            "notes": list(self.notes),
        }

    def to_bytes(self) -> bytes:
        """Return it as bytes."""
        described = json.dumps(self.describe(), sort_keys=True, separators=(",", ":")).encode()
        numbers = np.ascontiguousarray(self.pixels, self.pixels.dtype.newbyteorder("<")).tobytes()
        return b"".join((BEGINNING, _LENGTH.pack(len(described)), described, numbers))


def from_bytes(data: bytes, name: str, limits: Limits) -> PixelFile:
    """Return what :meth:`PixelFile.to_bytes` gave.

    Raises
    ------
    ImageError
        When the bytes are not such, or the image is outside the limits.
    """
    start = len(BEGINNING) + _LENGTH.size
    try:
        (length,) = _LENGTH.unpack(data[len(BEGINNING) : start])
        described = json.loads(data[start : start + length]) if length <= _MOST_DESCRIPTION else None
        return from_description(described, data[start + length :], name, limits)
    except (struct.error, ValueError, RecursionError) as error:
        if isinstance(error, ImageError):
            raise
        raise _broken(name) from error


def from_description(described: Any, numbers: bytes, name: str, limits: Limits) -> PixelFile:
    """Return pixels from their description and their numbers, both checked.

    Raises
    ------
    ImageError
        When they do not fit together, or the image is outside the limits.
    """
    try:
        shape = _shape(described["shape"])
        kind = _TYPES[described["type"]]
        low_high = described["window"]
        window = None if low_high is None else (float(low_high[0]), float(low_high[1]))
        texts = [described["format"], described["mode"], *described["notes"]]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _broken(name) from error
    limits.check_pixels(shape[1], shape[0], name)
    if len(numbers) != math.prod(shape) * kind.itemsize or not all(isinstance(text, str) for text in texts):
        raise _broken(name)
    if window is not None and not all(map(math.isfinite, window)):
        raise _broken(name)
    pixels: npt.NDArray[Any] = np.frombuffer(numbers, kind).reshape(shape)
    return PixelFile(pixels, texts[0], texts[1], window, tuple(texts[2:]))


def _shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    if (
        len(sizes) not in (2, 3)
        or not all(type(size) is int for size in sizes)
        or list(sizes[2:]) not in ([], [3])
    ):
        raise ValueError("no shape of an image")
    return tuple(sizes)


def _broken(name: str) -> ImageError:
    return ImageError("is damaged: its pixels do not fit their description", path=name, fix="read it again")
