"""Figures where an image may show several classes at once, or none: each class is a question of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gyrus.evaluation.labelled import patient_notes
from gyrus.evaluation.predictions import Predictions
from gyrus.evaluation.probabilities import calibration_figures, shown_loss
from gyrus.evaluation.score_curves import micro_roc_curve, precision_recall_curves, roc_curves
from gyrus.evaluation.scored import Scored
from gyrus.metrics.classification import RATES, rate_terms
from gyrus.metrics.intervals import Linear, linear_mean, linear_ratio
from gyrus.metrics.losses import SMALLEST, chance_losses
from gyrus.metrics.undefined import FloatArray, warn_undefined

THRESHOLD = 0.5


class MultilabelFigures(Scored):
    """Figures of labelled predictions, any number of classes an image.

    Parameters
    ----------
    predictions : Predictions
        All with a label.
    confidence : float

    Attributes
    ----------
    answered : ndarray of bool, shape (n, K)
        Classes with a probability of at least 0.5.
    rates : dict
        Name of each rate -> one Linear a class.
    """

    def __init__(self, predictions: Predictions, confidence: float) -> None:
        self.answered = predictions.y_prob >= THRESHOLD
        super().__init__(predictions, predictions.truth, self.answered, confidence)
        self._terms = self._group_terms()
        self.rates = {name: self._ratios(*terms) for name, terms in self._terms.items()}

    def linear(self, metric: str) -> Linear:
        """Return a main figure with its influence function, so that it can be averaged over repeats.

        Parameters
        ----------
        metric : {"exact_match", "decisions", "macro_f1", "macro_roc_auc"}
        """
        right = self.truth == self.answered
        if metric == "exact_match":
            return linear_ratio(self.sums(right.all(axis=1)), self.sums(np.ones(self.n_images)))
        if metric == "decisions":
            return linear_ratio(self.sums(right.mean(axis=1)), self.sums(np.ones(self.n_images)))
        if metric == "macro_f1":
            return linear_mean(self.rates["f1"], self.in_play)
        if metric == "macro_roc_auc":
            return linear_mean(self.areas, self.in_play)
        raise ValueError(f"{metric!r} is none of the main figures")

    def of_class(self, number: int) -> dict[str, Any]:
        """Return the figures of one class."""
        return {
            **{name: self.figure(parts[number]) for name, parts in self.rates.items()},
            "roc_auc": self.figure(self.areas[number]),
            "support": int(self.support[number]),
        }

    def macro(self) -> dict[str, Any]:
        """Return plain means over the classes in play."""
        means = {rate: self.figure(linear_mean(self.rates[rate], self.in_play)) for rate in RATES}
        return {**means, "roc_auc": self.macro_auc()}

    def weighted(self) -> dict[str, Any]:
        """Return means weighted by support."""
        means = {rate: self.figure(linear_mean(self.rates[rate], self.support)) for rate in RATES}
        return {**means, "roc_auc": self.weighted_auc()}

    def micro(self) -> dict[str, Any]:
        """Return figures over all pairs of an image and a class."""
        rates = {
            name: self.figure(linear_ratio(hits.sum(axis=1), trials.sum(axis=1)))
            for name, (hits, trials) in self._terms.items()
        }
        return {**rates, "roc_auc": self.micro_auc(), "roc": micro_roc_curve(self)}

    def losses(self) -> dict[str, Any]:
        """Return ``log_loss`` and ``brier``, the mean over the classes of those of yes or no."""
        own = np.where(self.truth, self.y_prob, 1 - self.y_prob)
        logs = -np.log(np.clip(own, SMALLEST, 1.0)).mean(axis=1)
        log_chance, brier_chance = chance_losses(2)
        return {
            "log_loss": shown_loss(self, logs, log_chance),
            "brier": shown_loss(
                self, ((self.y_prob - self.truth) ** 2).mean(axis=1), brier_chance, largest=1.0
            ),
        }

    def calibration(self, seed: int) -> dict[str, Any]:
        """Return ``ece`` and ``reliability`` of the probabilities of all pairs."""
        truth, prob, groups = self.pairs()
        return calibration_figures(self, prob, truth, groups, seed)

    def undefined(self) -> list[str]:
        """Warn once about undefined figures, by class name; return the sentences."""
        names = np.array(self.classes, dtype=object)
        parts = {
            "sensitivity, ROC-AUC and PR-AUC of {} (no such image)": ~self.truth.any(axis=0),
            "precision of {} (never answered)": ~self.answered.any(axis=0),
            "specificity, ROC-AUC and PR-AUC of {} (every image shows it)": self.truth.all(axis=0),
        }
        what = [text.format(", ".join(names[which])) for text, which in parts.items() if which.any()]
        warn_undefined(what)
        return what

    def _group_terms(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return numerator and denominator, each (n_groups, K), of every rate."""
        columns = []
        for true, said in zip(self.truth.T, self.answered.T, strict=True):
            cells = [~true & ~said, ~true & said, true & ~said, true & said]
            columns.append(np.stack([self.sums(cell) for cell in cells], axis=1).reshape(-1, 2, 2))
        terms = rate_terms(np.stack(columns, axis=1))  # of no and yes; what counts is yes
        return {name: (hits[..., 1], trials[..., 1]) for name, (hits, trials) in terms.items()}

    def _ratios(self, hits: FloatArray, trials: FloatArray) -> list[Linear]:
        return [linear_ratio(hits[:, number], trials[:, number]) for number in range(len(self.classes))]


