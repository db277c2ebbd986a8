"""The bootstrap over patients, by weights: a patient drawn twice weighs 2, one not drawn weighs 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray

Weights = npt.NDArray[np.float32]
Statistic = Callable[[Weights], FloatArray]
"""Weights of the groups, (n_groups, n_samples), to a value per sample, (n_samples,)."""

_CHUNK_BYTES = 24 * 2**20


def cluster_weights(n_groups: int, n_samples: int, seed: int) -> Weights:
    """Draw how often each group occurs in each resample of as many groups (Efron, 1979).

    Returns
    -------
    ndarray of float32, shape (n_groups, n_samples)
        Each column sums to ``n_groups``.
    """
    return np.concatenate(list(weight_chunks(n_groups, n_samples, seed)), axis=1)


def weight_chunks(n_groups: int, n_samples: int, seed: int) -> Iterator[Weights]:
    """Yield the columns of :func:`cluster_weights`, a few at a time, so that many groups fit in memory."""
    rng = np.random.default_rng(seed)
    width = max(16, _CHUNK_BYTES // (8 * max(n_groups, 1)))
    for start in range(0, n_samples, width):
        size = min(width, n_samples - start)
        drawn = rng.integers(0, n_groups, size=(size, n_groups))
        drawn += np.arange(size)[:, None] * n_groups
        counts = np.bincount(drawn.ravel(), minlength=size * n_groups)
        yield np.ascontiguousarray(counts.reshape(size, n_groups).T.astype(np.float32))


def replicates(statistic: Statistic, n_groups: int, n_samples: int, seed: int) -> FloatArray:
    """Return the values of a statistic in all resamples, (n_samples,)."""
    values = [statistic(weights) for weights in weight_chunks(n_groups, n_samples, seed)]
    return np.concatenate(values) if values else np.empty(0)


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
