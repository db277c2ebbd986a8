"""How an image looks, as numbers that copies share: a small picture and its lowest frequencies.

A copy that was re-encoded, resized, brightened, mirrored or turned has (nearly) the same picture at 64 x 64
in one of eight orientations. Comparing all pictures pixel by pixel is too slow for 100,000 images, so each
is first described by the lowest frequencies of its cosine transform (DCT-II, orthonormal). Mirroring only
changes the sign of the odd frequencies and a quarter turn swaps the two axes as well, so all eight
orientations are compared without drawing any of them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

LOOK_SIDE_PX = 64
LOOK_FREQUENCIES = 12
ORIENTATIONS = 8  # 0 as it is; bit 0: mirrored left-right; bit 1: mirrored up-down; bit 2: transposed first

_SIZE = (LOOK_SIDE_PX, LOOK_SIDE_PX)
_TWICE = (0, 0, 2 * LOOK_SIDE_PX, 2 * LOOK_SIDE_PX)
_TOGETHER = 8  # looks made at a time: their numbers stay in the processor's cache
_PRECISION = 22  # bits behind the point of Pillow's weights
_HALF = 1 << (_PRECISION - 1)
_EDGE_WEIGHTS = tuple(round(share / 7 * (1 << _PRECISION)) for share in (3, 1))  # 3, 3, 1 at the border

Looks = npt.NDArray[np.uint8]
Spectra = npt.NDArray[np.float32]


def look(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the small picture (64, 64) uint8 of a grey image (height, width) or (height, width, 1).

    Averaged by whole factors to at least twice the size, then by a triangle twice as wide as a small pixel:
    so a copy of half the size, or a mirrored one, has the same picture within 0.998 (a plain mean over areas
    has 0.95, for their borders fall between pixels).
    """
    small: npt.NDArray[np.uint8] = looks_of([coarse(grey)])[0]
    return small


@dataclass(frozen=True, slots=True)
class Coarse:
    """An image averaged by whole factors, half-way to its look.

    Attributes
    ----------
    picture : PIL.Image.Image
        Fewer than 256 pixels wide and high.
    box : tuple of float
        What of it the image covers: its last column and row may stand for less than the others.
    """

    picture: Image.Image
    box: tuple[float, float, float, float]


