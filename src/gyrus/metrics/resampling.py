"""The bootstrap over patients, by weights: a patient drawn twice weighs 2, one not drawn weighs 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray

Weights = npt.NDArray[np.float32]
_CHUNK_BYTES = 24 * 2**20


def cluster_weights(n_groups: int, n_samples: int, seed: int) -> Weights:
    """Draw how often each group occurs in each resample of as many groups (Efron, 1979).

    Returns
    -------
    ndarray of float32, shape (n_groups, n_samples)
        Each column sums to ``n_groups``.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, n_groups, size=(n_samples, n_groups))
    cell = drawn + np.arange(n_samples)[:, None] * n_groups
    counts = np.bincount(cell.ravel(), minlength=n_samples * n_groups)
    return np.ascontiguousarray(counts.reshape(n_samples, n_groups).T.astype(np.float32))


def image_weights(weights: Weights, groups: npt.NDArray[np.int64]) -> Iterator[tuple[slice, Weights]]:
    """Yield the weights of the images, a few resamples at a time, so that they stay small in memory.

    Parameters
    ----------
    weights : ndarray, shape (n_groups, n_samples)
    groups : ndarray of int64, shape (n,)

    Yields
    ------
    columns : slice
        Which resamples.
    ndarray of float32, shape (n, columns)
    """
    width = max(16, _CHUNK_BYTES // (4 * max(len(groups), 1)))
    for start in range(0, weights.shape[1], width):
        columns = slice(start, min(start + width, weights.shape[1]))
        yield columns, weights[:, columns][groups]


def percentile_interval(replicates: npt.ArrayLike, confidence: float) -> tuple[float, float]:
    """Return the percentile interval of resampled values, undefined ones left out.

    It is too short with few patients: see :mod:`gyrus.metrics.intervals` for one that is not.

    Returns
    -------
    low, high : float
        NaN when no replicate is defined.
    """
    values: FloatArray = np.asarray(replicates, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
