"""Predictions in, figures with intervals out: a dictionary that is written as JSON as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.errors import PredictionsError, UsageError
from gyrus.evaluation.bootstrap import bootstrap_intervals
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.predictions import Predictions, check_probabilities
from gyrus.metrics.classification import RATES, warn_of_undefined
from gyrus.metrics.roc import roc_curve, thinned

SCHEMA_VERSION = 1
CURVE_POINTS = 200


def evaluate_predictions(
    predictions: Predictions, *, n_bootstrap: int = 2000, seed: int = 0, confidence: float = 0.95
) -> dict[str, Any]:
    """Return the figures of a classifier on images with known classes.

    Parameters
    ----------
    predictions : Predictions
        Images without a label are left out and counted.
    n_bootstrap : int
        Resamples of the patients for the bootstrap, the second opinion on the main figures; 0: none.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Confidence of all intervals.

    Returns
    -------
    dict
        A *figure* is ``{"value", "low", "high", "method", "clusters"}``, NaN where undefined (null in a JSON
        file), in shares of 1::

            schema_version, task, confidence
            n_images, n_unlabelled     images evaluated, and left out for want of a label
            n_subjects                 patients; None when none is known
            clustered_by               "patients", "images" (no patient is known) or "patients and images"
            n_clusters                 how many of those
            classes                    names, in the order of the matrix
            accuracy, balanced_accuracy            figures
            majority_baseline          {"label", "accuracy"}: always answering the largest class
            per_class                  name -> {"precision", "sensitivity", "specificity", "f1", "roc_auc":
                                       figures; "support": images; "clusters": patients}
            macro                      the same five figures, plain means over the classes
            weighted                   the first four, weighted by support (sensitivity is then the accuracy)
            micro                      {"roc_auc": figure, "roc": curve} over all pairs of image and class
            confusion_matrix           rows: true class, columns: answered class
            roc                        name -> {"fpr", "tpr", "auc"}, at most 200 points; classes without
                                       positives or negatives are absent
            bootstrap                  None or {"samples", "seed", "method", "accuracy", "balanced_accuracy",
                                       "macro_f1", "macro_roc_auc": {"low", "high"}}
            notes                      sentences about what is undefined or unknown

    Raises
    ------
    PredictionsError
        When a probability is not one, or no image has a label.
    UsageError
        When an option is out of range.

    Warns
    -----
    UndefinedMetricWarning
        Once, naming the classes whose figures are undefined.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; expected a number between 0 and 1, such as 0.95")
    if n_bootstrap < 0 or seed < 0:
        raise UsageError(f"n_bootstrap is {n_bootstrap} and seed is {seed}; expected 0 or more")
    check_probabilities(predictions)
    labelled = _labelled(predictions)
    figures = Figures(labelled, confidence)
    n_subjects = len({subject for subject in labelled.subject_ids if subject}) or None
    notes = [f"undefined: {what}" for what in warn_of_undefined(figures.scores, labelled.classes)]
    if figures.unit != "patients":
        which = "no image has a" if n_subjects is None else "some images have no"
        notes.append(
            f"{which} known patient: the intervals take "
            "each such image for a patient of its own, and are too short if several show the same one"
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "task": predictions.task,
        "confidence": confidence,
        "n_images": len(labelled),
        "n_unlabelled": len(predictions) - len(labelled),
        "n_subjects": n_subjects,
        "clustered_by": figures.unit,
        "n_clusters": figures.n_groups,
        "classes": list(labelled.classes),
        "accuracy": figures.accuracy(),
        "balanced_accuracy": figures.balanced_accuracy(),
        "majority_baseline": {
            "label": labelled.classes[int(np.argmax(figures.scores.support))],
            "accuracy": float(figures.scores.majority_baseline),
        },
        "per_class": {name: figures.of_class(number) for number, name in enumerate(labelled.classes)},
        "macro": {**{rate: figures.macro(rate) for rate in RATES}, "roc_auc": figures.macro_auc()},
        "weighted": {rate: figures.weighted(rate) for rate in RATES},
        "micro": {"roc_auc": figures.micro_auc(), "roc": _micro_curve(figures)},
        "confusion_matrix": figures.confusion.astype(np.int64).tolist(),
        "roc": _curves(figures),
        "bootstrap": bootstrap_intervals(figures, n_bootstrap, seed) if n_bootstrap else None,
        "notes": notes,
    }


def _labelled(predictions: Predictions) -> Predictions:
    """Return the rows with a label."""
    keep = np.flatnonzero(predictions.y_true >= 0)
    if keep.size == 0:
        raise PredictionsError(
            "no image has a label, so nothing can be measured",
            fix="fill the column label with the true classes",
        )
    return predictions if keep.size == len(predictions) else predictions.take(keep)


def _curves(figures: Figures) -> dict[str, dict[str, Any]]:
    curves = {}
    for number, name in enumerate(figures.classes):
        positive = figures.y_true == number
        if positive.any() and not positive.all():
            curve = thinned(roc_curve(positive, figures.y_prob[:, number]), CURVE_POINTS)
            area = figures.areas[number].value
            curves[name] = {"fpr": curve.fpr.tolist(), "tpr": curve.tpr.tolist(), "auc": area}
    return curves


def _micro_curve(figures: Figures) -> dict[str, Any]:
    truth, score, _ = figures.pairs()
    curve = thinned(roc_curve(truth, score), CURVE_POINTS)
    return {"fpr": curve.fpr.tolist(), "tpr": curve.tpr.tolist()}
