"""The figures of one set of predictions, each with its interval over patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.predictions import Predictions
from gyrus.metrics.classification import rate_terms, scores_of
from gyrus.metrics.confusion import group_confusions, number_groups
from gyrus.metrics.intervals import Linear, linear_area, linear_mean, linear_ratio, logit_t_interval
from gyrus.metrics.roc import placements
from gyrus.metrics.undefined import FloatArray


class Figures:
    """Figures of labelled predictions.

    Parameters
    ----------
    predictions : Predictions
        All with a label.
    confidence : float
        Confidence of the intervals.

    Attributes
    ----------
    groups : ndarray of int64, shape (n,)
        Number of each image's patient (or of the image, where the patient is unknown).
    unit : str
        What the groups are: ``patients``, ``images`` or ``patients and images``.
    by_group : ndarray, shape (n_groups, K, K)
        Confusion matrix of each group.
    confusion : ndarray, shape (K, K)
        Their sum.
    scores : Scores
        Values without intervals.
    areas : list of Linear
        Area under the ROC curve of each class against the rest.
    """

    def __init__(self, predictions: Predictions, confidence: float) -> None:
        self.classes = predictions.classes
        self.confidence = confidence
        self.y_true, self.y_prob = predictions.y_true, predictions.y_prob
        self.groups, self.n_groups = number_groups(predictions.group_ids)
        self.unit = _unit(predictions)
        self.by_group = group_confusions(self.y_true, predictions.y_pred, self.groups, len(self.classes))
        self.confusion: FloatArray = self.by_group.sum(axis=0)
        self.scores = scores_of(self.confusion)
        self.areas = [self._area(number) for number in range(len(self.classes))]
        self._rates = {name: self._ratios(*terms) for name, terms in rate_terms(self.by_group).items()}

    def accuracy(self) -> dict[str, Any]:
        """Return the share of right answers."""
        return self._figure(self.linear("accuracy"))

    def balanced_accuracy(self) -> dict[str, Any]:
        """Return the mean sensitivity of the classes that have images."""
        return self._figure(self.linear("balanced_accuracy"))

    def linear(self, metric: str) -> Linear:
        """Return a main figure with its influence function, so that two models can be compared.

        Parameters
        ----------
        metric : {"accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc"}
        """
        in_play = ((self.scores.support > 0) | (self.scores.answered > 0)).astype(float)
        if metric == "accuracy":
            hits = np.trace(self.by_group, axis1=1, axis2=2)
            return linear_ratio(hits, self.by_group.sum(axis=(1, 2)))
        if metric == "balanced_accuracy":
            return linear_mean(self._rates["sensitivity"], (self.scores.support > 0).astype(float))
        if metric == "macro_f1":
            return linear_mean(self._rates["f1"], in_play)
        if metric == "macro_roc_auc":
            return linear_mean(self.areas, in_play)
        raise ValueError(f"{metric!r} is none of the main figures")

    def of_class(self, number: int) -> dict[str, Any]:
        """Return the figures of one class against the rest."""
        return {
            **{name: self._figure(parts[number]) for name, parts in self._rates.items()},
            "roc_auc": self._figure(self.areas[number]),
            "support": int(self.scores.support[number]),
            "clusters": int((self.by_group[:, number].sum(axis=-1) > 0).sum()),
        }

    def macro(self, rate: str) -> dict[str, Any]:
        """Return the plain mean of a rate over the classes in play."""
        in_play = (self.scores.support > 0) | (self.scores.answered > 0)
        return self._figure(linear_mean(self._rates[rate], in_play.astype(float)))

    def weighted(self, rate: str) -> dict[str, Any]:
        """Return the mean of a rate weighted by support."""
        if rate == "sensitivity":
            return self.accuracy()
        return self._figure(linear_mean(self._rates[rate], self.scores.support))

    def macro_auc(self) -> dict[str, Any]:
        """Return the mean area over the classes that occur; undefined when that of one is."""
        return self._figure(self.linear("macro_roc_auc"))

    def micro_auc(self) -> dict[str, Any]:
        """Return the area over all pairs of an image and a class."""
        truth, score, groups = self.pairs()
        return self._figure(linear_area(placements(truth, score), truth, groups))

    def pairs(self) -> tuple[npt.NDArray[np.bool_], FloatArray, npt.NDArray[np.int64]]:
        """Return truth, score and group of every pair of an image and a class, each of shape (n K,)."""
        n_classes = len(self.classes)
        truth = self.y_true[:, None] == np.arange(n_classes)
        return truth.ravel(), self.y_prob.ravel(), np.repeat(self.groups, n_classes)

    def _area(self, number: int) -> Linear:
        positive = self.y_true == number
        return linear_area(placements(positive, self.y_prob[:, number]), positive, self.groups)

    def _ratios(self, hits: FloatArray, trials: FloatArray) -> list[Linear]:
        return [linear_ratio(hits[:, number], trials[:, number]) for number in range(len(self.classes))]

    def _figure(self, linear: Linear) -> dict[str, Any]:
        interval = logit_t_interval(linear, self.confidence)
        return {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "method": f"cluster-robust logit-t over {self.unit}",
            "clusters": interval.clusters,
        }


def _unit(predictions: Predictions) -> str:
    known = [bool(subject) for subject in predictions.subject_ids]
    return "patients" if all(known) else "patients and images" if any(known) else "images"