def coarse(grey: npt.NDArray[np.uint8]) -> Coarse:
    """Take the first step to the look of a grey image (height, width) or (height, width, 1)."""
    height, width = grey.shape[:2]
    picture = Image.frombuffer("L", (width, height), np.ascontiguousarray(grey), "raw", "L", 0, 1)
    across, down = max(1, width // (2 * LOOK_SIDE_PX)), max(1, height // (2 * LOOK_SIDE_PX))
    if across * down > 1:
        picture = picture.reduce((across, down))
    return Coarse(picture, (0, 0, width / across, height / down))


def looks_of(images: Sequence[Coarse]) -> Looks:
    """Return the looks (n, 64, 64) of images after their first step; many at once cost less each."""
    looks = np.empty((len(images), *_SIZE), np.uint8)
    twice = [place for place, image in enumerate(images) if image.box == _TWICE]
    shared = len(twice) - len(twice) % _TOGETHER
    for start in range(0, shared, _TOGETHER):
        places = twice[start : start + _TOGETHER]
        looks[places] = halved(np.stack([np.asarray(images[place].picture) for place in places]))
    for place in sorted(set(range(len(images))).difference(twice[:shared])):
        picture, box = images[place].picture, images[place].box
        looks[place] = np.asarray(picture.resize(_SIZE, Image.Resampling.BILINEAR, box=box))
    return looks


def halved(pictures: Looks) -> Looks:
    """Return pictures (n, 2 a, 2 b) at half the size: to the grey level what Pillow's bilinear filter gives.

    At half the size the triangle weighs four pixels 1, 3, 3, 1. Pillow goes through the pictures one by one;
    here most of the work is shared.
    """
    n, height, width = pictures.shape
    pairs: npt.NDArray[np.uint16] = np.ascontiguousarray(pictures).view("<u2")
    narrow = _joined(pairs & np.uint16(0xFF), pairs >> np.uint16(8), step=1)
    _join_edges(narrow.swapaxes(1, 2), pictures.swapaxes(1, 2))
    lines = narrow.reshape(n, height // 2, width)  # each an upper and a lower line
    upper, lower = (half.astype(np.uint16) for half in np.split(lines, 2, axis=2))
    small = _joined(upper, lower, step=width // 2)
    _join_edges(small, narrow)
    return small


def _joined(first: npt.NDArray[np.uint16], second: npt.NDArray[np.uint16], step: int) -> Looks:
    """Return (1, 3, 3, 1) / 8 over second, first, second, first; neighbours lie ``step`` apart in memory.

    At the edges of a picture the neighbours are those of another line or picture: wrong there.
    """
    total = first + second
    total *= 3
    flat = total.reshape(-1)
    flat[step:] += second.reshape(-1)[:-step]
    flat[:-step] += first.reshape(-1)[step:]
    total += 4
    total >>= 3
    return total.astype(np.uint8)


def _join_edges(small: Looks, pictures: Looks) -> None:
    """Set the first and the last row of (n, a, b): (3, 3, 1) / 7 over the outer rows of (n, 2 a, b)."""
    near, far = (np.uint32(weight) for weight in _EDGE_WEIGHTS)
    for row, outer, inner, third in ((0, 0, 1, 2), (-1, -1, -2, -3)):
        both = pictures[:, outer].astype(np.uint32) + pictures[:, inner]
        small[:, row] = (both * near + pictures[:, third] * far + _HALF) >> _PRECISION


def standardise(looks: Looks) -> npt.NDArray[np.float32]:
    """Return looks (n, side, side) with mean 0 and length 1, so that a dot product is a correlation.

    A blank picture has no correlation with anything: it becomes all zeros.
    """
    centred = looks.astype(np.float32)
    centred -= centred.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt(np.einsum("nij,nij->n", centred, centred))
    length[length <= 1e-3] = np.inf
    centred /= length[:, np.newaxis, np.newaxis]
    return centred


def spectrum(looks: Looks, frequencies: int = LOOK_FREQUENCIES) -> Spectra:
    """Return the lowest frequencies of looks, as vectors of length 1.

    Parameters
    ----------
    looks : ndarray of uint8
        (n, side, side).

    Returns
    -------
    ndarray of float32
        (n, frequencies, frequencies): vertical frequency, horizontal frequency. Zeros for a blank picture.
    """
    out = low_frequencies(looks, frequencies)
    length = np.sqrt(np.einsum("nij,nij->n", out, out))
    length[length <= 1e-6] = np.inf
    out /= length[:, np.newaxis, np.newaxis]
    return out


def low_frequencies(looks: Looks, frequencies: int) -> Spectra:
    """Return the lowest frequencies of standardised looks; all 64 x 64 would have length 1.

    Returns
    -------
    ndarray of float32
        (n, frequencies, frequencies): vertical frequency, horizontal frequency. Zeros for a blank picture.
    """
    basis = _cosines(looks.shape[1], min(frequencies, looks.shape[1]))
    out = np.empty((len(looks), len(basis), len(basis)), np.float32)
    for start in range(0, len(looks), 1024):  # a block at a time: the float copies stay small
        out[start : start + 1024] = basis @ standardise(looks[start : start + 1024]) @ basis.T
    return out


def sharpen(spectra: Spectra) -> Spectra:
    """Return spectra weighted towards their higher frequencies, again of length 1.

    All heads share their lowest frequencies, an ellipse on black; what tells two pictures apart lies above.
    The weight is the frequency to the power 1.5, about the inverse of how a brain slice's spectrum falls off.
    It is the same for every orientation.
    """
    frequency = np.arange(spectra.shape[-1], dtype=np.float32)
    weighted = spectra * np.hypot(frequency[:, np.newaxis], frequency) ** 1.5
    length = np.sqrt(np.einsum("nij,nij->n", weighted, weighted))
    length[length <= 1e-6] = np.inf
    sharp: Spectra = weighted / length[:, np.newaxis, np.newaxis]
    return sharp


def orient(pictures: npt.NDArray[np.generic], orientation: int) -> npt.NDArray[np.generic]:
    """Return pictures (…, side, side) in one of the eight orientations (a view)."""
    if orientation & 4:
        pictures = np.swapaxes(pictures, -1, -2)
    if orientation & 2:
        pictures = pictures[..., ::-1, :]
    if orientation & 1:
        pictures = pictures[..., ::-1]
    return pictures


def orient_spectrum(spectra: Spectra, orientation: int) -> Spectra:
    """Return the spectra that the oriented pictures would have (exactly; see the module's text)."""
    if orientation & 4:
        spectra = np.swapaxes(spectra, -1, -2)
    sign = (-1.0) ** np.arange(spectra.shape[-1], dtype=np.float32)
    if orientation & 2:
        spectra = spectra * sign[:, np.newaxis]
    if orientation & 1:
        spectra = spectra * sign
    return spectra


def orientation_name(orientation: int) -> str:
    """Return the words for an orientation: how the second image must be moved to look like the first."""
    return (
        "the same way up",
        "mirrored left-right",
        "mirrored up-down",
        "turned by 180°",
        "mirrored along the diagonal",
        "turned by a quarter clockwise",
        "turned by a quarter counter-clockwise",
        "mirrored along the other diagonal",
    )[orientation]


@functools.cache
def _cosines(side: int, frequencies: int) -> npt.NDArray[np.float32]:
    """(frequencies, side) first rows of the orthonormal DCT-II matrix."""
    frequency = np.arange(frequencies)[:, np.newaxis]
    position = np.arange(side)[np.newaxis, :]
    basis = np.cos(np.pi * frequency * (2 * position + 1) / (2 * side)) * np.sqrt(2 / side)
    basis[0] /= np.sqrt(2)
    rows: npt.NDArray[np.float32] = basis.astype(np.float32)
    return rows


HASH_FREQUENCIES = 16


def look_hash(looks: Looks) -> npt.NDArray[np.uint8]:
    """Return 256 bits per look: the signs of its 16 x 16 lowest frequencies.

    Returns
    -------
    ndarray of uint8
        (n, 32).
    """
    signs = spectrum(looks, HASH_FREQUENCIES).reshape(len(looks), -1) > 0
    return np.packbits(signs, axis=1)


def firm_signs(looks: Looks, count: int) -> npt.NDArray[np.float32]:
    """Return the signs of the ``count`` largest frequencies of each look, and 0 elsewhere.

    The sign of a small frequency is noise. Only the picture that is asked about knows which are small; the
    hash that it is compared with does not.

    Returns
    -------
    ndarray of float32
        (n, 16, 16) of -1, 0 and 1; all 0 for a blank picture.
    """
    frequencies = spectrum(looks, HASH_FREQUENCIES)
    size = np.abs(frequencies)
    limit = np.partition(size.reshape(len(looks), -1), -count, axis=1)[:, -count, np.newaxis, np.newaxis]
    signs: npt.NDArray[np.float32] = np.sign(frequencies)
    signs *= size >= limit
    return signs
