"""Predictions in, figures with intervals out: a dictionary that is written as JSON as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gyrus.errors import UsageError
from gyrus.evaluation.bootstrap import bootstrap_intervals
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.folds import fold_figures, fold_notes
from gyrus.evaluation.labelled import patient_notes, with_labels
from gyrus.evaluation.multilabel import evaluate_multilabel
from gyrus.evaluation.patient_level import patient_level
from gyrus.evaluation.predictions import MULTILABEL, Predictions, check_probabilities
from gyrus.evaluation.probabilities import (
    calibration_of_answers,
    loss_figures,
    loss_notes,
    top_k_figures,
)
from gyrus.evaluation.score_curves import micro_roc_curve, precision_recall_curves, roc_curves
from gyrus.metrics.classification import RATES, warn_of_undefined

SCHEMA_VERSION = 1


def evaluate_predictions(
    predictions: Predictions,
    *,
    n_bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    prevalence: Mapping[str, float] | None = None,
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
    prevalence : mapping of str to float, optional
        Share of a class among those examined where the model will be used: predictive values are then
        given for it. Any of the classes.

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
            weighted                   the same, weighted by support (sensitivity is then the accuracy)
            micro                      {"roc_auc": figure, "roc": curve} over all pairs of image and class,
                                       {"f1"}: the accuracy, as each image has one class
            kappa, mcc                 figures from -1 to 1: Cohen's kappa, Matthews' correlation
            log_loss, brier            figures, lower is better; Brier from 0 to 2, with two classes to 1
            ece                        figure with "plain" (not debiased) and "bins": calibration error of
                                       the answer that stands first
            reliability                {"bins": [{"lowest", "highest", "confidence": probabilities,
                                       "share": figure (how many were right), "images"}]}
            pr_auc                     {"per_class": name -> figure, "macro", "weighted", "micro"}: average
                                       precision
            precision_recall           name -> {"recall", "precision", "auc"}, at most 200 points
            top_k                      "2" to "5", below the number of classes -> figure
            at_prevalence              None, or name -> {"prevalence", "ppv", "npv": figures}
            patient_level              None, or see gyrus.evaluation.patient_level: one answer a patient
            folds                      None, or see gyrus.evaluation.folds: each fold of a cross-validation,
                                       the worst, mean and spread; all other figures are pooled
            confusion_matrix           rows: true class, columns: answered class
            roc                        name -> {"fpr", "tpr", "auc"}, at most 200 points; classes without
                                       positives or negatives are absent
            bootstrap                  None or {"samples", "seed", "method", "accuracy", "balanced_accuracy",
                                       "macro_f1", "macro_roc_auc", "micro_roc_auc": {"low", "high"}}
            notes                      sentences about what is undefined or unknown

        Of several labels an image (task ``multilabel``): see
        :func:`gyrus.evaluation.multilabel.evaluate_multilabel`.

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
    stated = prevalence or {}
    _check_options(predictions, n_bootstrap, seed, confidence, stated)
    check_probabilities(predictions)
    labelled = with_labels(predictions)
    if predictions.task == MULTILABEL:
        unlabelled = len(predictions) - len(labelled)
        evaluation = evaluate_multilabel(labelled, unlabelled, confidence, seed, stated)
        evaluation["folds"] = fold_figures(labelled, confidence)
        evaluation["notes"] += fold_notes(evaluation["folds"])
        return evaluation
    figures = Figures(labelled, confidence)
    n_subjects = len({subject for subject in labelled.subject_ids if subject}) or None
    notes = [f"undefined: {what}" for what in warn_of_undefined(figures.scores, labelled.classes)]
    by_patient = patient_level(labelled, confidence)
    by_fold = fold_figures(labelled, confidence)
    notes += fold_notes(by_fold)
    notes += loss_notes(figures) + patient_notes(figures.unit, n_subjects) + _pooling_notes(by_patient)
    pr_auc = figures.average_precisions()
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
            "label": labelled.classes[int(np.argmax(figures.support))],
            "accuracy": float(figures.scores.majority_baseline),
        },
        "per_class": {name: figures.of_class(number) for number, name in enumerate(labelled.classes)},
        "macro": {**{rate: figures.macro(rate) for rate in RATES}, "roc_auc": figures.macro_auc()},
        "weighted": {
            **{rate: figures.weighted(rate) for rate in RATES},
            "roc_auc": figures.weighted_auc(),
        },
        "micro": {"roc_auc": figures.micro_auc(), "roc": micro_roc_curve(figures), "f1": figures.accuracy()},
        "kappa": figures.kappa(),
        "mcc": figures.matthews(),
        **loss_figures(figures),
        **calibration_of_answers(figures, seed),
        "pr_auc": pr_auc,
        "precision_recall": precision_recall_curves(figures, pr_auc["per_class"]),
        "top_k": top_k_figures(figures),
        "at_prevalence": figures.at_prevalence(figures.rates, stated),
        "patient_level": by_patient,
        "folds": by_fold,
        "confusion_matrix": figures.confusion.astype(np.int64).tolist(),
        "roc": roc_curves(figures),
        "bootstrap": bootstrap_intervals(figures, n_bootstrap, seed) if n_bootstrap else None,
        "notes": notes,
    }


def _check_options(
    predictions: Predictions, n_bootstrap: int, seed: int, confidence: float, prevalence: Mapping[str, float]
) -> None:
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; expected a number between 0 and 1, such as 0.95")
    if n_bootstrap < 0 or seed < 0:
        raise UsageError(f"n_bootstrap is {n_bootstrap} and seed is {seed}; expected 0 or more")
    unknown = sorted(set(prevalence) - set(predictions.classes))
    if unknown:
        raise UsageError(
            f"a prevalence is stated for {', '.join(unknown)}, none of {', '.join(predictions.classes)}"
        )
    wrong = [f"{name}: {share}" for name, share in prevalence.items() if not 0 < share < 1]
    if wrong:
        raise UsageError(f"prevalence is {', '.join(wrong)}; expected a share such as 0.02")


def _pooling_notes(by_patient: Mapping[str, Any] | None) -> list[str]:
    if by_patient is None or not by_patient["n_mixed"]:
        return []
    return [
        f"{by_patient['n_mixed']} patients have images of several classes; the figures by patient are of "
        f"the other {by_patient['n_patients']}"
    ]
