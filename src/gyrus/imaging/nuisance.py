"""Nuisance facts: what an image file tells that has nothing to do with the brain in it.

A network takes whatever tells the classes apart. Where one class came from another hospital, web page or
program than the others, that is the size, the compression or the border rather than the disease. These
facts are what :mod:`gyrus.auditing` predicts the class from, and what ``gyrus doctor`` looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.imaging.decoding import Decoded
from gyrus.imaging.look import Looks
from gyrus.imaging.traces import FileTraces, rounded, traces_of

_ALIKE = 12  # grey levels by which a plain border may vary
_BATCH = 64  # looks at a time: their numbers stay in the processor's cache
_ALL_TRUE = np.uint64(0x0101010101010101)  # eight True side by side


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


def nuisance_of_files(traces: Sequence[FileTraces], looks: Looks) -> list[Nuisance]:
    """Return the nuisance facts of images, all those that their looks tell computed at once.

    Parameters
    ----------
    traces : sequence of FileTraces
        (n,) see :mod:`gyrus.imaging.traces`.
    looks : ndarray of uint8
        (n, 64, 64) see :func:`gyrus.imaging.look.look`.
    """
    result: list[Nuisance] = []
    for start in range(0, len(traces), _BATCH):
        small = looks[start : start + _BATCH]
        flat = small.reshape(len(small), -1)
        quarter = small.shape[1] // 4
        centre = small[:, quarter:-quarter, quarter:-quarter]
        mean, contrast = _moments(flat)
        seen = zip(
            traces[start : start + _BATCH],
            mean,
            contrast,
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
        mean=rounded(mean),
        contrast=rounded(contrast),
        look_range=span,
        sharpness=traces.sharpness,
        border_mean=traces.border_mean,
        border_white=traces.border_white,
        white_sides=traces.white_sides,
        border_width=border,
        centre_white=rounded(white),
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


def _moments(rows: npt.NDArray[np.uint8]) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each row; all sums are whole numbers, hence exact."""
    numbers, count = rows.astype(np.float64), rows.shape[1]
    total = numbers.sum(axis=1)
    squares = np.einsum("ij,ij->i", numbers, numbers)
    spread = np.sqrt((count * squares - total * total) / count**2)
    return (total / count).tolist(), spread.tolist()


def _border_widths(small: Looks) -> list[float]:
    """Return how many outer rows and columns are as plain as the edge, as a share of all of them."""
    edge = np.concatenate([small[:, 0], small[:, -1], small[:, :, 0], small[:, :, -1]], axis=1)
    half = edge.shape[1] // 2  # of an even number: the median lies between two
    level = np.partition(edge, (half - 1, half), axis=1)[:, half - 1 : half + 1].sum(axis=1, dtype=np.int16)
    level //= 2
    low, high = (np.clip(level + way, 0, 255).astype(np.uint8) for way in (-_ALIKE, _ALIKE))
    # below the lowest, unsigned numbers wrap round to large ones
    plain = small - low[:, np.newaxis, np.newaxis] <= (high - low)[:, np.newaxis, np.newaxis]
    columns, rows = plain.all(axis=1), _all_of_each_row(plain)
    reach = np.stack([line[:, ::step].argmin(axis=1) for line in (columns, rows) for step in (1, -1)]).sum(
        axis=0
    )
    reach[rows.all(axis=1)] = 4 * small.shape[1]
    return [rounded(number) for number in (reach / (4 * small.shape[1])).tolist()]


def _all_of_each_row(plain: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return ``plain.all(axis=2)`` of (n, rows, 8 k), eight at a time."""
    eights: npt.NDArray[np.uint64] = np.ascontiguousarray(plain).view(np.uint64)
    together: npt.NDArray[np.bool_] = (eights == _ALL_TRUE).all(axis=2)
    return together
