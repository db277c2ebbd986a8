"""What a file and its full-size pixels tell that has nothing to do with the brain in them.

See :mod:`gyrus.imaging.nuisance` for what it is for. From each image a small sample is taken while its pixels
are at hand; the samples of many images are measured together, which costs a third of one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.imaging.decoding import Decoded
from gyrus.imaging.jpeg_quality import jpeg_quality

WHITE = 225  # grey level from which on a border counts as white
_NEARLY_ALL = 0.9
_WINDOW_PX = 64  # side of the middle in which sharpness is measured
_TOGETHER_PX = 8 * _WINDOW_PX**2  # measured at a time: their numbers stay in the processor's cache
_ONES = np.ones(_WINDOW_PX**2, np.float32)
_COLOUR_STEP_PX = 7  # every seventh pixel each way is looked at for colour
_COLOURED = 48  # difference of channels from which on a pixel counts as coloured
_HEADER_BYTES = 1 << 13
# first letters are left out, so that the header need not be brought to lower case
_SCREEN_WORDS = {
    b"reenshot": "screenshot", b"creen Shot": "screen shot", b"creen shot": "screen shot",
    b"creen Capture": "screen capture", b"nipping Tool": "snipping tool", b"ightshot": "lightshot",
}  # fmt: skip
_SCREEN_PARTS = (b"reen", b"nipping Tool", b"ightshot")  # each word holds one of them


@dataclass(frozen=True, slots=True)
class FileTraces:
    """The nuisance facts that need the file and all its pixels.

    Explained at :class:`gyrus.imaging.nuisance.Nuisance`.
    """

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


@dataclass(frozen=True, slots=True)
class Sample:
    """What is kept of an image until its traces are measured.

    Attributes
    ----------
    format, mode, bits, file_bytes, jpeg_quality, coloured, screen_word
        As in :class:`FileTraces`.
    sides : tuple of bytes
        The outermost two pixels at the top, the bottom, the left and the right.
    middle : ndarray of uint8
        At most (64, 64): a copy of the middle of the image.
    """

    format: str
    mode: str
    bits: int
    file_bytes: int
    jpeg_quality: int
    coloured: float
    screen_word: str
    sides: tuple[bytes, bytes, bytes, bytes]
    middle: npt.NDArray[np.uint8]


def sample_of(data: bytes, decoded: Decoded, grey: npt.NDArray[np.uint8]) -> Sample:
    """Take from an image what :func:`traces_of_samples` needs.

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
    top, left = (max(0, (side - _WINDOW_PX) // 2) for side in plane.shape)
    return Sample(
        format=decoded.format,
        mode=decoded.mode,
        bits=_bits(data, decoded),
        file_bytes=len(data),
        jpeg_quality=jpeg_quality(data),
        coloured=_coloured(decoded),
        screen_word=_screen_word(data[: decoded.header_bytes]),
        sides=(
            plane[:2].tobytes(), plane[-2:].tobytes(), plane[:, :2].tobytes(), plane[:, -2:].tobytes(),
        ),
        middle=plane[top : top + _WINDOW_PX, left : left + _WINDOW_PX].copy(),
    )  # fmt: skip


def traces_of_samples(samples: Sequence[Sample]) -> list[FileTraces]:
    """Measure the traces of images; many at once cost less each."""
    return [
        FileTraces(
            format=sample.format,
            mode=sample.mode,
            bits=sample.bits,
            file_bytes=sample.file_bytes,
            jpeg_quality=sample.jpeg_quality,
            sharpness=sharpness,
            border_mean=border_mean,
            border_white=border_white,
            white_sides=white_sides,
            coloured=sample.coloured,
            screen_word=sample.screen_word,
        )
        for sample, sharpness, (border_mean, border_white, white_sides) in zip(
            samples,
            _sharpness_of([sample.middle for sample in samples]),
            [_border(sample.sides) for sample in samples],
            strict=True,
        )
    ]


def traces_of(data: bytes, decoded: Decoded, grey: npt.NDArray[np.uint8]) -> FileTraces:
    """Return the traces of one image; see :func:`sample_of` for the parameters."""
    return traces_of_samples([sample_of(data, decoded, grey)])[0]


def rounded(number: float | np.floating[Any]) -> float:
    """Return a fact as it is kept: the same in a cache and afresh."""
    return round(float(number), 4)


def _bits(data: bytes, decoded: Decoded) -> int:
    if decoded.mode == "1":
        return 1
    deep_png = decoded.format == "PNG" and data[24:25] == b"\x10"  # Pillow reads 16-bit colour as 8-bit
    return 16 if deep_png or decoded.pixels.dtype == np.uint16 else 8


def _border(sides: tuple[bytes, ...]) -> tuple[float, float, int]:
    """Return the mean and the share of white pixels of all sides, and how many sides are white."""
    line = np.frombuffer(b"".join(sides), np.uint8)
    bright = line >= WHITE
    start, white, white_sides = 0, 0, 0
    for side in sides:
        count = int(np.count_nonzero(bright[start : start + len(side)]))
        start += len(side)
        white += count
        white_sides += count >= _NEARLY_ALL * len(side)
    numbers = line.astype(np.float64)  # of whole numbers any sum is exact
    return rounded(np.add.reduce(numbers) / start), rounded(white / start), white_sides


def _sharpness_of(middles: Sequence[npt.NDArray[np.uint8]]) -> list[float]:
    """Return the sharpness of each; those of one size a few at a time."""
    sharpness = [0.0] * len(middles)
    of_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, middle in enumerate(middles):
        of_size[middle.shape].append(place)
    for (height, width), places in of_size.items():
        together = max(1, _TOGETHER_PX // (height * width))
        for start in range(0, len(places), together):
            group = places[start : start + together]
            found = _sharpness(np.stack([middles[place] for place in group]))
            for place, number in zip(group, found, strict=True):
                sharpness[place] = number
    return sharpness


def _sharpness(middles: npt.NDArray[np.uint8]) -> list[float]:
    """Return the mean size of the four-neighbour Laplacian over the mean deviation, of (n, height, width)."""
    n, height, width = middles.shape
    if min(height, width) < 3:
        return [0.0] * n
    grey = middles.astype(np.float32)  # all numbers and sums are whole and below 2^24: exact
    inner = grey[:, 1:-1, 1:-1]
    curved = 4 * inner
    for neighbours in (grey[:, :-2, 1:-1], grey[:, 2:, 1:-1], grey[:, 1:-1, :-2], grey[:, 1:-1, 2:]):
        curved -= neighbours
    deviation = inner.reshape(n, -1)
    size = deviation.shape[1]
    deviation -= np.floor(_sums(deviation) / size).astype(np.float32)[:, np.newaxis]
    spread = (_sums(np.abs(deviation, out=deviation)) / size).tolist()
    curvature = (_sums(np.abs(curved, out=curved).reshape(n, -1)) / size).tolist()
    return [rounded(much / wide) if wide > 0 else 0.0 for much, wide in zip(curvature, spread, strict=True)]


def _sums(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return (rows @ _ONES[: rows.shape[1]]).astype(np.float64)


def _coloured(decoded: Decoded) -> float:
    if decoded.pixels.ndim == 2:
        return 0.0
    some = decoded.pixels[::_COLOUR_STEP_PX, ::_COLOUR_STEP_PX]
    red, green, blue = (some[:, :, channel] for channel in range(3))  # ten times as fast as along the axis
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    return rounded(np.count_nonzero(most - least >= _COLOURED) / most.size)


def _screen_word(data: bytes) -> str:
    """Return what a program that takes screenshots left in the file's header."""
    header = data[:_HEADER_BYTES]
    if not any(part in header for part in _SCREEN_PARTS):
        return ""
    return next((meant for written, meant in _SCREEN_WORDS.items() if written in header), "")
