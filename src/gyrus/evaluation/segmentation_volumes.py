"""Figures of whole patients: their slices taken together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.detections import figure
from gyrus.evaluation.segmentation_cases import Ints, SegmentationCases
from gyrus.metrics.intervals import Linear, logit_t_interval
from gyrus.metrics.segmentation import mean_of, plain_interval, positive_interval
from gyrus.metrics.undefined import FloatArray, ratio

MOST_WORST = 10


def patient_figures(cases: SegmentationCases, number: int, confidence: float) -> dict[str, Any] | None:
    """Return Dice and volume error over patients.

    Parameters
    ----------
    cases : SegmentationCases
    number : int
        Of the class, from 0.
    confidence : float

    Returns
    -------
    dict or None
        None where no patient is known::

            n           patients who have the class
            dice, iou, precision, recall   of all pixels of a patient's slices together, mean over patients
            worst       the patients with the lowest Dice: subject_id, dice, images, true, predicted
            volume      None where the volume of a pixel is unknown; else patients (n), bias and size of the
                        error in mm³ (size: without its sign), relative (size by the true volume)

    The volume is that of the slices that there are, each as thick as the distance to the next.
    """
    patients = _Patients.of(cases)
    if not patients.names:
        return None
    true, drawn, both = (
        patients.summed(cases.values[name][:, number]) for name in ("true_px", "predicted_px", "both_px")
    )
    there = true > 0
    dice = ratio(2 * both, true + drawn)
    shares = {
        "dice": dice, "iou": ratio(both, true + drawn - both), "precision": ratio(both, drawn),
        "recall": ratio(both, true),
    }  # fmt: skip
    images = patients.summed(np.ones(len(cases)))
    order = np.lexsort((-true, dice))
    return {
        "n": int(there.sum()),
        **{
            name: figure(logit_t_interval(_over_patients(values, there), confidence))
            for name, values in shares.items()
        },
        "worst": [
            {"subject_id": patients.names[one], "dice": float(dice[one]), "images": int(images[one]),
             "true_px": int(true[one]), "predicted_px": int(drawn[one])}
            for one in order.tolist() if there[one]
        ][:MOST_WORST],
        "volume": _volume(cases, patients, number, confidence),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Patients:
    """Who is known: names, and for the images with one (``rows``) its number."""

    names: tuple[str, ...]
    rows: Ints
    numbers: Ints

    @classmethod
    def of(cls, cases: SegmentationCases) -> _Patients:
        rows = np.flatnonzero([bool(subject) for subject in cases.subject_ids])
        names, numbers = np.unique(np.array(cases.subject_ids, dtype=np.str_)[rows], return_inverse=True)
        return cls(tuple(names.tolist()), rows, numbers.reshape(-1).astype(np.int64))

    def summed(self, values: FloatArray) -> FloatArray:
        """Return the sum over each patient's images."""
        size = len(self.names)
        return np.bincount(self.numbers, weights=values[self.rows], minlength=size).astype(np.float64)


def _volume(
    cases: SegmentationCases, patients: _Patients, number: int, confidence: float
) -> dict[str, Any] | None:
    """Return the error of the patients of whom the volume of every slice's pixels is known."""
    known = np.isfinite(cases.pixel_volume)
    size = np.where(known, cases.pixel_volume, 0.0)
    true = patients.summed(cases.values["true_px"][:, number] * size)
    chosen = (true > 0) & (patients.summed(~known) == 0)
    if not chosen.any():
        return None
    error = patients.summed(cases.values["predicted_px"][:, number] * size) - true
    return {
        "n": int(chosen.sum()),
        "true_mm3": float(true[chosen].mean()),
        "bias_mm3": figure(plain_interval(_over_patients(error, chosen), confidence)),
        "size_mm3": figure(positive_interval(_over_patients(np.abs(error), chosen), confidence)),
        "relative": figure(positive_interval(_over_patients(ratio(np.abs(error), true), chosen), confidence)),
    }


def _over_patients(values: FloatArray, chosen: npt.NDArray[np.bool_]) -> Linear:
    """Return the mean over patients: each is a cluster of its own."""
    return mean_of(np.where(chosen, values, np.nan), np.arange(values.size), values.size)
