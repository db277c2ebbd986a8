"""The confusion matrix: how many images of each class were answered as each class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray

IntArray = npt.NDArray[np.int64]


def confusion_matrix(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, n_classes: int, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """Count the images by true (row) and answered (column) class.

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n,)
        Indices of classes, 0 to ``n_classes`` - 1.
    n_classes : int
    weights : array_like of float, shape (n,), optional
        Weight of each image; 1 without it.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes)

    Raises
    ------
    ValueError
        When the lengths differ or an index is out of range.
    """
    true, answered = checked_labels(y_true, n_classes), checked_labels(y_pred, n_classes)
    if len(true) != len(answered):
        raise ValueError(f"y_true has {len(true)} entries, y_pred {len(answered)}")
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)
    counts = np.bincount(true * n_classes + answered, weights=weight, minlength=n_classes**2)
    return counts.astype(np.float64).reshape(n_classes, n_classes)


def group_confusions(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike, n_classes: int
) -> FloatArray:
    """Return the confusion matrix of every group (patient).

    A matrix for weighted groups is their weighted sum, which is what makes a bootstrap over patients one
    matrix product.

    Parameters
    ----------
    groups : array_like of int, shape (n,)
        Number of each image's group, from 0 without gaps.

    Returns
    -------
    ndarray of float64, shape (n_groups, n_classes, n_classes)
    """
    true, answered = checked_labels(y_true, n_classes), checked_labels(y_pred, n_classes)
    number = np.asarray(groups, dtype=np.int64)
    n_groups = int(number.max()) + 1 if number.size else 0
    cell = (number * n_classes + true) * n_classes + answered
    counts = np.bincount(cell, minlength=n_groups * n_classes**2)
    return counts.astype(np.float64).reshape(n_groups, n_classes, n_classes)


def number_groups(names: npt.ArrayLike) -> tuple[IntArray, int]:
    """Replace the names of groups by numbers from 0, in order of the names.

    Returns
    -------
    numbers : ndarray of int64, shape (n,)
    n_groups : int
    """
    kinds, numbers = np.unique(np.asarray(names), return_inverse=True)
    return numbers.reshape(-1).astype(np.int64), len(kinds)


def checked_labels(labels: npt.ArrayLike, n_classes: int) -> IntArray:
    """Return class indices as an array.

    Raises
    ------
    ValueError
        When they are not whole numbers of one dimension, or one is outside 0 … ``n_classes`` - 1.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        raise ValueError(f"labels are {array.dtype} of shape {array.shape}; expected whole numbers, (n,)")
    if array.size and (array.min() < 0 or array.max() >= n_classes):
        raise ValueError(f"labels run from {array.min()} to {array.max()}; expected 0 to {n_classes - 1}")
    return array.astype(np.int64)
