"""Smooth random fields, made on a coarse grid and enlarged by two small matrix products.

A field of 192 x 192 pixels costs about 0.1 ms this way; filtering white noise of the full size costs ten
times that.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

BLOCK = 250_000  # multiplications; OpenBLAS starts threads from 262,144 on


@lru_cache(maxsize=64)
def _spread(size: int, knots: int, width: float) -> Field:
    """Return the (size, knots) matrix of Gaussians of ``width`` (fraction of the frame), one on each knot."""
    margin = 2.5 * width
    at = np.linspace(-margin, 1 + margin, knots)
    pixel = (np.arange(size) + 0.5) / size
    return np.exp(-0.5 * ((pixel[:, None] - at[None, :]) / width) ** 2).astype(np.float32)


def _knots(width: float) -> int:
    return int(np.ceil((1 + 5 * width) / (0.9 * width))) + 1


def _enlarged(spread: Field, noise: Field) -> Field:
    return _product(spread, _product(noise, np.ascontiguousarray(spread.T)))


def _product(left: Field, right: Field) -> Field:
    """Multiply in blocks of rows so small that the BLAS starts no threads.

    Its threads would gain nothing here, and on a busy machine their barrier costs more than the product.
    """
    rows = max(1, BLOCK // right.size)
    product = np.empty((left.shape[0], right.shape[1]), dtype=np.float32)
    for start in range(0, left.shape[0], rows):
        np.matmul(left[start : start + rows], right, out=product[start : start + rows])
    return product


def smooth_field(rng: np.random.Generator, size: int, width: float) -> Field:
    """Return a smooth random field.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Height and width in pixels.
    width : float
        Standard deviation of the smoothing Gaussian as a fraction of the frame; the field varies over about
        three times that.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Mean about 0, standard deviation about 1.
    """
    knots = _knots(width)
    spread = _spread(size, knots, width)
    field = _enlarged(spread, rng.standard_normal((knots, knots), dtype=np.float32))
    # the variance of the product is known, so a field is not scaled by its own extremes
    field /= np.float32(np.mean(np.sum(spread.astype(np.float64) ** 2, axis=1)))
    return field


def folded_field(rng: np.random.Generator, size: int, wavelength: float) -> Field:
    """Return a band-passed random field whose level lines wind like the folds of a cortex.

    Parameters
    ----------
    wavelength : float
        Distance from fold to fold as a fraction of the frame.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Mean about 0, standard deviation about 1.
    """
    fine, coarse = 0.20 * wavelength, 0.32 * wavelength
    knots = _knots(fine)
    noise = rng.standard_normal((knots, knots), dtype=np.float32)
    inner, outer = _band(size, knots, fine, coarse)
    field = _enlarged(inner, noise) - _enlarged(outer, noise)
    field /= field.std()
    return field


@lru_cache(maxsize=16)
def _band(size: int, knots: int, fine: float, coarse: float) -> tuple[Field, Field]:
    """Return two spreads over the same knots whose difference has no mean (a difference of Gaussians)."""
    margin = 2.5 * fine
    at = np.linspace(-margin, 1 + margin, knots)
    pixel = (np.arange(size) + 0.5) / size
    offset = pixel[:, None] - at[None, :]
    pair = [np.exp(-0.5 * (offset / width) ** 2) / width for width in (fine, coarse)]
    return pair[0].astype(np.float32), pair[1].astype(np.float32)
