"""Losses: a number for a batch, and its gradient by what the network answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError
from gyrus.numpy_nn.layer import Array, Shape


def softmax(logits: Array) -> Array:
    """Return probabilities (n, classes); shifted by the largest logit, so that nothing overflows."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return np.asarray(powers)


def softmax_cross_entropy(logits: Array, labels: npt.NDArray[np.integer[Any]]) -> tuple[float, Array]:
    """Return the mean of -log softmax(logits)[label], and its gradient by the logits (n, classes).

    Raises DataError for labels that are not n indices of classes.
    """
    check_labels(labels, logits.shape)
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(shifted - log_sum)
    gradient[rows, labels] -= 1
    return float((log_sum[:, 0] - shifted[rows, labels]).mean()), gradient / len(logits)


def mean_squared_error(answers: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean of (answer - target)² over all numbers, and its gradient by the answers."""
    if answers.shape != targets.shape:
        raise DataError(f"expected targets {answers.shape}, got {targets.shape}")
    difference = answers - targets
    return float((difference**2).mean()), 2 * difference / difference.size


def check_labels(labels: npt.NDArray[Any], logits_shape: Shape) -> None:
    """Check that labels are indices of classes, one for each row of logits (n, classes)."""
    labels, (n, classes) = np.asarray(labels), logits_shape
    if labels.ndim == 2:
        words = f"expected an index of the class for each image ({n},), got one-hot rows {labels.shape}"
        raise DataError(words, fix="use labels.argmax(axis=1)")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise DataError(f"expected {n} whole numbers, got {labels.dtype} of shape {labels.shape}")
    if n and not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"expected labels from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
