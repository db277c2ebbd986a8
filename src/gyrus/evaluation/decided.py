"""What a decision says of labelled images: its own on images it was not fitted on, or cross-fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision import Decision, OperatingPoint
from gyrus.decision.activations import PROBABILITIES, FloatArray
from gyrus.decision.cases import Cases, make_cases, why_not
from gyrus.decision.crossfit import parted
from gyrus.decision.learning import Wish, fit_decision
from gyrus.errors import DataError
from gyrus.evaluation.labelled import with_labels
from gyrus.evaluation.predictions import Predictions

_SMALLEST = 1e-12
"""What a probability of 0 counts as before its logarithm is taken for a logit."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of each image.

    Attributes
    ----------
    cases : Cases
        Logits and truth.
    plain, calibrated : ndarray, shape (n, n_classes)
        Probabilities without and with the calibration.
    members : ndarray of bool, shape (n, n_classes), or None
        The sets; None where there are none.
    answered : ndarray of bool, shape (n,)
        Which images were not referred.
    points : tuple of (OperatingPoint, ndarray of bool)
        Each point, and which images are positive there.
    cross_fitted : bool
        Whether the decision was fitted on these images, on other patients in turn.
    notes : tuple of str
        What was left out and why.
    decision : Decision
        The one that was applied; of cross-fitted answers the one fitted on all images.
    """

    cases: Cases
    plain: FloatArray
    calibrated: FloatArray
    members: npt.NDArray[np.bool_] | None
    answered: npt.NDArray[np.bool_]
    points: tuple[tuple[OperatingPoint, npt.NDArray[np.bool_]], ...]
    cross_fitted: bool
    notes: tuple[str, ...]
    decision: Decision


def cases_of(
    predictions: Predictions,
    logits: npt.NDArray[np.generic] | None = None,
    *,
    split: str,
    fingerprint: str | None = None,
) -> Cases:
    """Return the labelled images as cases.

    Parameters
    ----------
    predictions : Predictions
    logits : ndarray, optional
        (n, n_classes) in the order of the predictions; without them the logarithms of the probabilities (of
        several classes an image: of their odds), which differ from logits by what no softmax sees.

    Raises
    ------
    PredictionsError
        When no image has a label.
    """
    labelled = with_labels(predictions)
    if logits is None:
        values = log_odds(labelled)
    else:
        values = np.asarray(logits, dtype=np.float64)
        if len(labelled) < len(predictions):
            values = values[[bool(label) for label in predictions.labels]]
    names = [[labelled.classes[at] for at in np.flatnonzero(row)] for row in labelled.truth]
    return make_cases(
        values, names, labelled.group_ids, labelled.classes, task=labelled.task, split=split,
        subject_ids=labelled.subject_ids, fingerprint=fingerprint,
    )  # fmt: skip


def log_odds(predictions: Predictions) -> FloatArray:
    """Return numbers of which the activation makes the probabilities again."""
    values = np.log(np.clip(predictions.y_prob, _SMALLEST, 1.0))
    if predictions.task == "classify":
        return values
    return np.asarray(values - np.log(np.clip(1 - predictions.y_prob, _SMALLEST, 1.0)))


def said_by(decision: Decision, cases: Cases) -> Said:
    """Return what a decision says of images that it was not fitted on."""
    probabilities = decision.probabilities(cases.logits)
    conformal = decision.conformal
    members = None
    if conformal is not None and conformal.usable:
        members = conformal.members(probabilities, cases.classes)
    return Said(
        cases=cases,
        plain=PROBABILITIES[decision.calibration.activation](cases.logits),
        calibrated=probabilities,
        members=members,
        answered=_answered(decision, probabilities),
        points=tuple((point, point.positives(probabilities, cases.classes)) for point in decision.points),
        cross_fitted=False,
        notes=_notes(decision),
        decision=decision,
    )


def said_out_of_fold(cases: Cases, wish: Wish) -> Said:
    """Return what decisions say of each patient that were fitted on the patients of the other four folds.

    What cannot be fitted on four fifths of the patients is left out, with a note.

    Raises
    ------
    DataError
        When what was asked for by name cannot be fitted on all patients either.
    """
    whole, notes = fit_decision(cases, wish)
    if why_not(cases):
        return replace(said_by(whole, cases), notes=tuple(notes))
    inner = replace(wish, calibration=whole.calibration.method)
    try:
        parts = [(fit_decision(others, inner)[0], rows) for others, rows in parted(cases, wish.seed)]
    except DataError as error:
        notes.append(f"not measured out of fold: {error.message}")
        return replace(said_by(whole, cases), notes=tuple(notes))
    pieces = [(said_by(decision, cases.take(rows)), rows) for decision, rows in parts]
    calibrated = _placed([(piece.calibrated, rows) for piece, rows in pieces], cases)
    with_sets = [(piece.members, rows) for piece, rows in pieces if piece.members is not None]
    if whole.conformal is not None and whole.conformal.usable and len(with_sets) < len(pieces):
        notes.append("sets are not measured out of fold: four fifths of the patients are too few for them")
    return Said(
        cases=cases,
        plain=PROBABILITIES[whole.calibration.activation](cases.logits),
        calibrated=calibrated,
        members=_placed(with_sets, cases).astype(bool) if len(with_sets) == len(pieces) else None,
        answered=_flat([(piece.answered, rows) for piece, rows in pieces], cases),
        points=tuple(
            (point, _flat([(piece.points[number][1], rows) for piece, rows in pieces], cases))
            for number, point in enumerate(whole.points)
        ),
        cross_fitted=True,
        notes=tuple(notes),
        decision=whole,
    )


def _answered(decision: Decision, probabilities: FloatArray) -> npt.NDArray[np.bool_]:
    return np.array([not one.refer for one in decision.decide(probabilities)], dtype=bool)


def _notes(decision: Decision) -> tuple[str, ...]:
    conformal = decision.conformal
    if conformal is None or conformal.usable:
        return ()
    reasons = "; ".join(f"{name}: {reason}" for name, reason in conformal.refused.items())
    return (f"no conformal sets, so nothing is referred: {reasons}",)


def _placed(parts: Sequence[tuple[npt.NDArray[Any], npt.NDArray[np.int64]]], cases: Cases) -> FloatArray:
    whole = np.zeros(cases.logits.shape)
    for values, rows in parts:
        whole[rows] = values
    return whole


def _flat(
    parts: list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]], cases: Cases
) -> npt.NDArray[np.bool_]:
    whole = np.zeros(len(cases), dtype=bool)
    for values, rows in parts:
        whole[rows] = values
    return whole
