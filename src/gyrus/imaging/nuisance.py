"""Nuisance facts: what an image file tells that has nothing to do with the brain in it.

A network takes whatever tells the classes apart. Where one class came from another hospital, web page or
program than the others, that is the size, the compression or the border rather than the disease. These
facts are what :mod:`gyrus.auditing` predicts the class from, and what ``gyrus doctor`` looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.imaging.decoding import Decoded
from gyrus.imaging.jpeg_quality import jpeg_quality
from gyrus.imaging.look import Looks

WHITE = 225  # grey level from which on a border counts as white
_NEARLY_ALL = 0.9
_ALIKE = 12  # grey levels by which a plain border may vary
_WINDOW_PX = 64  # side of the middle in which sharpness is measured
_COLOUR_STEP_PX = 7  # every seventh pixel each way is looked at for colour
_COLOURED = 48  # difference of channels from which on a pixel counts as coloured
_HEADER_BYTES = 1 << 13
# first letters are left out, so that the header need not be brought to lower case
_SCREEN_WORDS = {
    b"reenshot": "screenshot", b"creen Shot": "screen shot", b"creen shot": "screen shot",
    b"creen Capture": "screen capture", b"nipping Tool": "snipping tool", b"ightshot": "lightshot",
}  # fmt: skip
_SCREEN_PARTS = (b"reen", b"nipping Tool", b"ightshot")  # each word holds one of them
_BATCH = 1024  # looks at a time
_ONES = np.ones(_WINDOW_PX**2, np.float32)


@dataclass(frozen=True, slots=True)
class Nuisance:
    """Facts of one image file.

    Attributes
    ----------
    format, mode : str
        Container (``JPEG``) and stored colour mode (``RGBA``); see :class:`gyrus.imaging.Decoded`.
    bits : int
        Bits per channel as stored: 1, 8 or 16 (32-bit numbers count as 16).
    file_bytes : int
        Size of the file.
    jpeg_quality : int
        1 to 100; 0 for other formats.
    mean, contrast : float
        Mean and standard deviation of the look (64 x 64 grey), in grey levels.
    look_range : int
        Brightest less darkest pixel of the look; near 0 for a blank image.
    sharpness : float
        Mean size of the Laplacian in the image's middle over the mean deviation of its grey levels.
    border_mean : float
        Mean of the outermost two pixels on each side.
    border_white : float
        Share of those pixels that are white.
    white_sides : int
        Number of sides (0 to 4) where nearly all of them are white.
    border_width : float
        How far plain borders reach in, as a share of the side (mean of the four sides).
    centre_white : float
        Share of the image's middle (half the side) that is fully white: near 1 where 16 bits were cut to 8.
    coloured : float
        Share of pixels with a strong colour.
    screen_word : str
        The word in the file's header that calls it a screenshot; else empty.
    """

    format: str
    mode: str
    bits: int
    file_bytes: int
    jpeg_quality: int
    mean: float
    contrast: float
    look_range: int
    sharpness: float
    border_mean: float
    border_white: float
    white_sides: int
    border_width: float
    centre_white: float
    coloured: float
    screen_word: str


@dataclass(frozen=True, slots=True)
class FileTraces:
    """The nuisance facts that need the file and all its pixels; see :class:`Nuisance`."""

    format: str
    mode: str
    bits: int
    file_bytes: int
    jpeg_quality: int
    sharpness: float
    border_mean: float
    border_white: float
    white_sides: int
    coloured: float
    screen_word: str

    def to_list(self) -> list[Any]:
        """Return the facts as JSON-able values, in the order in which ``FileTraces(*values)`` takes them."""
        return [getattr(self, name) for name in self.__slots__]


def traces_of(data: bytes, decoded: Decoded, grey: npt.NDArray[np.uint8]) -> FileTraces:
    """Compute the nuisance facts of an image that its look does not tell.

    Parameters
    ----------
    data : bytes
        The whole file.
    decoded : Decoded
        What it holds.
    grey : ndarray of uint8
        Its 8-bit grey pixels, (height, width) or (height, width, 1).
    """
    plane = grey[:, :, 0] if grey.ndim == 3 else grey
    border_mean, border_white, white_sides = _border(plane)
    return FileTraces(
        format=decoded.format,
        mode=decoded.mode,
        bits=_bits(data, decoded),
        file_bytes=len(data),
        jpeg_quality=jpeg_quality(data),
        sharpness=_sharpness(plane),
        border_mean=border_mean,
        border_white=border_white,
        white_sides=white_sides,
        coloured=_coloured(decoded),
        screen_word=_screen_word(data[: decoded.header_bytes]),
    )


def _border(plane: npt.NDArray[np.uint8]) -> tuple[float, float, int]:
    """Return mean and white share of the outermost two pixels on each side, and the count of white sides."""
    sides = (plane[:2], plane[-2:], plane[:, :2], plane[:, -2:])
    line = np.frombuffer(b"".join([side.tobytes() for side in sides]), np.uint8)
    bright = line >= WHITE
    start, white, white_sides = 0, 0, 0
    for side in sides:
        count = int(np.count_nonzero(bright[start : start + side.size]))
        start += side.size
        white += count
        white_sides += count >= _NEARLY_ALL * side.size
    return _rounded(int(np.add.reduce(line, dtype=np.int64)) / start), _rounded(white / start), white_sides


def nuisance_of_files(traces: Sequence[FileTraces], looks: Looks) -> list[Nuisance]:
    """Return the nuisance facts of images, all those that their looks tell computed at once.

    Parameters
    ----------
    traces : sequence of FileTraces
        (n,) see :func:`traces_of`.
    looks : ndarray of uint8
        (n, 64, 64) see :func:`gyrus.imaging.look.look`.
    """
    result: list[Nuisance] = []
    for start in range(0, len(traces), _BATCH):
        small = looks[start : start + _BATCH]
        flat = small.reshape(len(small), -1)
        quarter = small.shape[1] // 4
        centre = small[:, quarter:-quarter, quarter:-quarter]
        seen = zip(
            traces[start : start + _BATCH],
            flat.mean(axis=1).tolist(),
            flat.std(axis=1).tolist(),
            (flat.max(axis=1).astype(int) - flat.min(axis=1)).tolist(),
            _border_widths(small),
            (centre >= 254).mean(axis=(1, 2)).tolist(),
            strict=True,
        )
        result += [_joined(*values) for values in seen]
    return result


def _joined(
    traces: FileTraces, mean: float, contrast: float, span: int, border: float, white: float
) -> Nuisance:
    return Nuisance(
        format=traces.format,
        mode=traces.mode,
        bits=traces.bits,
        file_bytes=traces.file_bytes,
        jpeg_quality=traces.jpeg_quality,
        mean=_rounded(mean),
        contrast=_rounded(contrast),
        look_range=span,
        sharpness=traces.sharpness,
        border_mean=traces.border_mean,
        border_white=traces.border_white,
        white_sides=traces.white_sides,
        border_width=border,
        centre_white=_rounded(white),
        coloured=traces.coloured,
        screen_word=traces.screen_word,
    )


def nuisance_of(
    data: bytes, decoded: Decoded, grey: npt.NDArray[np.uint8], small: npt.NDArray[np.uint8]
) -> Nuisance:
    """Compute the nuisance facts of one image.

    Parameters
    ----------
    data : bytes
        The whole file.
    decoded : Decoded
        What it holds.
    grey : ndarray of uint8
        Its 8-bit grey pixels, (height, width) or (height, width, 1).
    small : ndarray of uint8
        (64, 64) its look; see :func:`gyrus.imaging.look.look`.
    """
    return nuisance_of_files([traces_of(data, decoded, grey)], small[np.newaxis])[0]


def _rounded(number: float | np.floating[Any]) -> float:
    return round(float(number), 4)


def _bits(data: bytes, decoded: Decoded) -> int:
    if decoded.mode == "1":
        return 1
    deep_png = decoded.format == "PNG" and data[24:25] == b"\x10"  # Pillow reads 16-bit colour as 8-bit
    return 16 if deep_png or decoded.pixels.dtype == np.uint16 else 8


def _sharpness(plane: npt.NDArray[np.uint8]) -> float:
    """Return the mean size of the four-neighbour Laplacian over the mean deviation, in the middle."""
    top, left = (max(0, (side - _WINDOW_PX) // 2) for side in plane.shape)
    # all numbers and their sums are whole and below 2^24: exact in float32, whose sums BLAS does fastest
    middle = plane[top : top + _WINDOW_PX, left : left + _WINDOW_PX].astype(np.float32)
    if min(middle.shape) < 3:
        return 0.0
    inner = middle[1:-1, 1:-1]
    curved = 4 * inner
    for neighbours in (middle[:-2, 1:-1], middle[2:, 1:-1], middle[1:-1, :-2], middle[1:-1, 2:]):
        curved -= neighbours
    flat, ones = inner.ravel(), _ONES[: inner.size]
    deviation = flat - int(flat.dot(ones)) // flat.size
    spread = int(np.abs(deviation, out=deviation).dot(ones)) / flat.size
    curvature = int(np.abs(curved, out=curved).ravel().dot(ones)) / flat.size
    return _rounded(curvature / spread) if spread > 0 else 0.0


def _border_widths(small: Looks) -> list[float]:
    """Return how many outer rows and columns are as plain as the edge, as a share of all of them."""
    edge = np.concatenate([small[:, 0], small[:, -1], small[:, :, 0], small[:, :, -1]], axis=1)
    level = np.median(edge, axis=1).astype(np.int16)
    plain = np.abs(small.astype(np.int16) - level[:, np.newaxis, np.newaxis]) <= _ALIKE
    lines = [plain.all(axis=axis)[:, ::step] for axis in (1, 2) for step in (1, -1)]
    reach = np.stack([line.argmin(axis=1) for line in lines]).sum(axis=0)
    reach[plain.all(axis=(1, 2))] = 4 * small.shape[1]
    return [_rounded(number) for number in (reach / (4 * small.shape[1])).tolist()]


def _coloured(decoded: Decoded) -> float:
    if decoded.pixels.ndim == 2:
        return 0.0
    some = decoded.pixels[::_COLOUR_STEP_PX, ::_COLOUR_STEP_PX]
    red, green, blue = (some[:, :, channel] for channel in range(3))  # ten times as fast as along the axis
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    return _rounded(np.count_nonzero(most - least >= _COLOURED) / most.size)


def _screen_word(data: bytes) -> str:
    """Return what a program that takes screenshots left in the file's header."""
    header = data[:_HEADER_BYTES]
    if not any(part in header for part in _SCREEN_PARTS):
        return ""
    return next((meant for written, meant in _SCREEN_WORDS.items() if written in header), "")
