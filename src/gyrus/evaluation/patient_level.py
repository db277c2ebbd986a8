"""One answer a patient: the probabilities of a patient's images pooled, and measured as one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.figures import Figures
from gyrus.evaluation.predictions import Predictions
from gyrus.metrics.confusion import number_groups
from gyrus.metrics.intervals import Interval, wilson_interval
from gyrus.metrics.undefined import FloatArray

POOLINGS = ("mean", "maximum", "noisy_or")
_LARGEST = 1 - 2**-53


def patient_level(predictions: Predictions, confidence: float) -> dict[str, Any] | None:
    """Return figures of patients instead of images, by each way of pooling.

    Parameters
    ----------
    predictions : Predictions
        All with a label. Images without a known patient, and patients whose images have several labels, are
        left out and counted.
    confidence : float

    Returns
    -------
    dict or None
        None when no patient remains, or every patient has one image, so that nothing is to be pooled::

            n_patients, n_mixed, n_images_without_patient
            mean, maximum, noisy_or     {"n_patients", "accuracy", "balanced_accuracy", "macro_f1",
                                        "macro_roc_auc": figures, "sensitivity": name -> figure,
                                        "confusion_matrix"}
    """
    known = np.flatnonzero([bool(subject) for subject in predictions.subject_ids])
    if not known.size:
        return None
    of_patients = predictions.take(known)
    patients, n_patients = number_groups(of_patients.subject_ids)
    kinds = np.zeros((n_patients, len(predictions.classes)), dtype=bool)
    kinds[patients, of_patients.y_true] = True
    single = kinds.sum(axis=1) == 1
    kept = of_patients.take(np.flatnonzero(single[patients]))
    n_single = int(single.sum())
    if n_single in (0, len(kept)):
        return None
    return {
        "n_patients": n_single,
        "n_mixed": n_patients - n_single,
        "n_images_without_patient": len(predictions) - len(of_patients),
        **{how: _figures(pooled(kept, how), confidence) for how in POOLINGS},
    }


def pooled(predictions: Predictions, how: str) -> Predictions:
    """Return one row a patient.

    Parameters
    ----------
    predictions : Predictions
        Every image with a patient and a label, all images of a patient with the same label.
    how : {"mean", "maximum", "noisy_or"}
        ``noisy_or``: 1 less the chance that no image shows the class, were images independent (Pearl, 1988);
        with many slices it is near 1 for several classes. The last two are divided by their sum.
    """
    if how not in POOLINGS:
        raise ValueError(f"{how!r} is no way of pooling; expected one of {', '.join(POOLINGS)}")
    patients, n_patients = number_groups(predictions.subject_ids)
    _, first = np.unique(patients, return_index=True)
    rows = predictions.take(first)
    prob = _POOLED[how](predictions.y_prob, patients, n_patients)
    total = prob.sum(axis=1, keepdims=True)
    return replace(rows, image_ids=rows.subject_ids, y_prob=prob / total)


def _mean(prob: FloatArray, patients: npt.NDArray[np.int64], n_patients: int) -> FloatArray:
    return _sums(prob, patients, n_patients) / np.bincount(patients, minlength=n_patients)[:, None]


def _maximum(prob: FloatArray, patients: npt.NDArray[np.int64], n_patients: int) -> FloatArray:
    highest = np.zeros((n_patients, prob.shape[1]))
    np.maximum.at(highest, patients, prob)
    return highest


def _noisy_or(prob: FloatArray, patients: npt.NDArray[np.int64], n_patients: int) -> FloatArray:
    nowhere = _sums(np.log1p(-np.minimum(prob, _LARGEST)), patients, n_patients)
    found: FloatArray = -np.expm1(nowhere)
    return found


_POOLED = {"mean": _mean, "maximum": _maximum, "noisy_or": _noisy_or}


def _sums(values: FloatArray, patients: npt.NDArray[np.int64], n_patients: int) -> FloatArray:
    columns = [np.bincount(patients, weights=column, minlength=n_patients) for column in values.T]
    return np.stack(columns, axis=1)


def _figures(rows: Predictions, confidence: float) -> dict[str, Any]:
    figures = Figures(rows, confidence)
    return {
        "n_patients": len(rows),
        "accuracy": _accuracy(figures),
        "balanced_accuracy": figures.balanced_accuracy(),
        "macro_f1": figures.macro("f1"),
        "macro_roc_auc": figures.macro_auc(),
        "sensitivity": {
            name: figures.of_class(number)["sensitivity"] for number, name in enumerate(figures.classes)
        },
        "confusion_matrix": figures.confusion.astype(np.int64).tolist(),
    }


def _accuracy(figures: Figures) -> dict[str, Any]:
    """Return the share of patients answered rightly: Wilson's interval, where they are independent."""
    if figures.n_groups < figures.n_images or figures.n_images < 2:
        return figures.accuracy()
    right = float(np.trace(figures.confusion))
    low, high = wilson_interval(right, figures.n_images, figures.confidence)
    return figures.shown(Interval(right / figures.n_images, low, high, figures.n_images), "Wilson")
