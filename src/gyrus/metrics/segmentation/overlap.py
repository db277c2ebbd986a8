"""Pixels that two masks have in common: Dice, IoU, precision, recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray, ratio

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixels by class.

    Attributes
    ----------
    true, predicted, both : ndarray of int64, shape (n_classes,)
        Of the class in the truth, in the prediction, in both at the same place.

    Where truth and prediction are both empty, no figure is defined (NaN): nothing was to be found and nothing
    was. A prediction where nothing is has no recall; a miss has no precision; both have Dice and IoU 0.
    """

    true: Ints
    predicted: Ints
    both: Ints

    @property
    def dice(self) -> FloatArray:
        """2 |A and B| / (|A| + |B|) (Dice, 1945), (n_classes,)."""
        return ratio(2 * self.both, self.true + self.predicted)

    @property
    def iou(self) -> FloatArray:
        """|A and B| / |A or B| (Jaccard, 1912), (n_classes,)."""
        return ratio(self.both, self.true + self.predicted - self.both)

    @property
    def precision(self) -> FloatArray:
        """Share of what was drawn that is right, (n_classes,)."""
        return ratio(self.both, self.predicted)

    @property
    def recall(self) -> FloatArray:
        """Share of what is there that was drawn, (n_classes,)."""
        return ratio(self.both, self.true)


def overlaps(true: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> Overlap:
    """Count the pixels of each class.

    Parameters
    ----------
    true, predicted : array_like of int, shape (…)
        0 background, ``i`` the class number ``i`` from 1 to ``n_classes``.
    n_classes : int
        Without the background.

    Raises
    ------
    ValueError
        When the shapes differ, or a number is no class.

    >>> overlaps([[1, 1, 0]], [[0, 1, 2]], 2).both.tolist()
    [1, 0]
    """
    one, other = np.asarray(true), np.asarray(predicted)
    if one.shape != other.shape:
        raise ValueError(f"the truth has shape {one.shape}, the prediction {other.shape}; expected the same")
    size = n_classes + 1
    for what, values in (("truth", one), ("prediction", other)):
        if values.size and not 0 <= int(values.min()) <= int(values.max()) <= n_classes:
            raise ValueError(
                f"the {what} holds {int(values.min())} to {int(values.max())}; expected 0 to {n_classes}"
            )
    pairs = one.astype(np.int64).ravel() * size + other.astype(np.int64).ravel()
    table = np.bincount(pairs, minlength=size * size).reshape(size, size)
    return Overlap(
        true=table.sum(axis=1)[1:].astype(np.int64),
        predicted=table.sum(axis=0)[1:].astype(np.int64),
        both=np.diagonal(table)[1:].astype(np.int64),
    )
