"""Three hashes of an image: of its bytes, of its pixels, of its look."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import numpy.typing as npt

from gyrus.imaging.look import Looks, look

_FREQUENCIES = 8  # lowest frequencies kept, each way
_BATCH = 64  # looks at a time: their numbers stay in the processor's cache


def byte_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes (64 hexadecimal digits)."""
    return hashlib.sha256(data).hexdigest()


def pixel_hash(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> str:
    """Return a SHA-256 over shape, type and values of decoded pixels (64 hexadecimal digits).

    The same picture in another container has the same hash; an image whose three channels are equal counts
    as the grey image.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16
        (height, width), (height, width, 1) or (height, width, 3).
    """
    plain = _without_equal_channels(pixels)
    kind = "uint8" if plain.dtype == np.uint8 else plain.dtype.name  # NumPy makes the name anew each time
    digest = hashlib.sha256(f"{kind} {plain.shape}".encode())
    digest.update(np.ascontiguousarray(plain, dtype=plain.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _without_equal_channels(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    if pixels.ndim == 2:
        return pixels
    first = pixels[:, :, 0]
    if all(np.array_equal(first, pixels[:, :, channel]) for channel in range(1, pixels.shape[2])):
        return first
    return pixels


def perceptual_hash(grey: npt.NDArray[np.uint8]) -> str:
    """Return a 64-bit hash of how an image looks (16 hexadecimal digits); see :func:`perceptual_hashes`.

    Parameters
    ----------
    grey : ndarray of uint8
        (height, width) or (height, width, 1).
    """
    return perceptual_hashes(look(grey)[np.newaxis])[0]


def perceptual_hashes(looks: Looks) -> list[str]:
    """Return a 64-bit hash of each look (16 hexadecimal digits).

    Of the look's two-dimensional cosine transform (DCT-II) the 8 x 8 lowest frequencies are kept, each bit
    telling whether one lies above the median of the 63 that are not the mean (after Zauner 2010,
    "Implementation and benchmarking of perceptual image hash functions"). Re-encoding or resizing changes few
    bits; mirroring changes many. A small distance is a hint, not a proof.

    Parameters
    ----------
    looks : ndarray of uint8
        (n, 64, 64) small pictures; see :func:`gyrus.imaging.look.look`.
    """
    basis = _cosines(looks.shape[-1])
    hashes: list[str] = []
    for start in range(0, len(looks), _BATCH):
        low = basis @ looks[start : start + _BATCH].astype(np.float64) @ basis.T
        # a flat image has coefficients of 1e-13 whose sign is noise
        coefficients = np.round(low, 6).reshape(len(low), -1)
        bits = coefficients > _median(coefficients[:, 1:])
        hashes += [line.tobytes().hex() for line in np.packbits(bits, axis=1)]
    return hashes


def _median(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the median of each row of odd length; ``numpy.median`` first loads the masked arrays."""
    half = rows.shape[1] // 2
    middle: npt.NDArray[np.float64] = np.partition(rows, half, axis=1)[:, half : half + 1]
    return middle


@functools.cache
def _cosines(side: int) -> npt.NDArray[np.float64]:
    """(8, side) rows of the orthogonal DCT-II matrix up to scale."""
    frequency = np.arange(_FREQUENCIES)[:, np.newaxis]
    position = np.arange(side)[np.newaxis, :]
    rows: npt.NDArray[np.float64] = np.cos(np.pi * frequency * (2 * position + 1) / (2 * side))
    return rows
