"""Losses: a number for a batch, and its gradient by what the network answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError
from gyrus.numpy_nn.layer import Array


def softmax(logits: Array) -> Array:
    """Return probabilities (n, classes); shifted by the largest logit, so that nothing overflows."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


def softmax_cross_entropy(logits: Array, labels: npt.NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Return the mean of -log softmax(logits)[label], and its gradient by the logits.

    Parameters
    ----------
    logits : ndarray
        (n, classes).
    labels : ndarray of int
        (n,), from 0 to classes - 1.

    Raises
    ------
    DataError
        For labels that are not whole numbers in that range, or one-hot rows.
    """
    check_labels(labels, logits.shape)
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = float((log_sum[:, 0] - shifted[rows, labels]).mean())
    gradient = np.exp(shifted - log_sum)
    gradient[rows, labels] -= 1
    return loss, gradient / len(logits)


def mean_squared_error(answers: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean of (answer - target)² over all numbers, and its gradient by the answers."""
    if answers.shape != targets.shape:
        raise DataError(f"expected targets {answers.shape}, got {targets.shape}")
    difference = answers - targets
    return float((difference**2).mean()), 2 * difference / difference.size


def check_labels(labels: npt.NDArray[Any], logits_shape: tuple[int, ...]) -> None:
    """Check indices of classes against logits (n, classes)."""
    n, classes = logits_shape
    if labels.ndim == 2:
        raise DataError(
            f"expected an index of the class for each image ({n},), got one-hot rows {labels.shape}",
            fix="use labels.argmax(axis=1)",
        )
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise DataError(f"expected {n} whole numbers, got {labels.dtype} of shape {labels.shape}")
    if n and not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"expected labels from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
