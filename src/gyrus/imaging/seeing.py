"""All that a scan wants to know of one image file, from one decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError
from gyrus.imaging.decoding import decode
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.hashes import byte_hash, pixel_hash
from gyrus.imaging.look import look
from gyrus.imaging.nuisance import FileTraces, traces_of
from gyrus.imaging.reading import Color, as_uint8
from gyrus.imaging.source import Source


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pixels of an image tell; or why there are none.

    Attributes
    ----------
    pixel_hash : str
        See :func:`gyrus.imaging.pixel_hash`.
    width_px, height_px : int
        Size, upright.
    notes : str
        What the decoder had to say.
    traces : FileTraces or None
        See :mod:`gyrus.imaging.nuisance`; None when the image cannot be read.
    error : str
        Why the image cannot be read; empty when it can.
    """

    pixel_hash: str = ""
    width_px: int = 0
    height_px: int = 0
    notes: str = ""
    traces: FileTraces | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What decoding an image gave.

    Attributes
    ----------
    facts : Facts
        With an error, and nothing else, when it cannot be decoded.
    look : ndarray of uint8 or None
        (64, 64); see :func:`gyrus.imaging.look.look`.
    pixels : ndarray of uint8 or None
        (size, size, channels), when a geometry was given.
    """

    facts: Facts
    look: npt.NDArray[np.uint8] | None = None
    pixels: npt.NDArray[np.uint8] | None = None


def see(data: bytes, name: str, geometry: Geometry | None = None, color: Color = "grey") -> Seen:
    """Decode the bytes of a file; compute its facts, its look and, with ``geometry``, its pixels."""
    try:
        decoded = decode(data, name=name)
    except ImageError as error:
        return Seen(Facts(error=error.message))
    grey = as_uint8(decoded, "grey")
    height, width = decoded.pixels.shape[:2]
    facts = Facts(
        pixel_hash=pixel_hash(decoded.pixels),
        width_px=width,
        height_px=height,
        notes="; ".join(decoded.notes),
        traces=traces_of(data, decoded, grey),
    )
    pixels = None
    if geometry is not None:
        pixels = geometry.apply(grey if color == "grey" else as_uint8(decoded, color))
    return Seen(facts, look(grey), pixels)


def see_file(
    source: Source, sha256: str, geometry: Geometry | None = None, color: Color = "grey"
) -> Seen | None:
    """Read an image and see it; None when its content is no longer that of this SHA-256."""
    try:
        data = source.read()
    except ImageError as error:
        return Seen(Facts(error=error.message))
    return see(data, str(source), geometry, color) if byte_hash(data) == sha256 else None
