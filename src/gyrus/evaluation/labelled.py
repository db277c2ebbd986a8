"""Which images can be measured, and what stands for a patient."""

from __future__ import annotations

import numpy as np

from gyrus.errors import PredictionsError
from gyrus.evaluation.predictions import Predictions


def with_labels(predictions: Predictions) -> Predictions:
    """Return the rows with a label.

    Raises
    ------
    PredictionsError
        When there is none.
    """
    keep = np.flatnonzero([label != "" for label in predictions.labels])
    if keep.size == 0:
        raise PredictionsError(
            "no image has a label, so nothing can be measured",
            fix="fill the column label with the true classes",
        )
    return predictions if keep.size == len(predictions) else predictions.take(keep)


def patient_notes(unit: str, n_subjects: int | None) -> list[str]:
    """Return a sentence when images stand for patients, or one patient for all."""
    if unit == "patients":
        one = "all images show one patient: no interval can be given, and nothing is said of other patients"
        return [one] if n_subjects == 1 else []
    which = "no image has a" if n_subjects is None else "some images have no"
    return [
        f"{which} known patient: the intervals take "
        "each such image for a patient of its own, and are too short if several show the same one"
    ]
