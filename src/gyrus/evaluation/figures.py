"""The figures of a classifier's answers on one set of images, each with its interval over patients."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.evaluation.predictions import Predictions
from gyrus.evaluation.scored import Scored
from gyrus.metrics.agreement import agreement_interval, linear_kappa, linear_matthews
from gyrus.metrics.classification import rate_terms, scores_of
from gyrus.metrics.confusion import group_confusions
from gyrus.metrics.intervals import Linear, linear_mean, linear_ratio
from gyrus.metrics.undefined import FloatArray


class Figures(Scored):
    """Figures of labelled predictions, one class an image.

    Parameters
    ----------
    predictions : Predictions
        All with a label.
    confidence : float
        Confidence of the intervals.

    Attributes
    ----------
    y_true : ndarray of int64, shape (n,)
    by_group : ndarray, shape (n_groups, K, K)
        Confusion matrix of each group.
    confusion : ndarray, shape (K, K)
        Their sum.
    scores : Scores
        Values without intervals.
    rates : dict
        Name of each rate -> one Linear a class.
    """

    def __init__(self, predictions: Predictions, confidence: float) -> None:
        self.y_true, y_pred = predictions.y_true, predictions.y_pred
        numbers = np.arange(len(predictions.classes))
        super().__init__(predictions, predictions.truth, y_pred[:, None] == numbers, confidence)
        self.by_group = group_confusions(self.y_true, y_pred, self.groups, len(self.classes))
        self.confusion: FloatArray = self.by_group.sum(axis=0)
        self.scores = scores_of(self.confusion)
        self.rates = {name: self._ratios(*terms) for name, terms in rate_terms(self.by_group).items()}

    def accuracy(self) -> dict[str, Any]:
        """Return the share of right answers."""
        return self.figure(self.linear("accuracy"))

    def balanced_accuracy(self) -> dict[str, Any]:
        """Return the mean sensitivity of the classes that have images."""
        return self.figure(self.linear("balanced_accuracy"))

    def linear(self, metric: str) -> Linear:
        """Return a main figure with its influence function, so that two models can be compared.

        Parameters
        ----------
        metric : {"accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc"}
        """
        if metric == "accuracy":
            hits = np.trace(self.by_group, axis1=1, axis2=2)
            return linear_ratio(hits, self.by_group.sum(axis=(1, 2)))
        if metric == "balanced_accuracy":
            return linear_mean(self.rates["sensitivity"], (self.support > 0).astype(float))
        if metric == "macro_f1":
            return linear_mean(self.rates["f1"], self.in_play)
        if metric == "macro_roc_auc":
            return linear_mean(self.areas, self.in_play)
        raise ValueError(f"{metric!r} is none of the main figures")

    def of_class(self, number: int) -> dict[str, Any]:
        """Return the figures of one class against the rest."""
        return {
            **{name: self.figure(parts[number]) for name, parts in self.rates.items()},
            "roc_auc": self.figure(self.areas[number]),
            "support": int(self.support[number]),
            "clusters": int((self.by_group[:, number].sum(axis=-1) > 0).sum()),
        }

    def macro(self, rate: str) -> dict[str, Any]:
        """Return the plain mean of a rate over the classes in play."""
        return self.figure(linear_mean(self.rates[rate], self.in_play))

    def weighted(self, rate: str) -> dict[str, Any]:
        """Return the mean of a rate weighted by support."""
        if rate == "sensitivity":
            return self.accuracy()
        return self.figure(linear_mean(self.rates[rate], self.support))

    def kappa(self) -> dict[str, Any]:
        """Return Cohen's kappa."""
        interval = agreement_interval(linear_kappa(self.by_group), self.confidence)
        return self.shown(interval, "cluster-robust Fisher-z-t")

    def matthews(self) -> dict[str, Any]:
        """Return Matthews' correlation."""
        interval = agreement_interval(linear_matthews(self.by_group), self.confidence)
        return self.shown(interval, "cluster-robust Fisher-z-t")

    def _ratios(self, hits: FloatArray, trials: FloatArray) -> list[Linear]:
        return [linear_ratio(hits[:, number], trials[:, number]) for number in range(len(self.classes))]
