"""Fitted on some patients, applied to the others: what a fit is worth, without a set kept aside for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.calibration import Calibration
from gyrus.decision.cases import Cases

FOLDS = 5
"""Where a whole decision is fitted in each."""
MOST_LEFT_OUT, PARTS = 250, 20
"""Up to so many patients each is left out by itself, so that no deal decides; more are dealt into parts."""


def usual_folds(cases: Cases) -> int:
    """Return into how many folds patients are dealt for a calibration: one each, or 20 of very many."""
    return cases.n_groups if cases.n_groups <= MOST_LEFT_OUT else PARTS


def patient_folds(cases: Cases, seed: int, folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """Return the fold of each image, (n,): patients dealt at random, those of one class evenly."""
    rng = np.random.default_rng(seed)
    n_groups = cases.n_groups
    shown = np.zeros((n_groups, len(cases.classes)))
    np.add.at(shown, cases.groups, cases.truth.astype(np.float64))
    order = rng.permutation(n_groups)
    order = order[np.argsort(shown.argmax(axis=1)[order], kind="stable")]
    of_group = np.empty(n_groups, dtype=np.int64)
    of_group[order] = np.arange(n_groups) % min(folds, n_groups)
    return of_group[cases.groups]


def parted(cases: Cases, seed: int, folds: int = FOLDS) -> Iterator[tuple[Cases, npt.NDArray[np.int64]]]:
    """Yield the cases to fit on, and the rows of the others, fold by fold."""
    fold = patient_folds(cases, seed, folds)
    for number in range(int(fold.max(initial=-1)) + 1):
        yield cases.take(np.flatnonzero(fold != number)), np.flatnonzero(fold == number)


def cross_fitted(
    cases: Cases, fit: Callable[[Cases], Calibration], seed: int, folds: int | None = None
) -> FloatArray:
    """Return probabilities (n, n_classes), each by a calibration fitted without the image's patient.

    Parameters
    ----------
    cases : Cases
    fit : callable
        Cases -> calibration.
    seed : int
        Of the deal of the patients; without effect where each is left out by itself.
    folds : int, optional
        Default: :func:`usual_folds`.
    """
    probabilities = np.empty(cases.logits.shape)
    for others, rows in parted(cases, seed, usual_folds(cases) if folds is None else folds):
        probabilities[rows] = fit(others).apply(cases.logits[rows])
    return probabilities
