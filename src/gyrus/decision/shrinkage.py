"""A covariance of few images in many dimensions: shrunk, and kept as its largest axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def shrunk_axes(centred: npt.NDArray[np.floating], *, most: int) -> tuple[Floats, Floats, float]:
    """Return the axes of the shrunk covariance, the variances along them, and the mean one of the rest.

    Parameters
    ----------
    centred : ndarray
        (n, features), each row minus the mean of its class.
    most : int
        Axes to keep, those of the largest variance.

    Returns
    -------
    axes : ndarray, shape (kept, features)
        Orthonormal rows.
    variances : ndarray, shape (kept,)
        Largest first.
    rest : float
        Variance along every direction outside the axes.

    Notes
    -----
    Ledoit and Wolf 2004: (1 - s) S + s m I, with m the mean eigenvalue of S and s estimated from the data.
    Shrinking moves every eigenvalue and leaves the axes, so it is done on the eigenvalues.
    """
    values = np.asarray(centred, dtype=np.float64)
    count, features = values.shape
    wide = features > count
    # S and its smaller twin share the eigenvalues that are not zero
    gram = (values @ values.T if wide else values.T @ values) / count
    eigenvalues, vectors = np.linalg.eigh(gram)
    largest = np.argsort(eigenvalues)[::-1][: min(most, features, count)]
    found = np.maximum(eigenvalues[largest], 0.0)
    real = found > found[0] * 1e-10 if found[0] > 0 else np.zeros(len(found), dtype=bool)
    largest, found = largest[real], found[real]
    axes = (values.T @ vectors[:, largest]).T if wide else vectors[:, largest].T
    axes /= np.sqrt((axes * axes).sum(axis=1, keepdims=True))
    total = float((values * values).sum() / count)
    mean, share = total / features, _shrinkage(values, gram, total / features)
    variances = (1.0 - share) * found + share * mean
    outside = features - len(found)
    rest = 0.0 if outside == 0 else max(total - float(found.sum()), 0.0) / outside
    # the floor keeps images that are all alike from making every other one infinitely far
    return axes, np.maximum(variances, 1e-12), max((1.0 - share) * rest + share * mean, 1e-12)


def _shrinkage(values: Floats, gram: Floats, mean: float) -> float:
    """Return the share s of Ledoit and Wolf 2004, of centred rows and a matrix with the eigenvalues of S."""
    count, features = values.shape
    norm = float((gram * gram).sum())  # squared Frobenius norm of S
    distance = norm / features - mean * mean
    lengths = (values * values).sum(axis=1)
    spread = (float((lengths * lengths).sum()) / count - norm) / (count * features)
    return 1.0 if distance <= 0.0 else float(np.clip(spread / distance, 0.0, 1.0))
