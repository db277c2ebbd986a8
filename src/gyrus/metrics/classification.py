"""Figures of a classifier from its confusion matrix. Higher is better throughout.

All functions take matrices of shape (…, K, K), so that thousands of resampled matrices cost one call.
The definitions are those of scikit-learn's ``classification_report``; where a figure is 0/0 it is NaN here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.undefined import FloatArray, ratio, warn_undefined

RATES = ("precision", "sensitivity", "specificity", "f1")


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of one or many confusion matrices.

    Attributes
    ----------
    precision, sensitivity, specificity, f1 : ndarray, shape (…, K)
        Each class against the rest; sensitivity is also called recall. Precision is NaN for a class that
        was never answered, sensitivity for a class without images, F1 for a class with neither.
    support, answered : ndarray, shape (…, K)
        Weight of the images of each class, and of those answered as it.
    accuracy : ndarray, shape (…)
        Share of right answers; NaN without images.
    balanced_accuracy : ndarray, shape (…)
        Mean sensitivity of the classes that have images (Brodersen et al., 2010).
    majority_baseline : ndarray, shape (…)
        Accuracy of always answering the largest class.
    """

    precision: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    f1: FloatArray
    support: FloatArray
    answered: FloatArray
    accuracy: FloatArray
    balanced_accuracy: FloatArray
    majority_baseline: FloatArray

    def macro(self, rate: str) -> FloatArray:
        """Return the plain mean of a rate over the classes.

        Classes that occur neither in the truth nor among the answers are left out (as scikit-learn does);
        NaN where a class in play has no value.
        """
        values: FloatArray = getattr(self, rate)
        return _mean(values, ((self.support > 0) | (self.answered > 0)).astype(float))

    def weighted(self, rate: str) -> FloatArray:
        """Return the mean of a rate weighted by support; NaN where a class with images has no value."""
        values: FloatArray = getattr(self, rate)
        return _mean(values, self.support)


def rate_terms(confusion: npt.ArrayLike) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return numerator and denominator, each of shape (…, K), of every rate in :data:`RATES`."""
    matrix = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    support, answered = matrix.sum(axis=-1), matrix.sum(axis=-2)
    others = matrix.sum(axis=(-2, -1))[..., None] - support
    return {
        "precision": (hits, answered),
        "sensitivity": (hits, support),
        "specificity": (others - (answered - hits), others),
        "f1": (2 * hits, support + answered),
    }


def scores_of(confusion: npt.ArrayLike) -> Scores:
    """Return the figures of confusion matrices of shape (…, K, K), silently NaN where undefined."""
    matrix = np.asarray(confusion, dtype=np.float64)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"a confusion matrix has the shape (…, K, K), not {matrix.shape}")
    support, total = matrix.sum(axis=-1), matrix.sum(axis=(-2, -1))
    rates = {name: ratio(*terms) for name, terms in rate_terms(matrix).items()}
    return Scores(
        **rates,
        support=support,
        answered=matrix.sum(axis=-2),
        accuracy=ratio(np.trace(matrix, axis1=-2, axis2=-1), total),
        balanced_accuracy=_mean(rates["sensitivity"], (support > 0).astype(float)),
        majority_baseline=ratio(support.max(axis=-1), total),
    )


def warn_of_undefined(scores: Scores, classes: tuple[str, ...]) -> list[str]:
    """Warn once about the undefined figures of one matrix, by class name; return the sentences."""
    missing = [name for name, weight in zip(classes, scores.support, strict=True) if weight == 0]
    silent = [name for name, weight in zip(classes, scores.answered, strict=True) if weight == 0]
    what = []
    if missing:
        what.append(f"sensitivity, ROC-AUC and PR-AUC of {', '.join(missing)} (no such image)")
    if silent:
        what.append(f"precision of {', '.join(silent)} (never answered)")
    if (scores.support > 0).sum() == 1:
        what.append("every specificity, ROC-AUC and PR-AUC that needs a second class (one class only)")
    if 1 in ((scores.support > 0).sum(), (scores.answered > 0).sum()):
        alone = np.array_equal(scores.support, scores.answered)
        names = "kappa and Matthews' correlation" if alone else "Matthews' correlation"
        what.append(f"{names} (one class only in the truth or among the answers)")
    warn_undefined(what)
    return what


def _mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean over the last axis; what weighs nothing may be NaN."""
    counted = np.where(weights > 0, values, 0.0)
    return ratio((counted * weights).sum(axis=-1), weights.sum(axis=-1))
