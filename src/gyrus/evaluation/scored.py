"""What can be measured from truth and probabilities alone, before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.predictions import Predictions
from gyrus.metrics.confusion import number_groups
from gyrus.metrics.intervals import (
    Interval,
    Linear,
    linear_area,
    linear_mean,
    linear_ratio,
    logit_t_interval,
)
from gyrus.metrics.precision_recall import linear_average_precision
from gyrus.metrics.prevalence import predictive_values
from gyrus.metrics.roc import placements
from gyrus.metrics.undefined import FloatArray

BoolArray = npt.NDArray[np.bool_]


class Scored:
    """Truth and probabilities of labelled predictions, and the patients they come from.

    Parameters
    ----------
    predictions : Predictions
        All with a label.
    truth : ndarray of bool, shape (n, K)
        Which classes each image shows.
    answered : ndarray of bool, shape (n, K)
        Which were answered.
    confidence : float
        Confidence of the intervals.

    Attributes
    ----------
    groups : ndarray of int64, shape (n,)
        Number of each image's patient (or of the image, where the patient is unknown).
    unit : str
        What the groups are: ``patients``, ``images`` or ``patients and images``.
    areas : list of Linear
        Area under the ROC curve of each class against the rest.
    support : ndarray, shape (K,)
        Images of each class.
    in_play : ndarray, shape (K,)
        1 for classes that occur in the truth or among the answers, which a plain mean is over; else 0.
    """

    def __init__(
        self, predictions: Predictions, truth: BoolArray, answered: BoolArray, confidence: float
    ) -> None:
        self.classes = predictions.classes
        self.confidence = confidence
        self.n_images = len(predictions)
        self.truth, self.y_prob = truth, predictions.y_prob
        self.groups, self.n_groups = number_groups(predictions.group_ids)
        self.unit = _unit(predictions)
        self.support = truth.sum(axis=0).astype(np.float64)
        self.in_play = (truth.any(axis=0) | answered.any(axis=0)).astype(np.float64)
        self.areas = [
            linear_area(placements(truth[:, number], self.y_prob[:, number]), truth[:, number], self.groups)
            for number in range(len(self.classes))
        ]

    def macro_auc(self) -> dict[str, Any]:
        """Return the mean area over the classes that occur; undefined when that of one is."""
        return self.figure(linear_mean(self.areas, self.in_play))

    def weighted_auc(self) -> dict[str, Any]:
        """Return the mean area weighted by support."""
        return self.figure(linear_mean(self.areas, self.support))

    def micro_auc(self) -> dict[str, Any]:
        """Return the area over all pairs of an image and a class."""
        truth, score, groups = self.pairs()
        return self.figure(linear_area(placements(truth, score), truth, groups))

    def average_precisions(self) -> dict[str, Any]:
        """Return ``per_class``, ``macro``, ``weighted`` and ``micro`` average precision."""
        parts = [
            linear_average_precision(
                self.truth[:, number], self.y_prob[:, number], self.groups, self.n_groups
            )
            for number in range(len(self.classes))
        ]
        return {
            "per_class": {name: self.figure(part) for name, part in zip(self.classes, parts, strict=True)},
            "macro": self.figure(linear_mean(parts, self.in_play)),
            "weighted": self.figure(linear_mean(parts, self.support)),
            "micro": self.figure(linear_average_precision(*self.pairs(), self.n_groups)),
        }

    def pairs(self) -> tuple[BoolArray, FloatArray, npt.NDArray[np.int64]]:
        """Return truth, score and group of every pair of an image and a class, each of shape (n K,)."""
        return self.truth.ravel(), self.y_prob.ravel(), np.repeat(self.groups, len(self.classes))

    def share(self, hits: npt.ArrayLike) -> dict[str, Any]:
        """Return the share of images for which something holds.

        Parameters
        ----------
        hits : array_like, shape (n,)
            Bool; or a share of each image.
        """
        return self.figure(linear_ratio(self.sums(hits), self.sums(np.ones(self.n_images))))

    def sums(self, values: npt.ArrayLike) -> FloatArray:
        """Return the sum over the images of each group, (n_groups,)."""
        weights = np.asarray(values, dtype=np.float64)
        return np.bincount(self.groups, weights=weights, minlength=self.n_groups).astype(np.float64)

    def at_prevalence(
        self, rates: Mapping[str, Sequence[Linear]], prevalence: Mapping[str, float]
    ) -> dict[str, Any] | None:
        """Return what an answer for or against a class is worth where so many have it; None: none is stated.

        Parameters
        ----------
        rates : mapping
            ``sensitivity`` and ``specificity``, one a class.
        prevalence : mapping
            Class -> share.
        """
        found = {}
        for name, share in prevalence.items():
            number = self.classes.index(name)
            sensitivity, specificity = (rates[rate][number] for rate in ("sensitivity", "specificity"))
            values = predictive_values(sensitivity, specificity, share, self.confidence)
            found[name] = {
                "prevalence": share,
                "ppv": self.shown(values.ppv, "cluster-robust logit-t"),
                "npv": self.shown(values.npv, "cluster-robust logit-t"),
            }
        return found or None

    def figure(self, linear: Linear) -> dict[str, Any]:
        """Return a share or an area as it stands in JSON."""
        return self.shown(logit_t_interval(linear, self.confidence), "cluster-robust logit-t")

    def shown(self, interval: Interval, method: str) -> dict[str, Any]:
        """Return a figure as it stands in JSON."""
        return {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "method": f"{method} over {self.unit}",
            "clusters": interval.clusters,
        }


def _unit(predictions: Predictions) -> str:
    known = [bool(subject) for subject in predictions.subject_ids]
    return "patients" if all(known) else "patients and images" if any(known) else "images"