def evaluate_multilabel(
    predictions: Predictions,
    n_unlabelled: int,
    confidence: float,
    seed: int = 0,
    prevalence: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the figures of predictions with any number of labels an image.

    Parameters
    ----------
    predictions : Predictions
        All with a label, of the task ``multilabel``.
    n_unlabelled : int
        Images that were left out.
    confidence, seed, prevalence
        As in :func:`gyrus.evaluation.evaluate_predictions`.

    Returns
    -------
    dict
        A class counts as answered from a probability of 0.5 on. Shapes as in
        :func:`gyrus.evaluation.evaluate_predictions`, of which it has ``schema_version``, ``task``,
        ``confidence``, ``n_images``, ``n_unlabelled``, ``n_subjects``, ``clustered_by``, ``n_clusters``,
        ``classes``, ``per_class``, ``macro``, ``weighted``, ``micro`` (all five figures), ``pr_auc``,
        ``precision_recall``, ``roc``, ``at_prevalence``, ``log_loss``, ``brier``, ``ece``, ``reliability``,
        ``notes``, and::

            threshold          0.5
            exact_match        figure: images all of whose classes are right
            decisions          figure: pairs of image and class that are right (1 less the Hamming loss)

    Warns
    -----
    UndefinedMetricWarning
        Once, naming the classes whose figures are undefined.
    """
    figures = MultilabelFigures(predictions, confidence)
    n_subjects = len({subject for subject in predictions.subject_ids if subject}) or None
    right = figures.truth == figures.answered
    pr_auc = figures.average_precisions()
    notes = [f"undefined: {what}" for what in figures.undefined()] + patient_notes(figures.unit, n_subjects)
    return {
        "schema_version": 1,
        "task": predictions.task,
        "confidence": confidence,
        "threshold": THRESHOLD,
        "n_images": len(predictions),
        "n_unlabelled": n_unlabelled,
        "n_subjects": n_subjects,
        "clustered_by": figures.unit,
        "n_clusters": figures.n_groups,
        "classes": list(predictions.classes),
        "exact_match": figures.share(right.all(axis=1)),
        "decisions": figures.share(right.mean(axis=1)),
        "per_class": {name: figures.of_class(number) for number, name in enumerate(predictions.classes)},
        "macro": figures.macro(),
        "weighted": figures.weighted(),
        "micro": figures.micro(),
        **figures.losses(),
        **figures.calibration(seed),
        "pr_auc": pr_auc,
        "precision_recall": precision_recall_curves(figures, pr_auc["per_class"]),
        "roc": roc_curves(figures),
        "at_prevalence": figures.at_prevalence(figures.rates, prevalence or {}),
        "notes": notes,
    }
