"""Images whose label is contradicted by a model that did not see them: confident learning.

After Northcutt, Jiang and Chuang 2021. A class is confidently predicted where its probability reaches the
mean that it has among the images labelled so: a class that the model is never sure of needs less than one
that it is always sure of. An image confidently predicted as another class than its label is a suspect. Only
predictions made without the image, and without its patient, say anything: a network that has seen a wrong
label agrees with it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError, UsageError
from gyrus.evaluation.predictions import CLASSIFY, Predictions
from gyrus.runs.atomic import write_text

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
COLUMNS = ("image_id", "subject_id", "label", "suggested", "p_label", "p_suggested", "margin")


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image that may be labelled wrongly.

    Attributes
    ----------
    image_id, subject_id, label : str
        As in the predictions.
    suggested : str
        The class that is confidently predicted instead.
    p_label, p_suggested : float
        Probabilities of the two.
    """

    image_id: str
    subject_id: str
    label: str
    suggested: str
    p_label: float
    p_suggested: float

    @property
    def margin(self) -> float:
        """By how much the suggested class is more probable than the label."""
        return self.p_suggested - self.p_label


@dataclass(frozen=True, slots=True)
class LabelSuspects:
    """What :func:`find_label_suspects` found.

    Attributes
    ----------
    suspects : tuple of Suspect
        The largest margin first.
    classes : tuple of str
    images : int
        Labelled images that were judged.
    confident : ndarray of int64, shape (classes, classes)
        Images by label and confidently predicted class; those of no confident class are in no cell.
    thresholds : ndarray, shape (classes,)
        Probability from which a class is confidently predicted; NaN for one that no image is labelled with.
    estimated_wrong : float
        How many labels are wrong by the joint of labels and confident classes, scaled to all images.
    """

    suspects: tuple[Suspect, ...]
    classes: tuple[str, ...]
    images: int
    confident: Counts
    thresholds: Floats
    estimated_wrong: float

    def to_json(self) -> dict[str, Any]:
        """Return counts and thresholds; the images themselves lie in the table."""
        return {
            "images": self.images,
            "suspects": len(self.suspects),
            "estimated_wrong": self.estimated_wrong,
            "classes": list(self.classes),
            "confident": self.confident.tolist(),
            "thresholds": [None if np.isnan(value) else value for value in self.thresholds.tolist()],
        }

    def to_text(self) -> str:
        """Return a sentence, and the pairs of label and suggestion."""
        if not self.suspects:
            return f"label suspects: none among {self.images} images"
        pairs: dict[tuple[str, str], int] = {}
        for item in self.suspects:
            pairs[item.label, item.suggested] = pairs.get((item.label, item.suggested), 0) + 1
        lines = [
            f"label suspects: {len(self.suspects)} of {self.images} images are confidently answered as "
            f"another class"
        ]
        ordered = sorted(pairs.items(), key=lambda entry: -entry[1])
        return "\n".join(lines + [f"  {count:5d}  {a} answered {b}" for (a, b), count in ordered])


def find_label_suspects(predictions: Predictions) -> LabelSuspects:
    """Find the images whose label a held-out prediction contradicts.

    Parameters
    ----------
    predictions : Predictions
        Each made by a model that has seen neither the image nor its patient: out of fold, or of a split that
        was not trained on. Images without a label are left out.

    Raises
    ------
    UsageError
        Where an image may have several labels.
    DataError
        Without any labelled image.
    """
    if predictions.task != CLASSIFY:
        raise UsageError(
            "label suspects are told for one label an image; these predictions are multi-label",
            fix="leave out --suspects",
        )
    known = np.flatnonzero(predictions.y_true >= 0)
    if len(known) == 0:
        raise DataError("no image has a label, so none can be suspect", fix="fill the column label")
    labels, probabilities = predictions.y_true[known], predictions.y_prob[known]
    count = len(predictions.classes)
    thresholds = confident_from(labels, probabilities)
    confident = confident_class(probabilities, thresholds)
    told = confident >= 0
    joint = np.zeros((count, count), dtype=np.int64)
    np.add.at(joint, (labels[told], confident[told]), 1)
    found = [
        Suspect(
            image_id=predictions.image_ids[known[row]],
            subject_id=predictions.subject_ids[known[row]],
            label=predictions.classes[labels[row]],
            suggested=predictions.classes[confident[row]],
            p_label=float(probabilities[row, labels[row]]),
            p_suggested=float(probabilities[row, confident[row]]),
        )
        for row in np.flatnonzero(told & (confident != labels))
    ]
    found.sort(key=lambda item: (-item.margin, item.image_id))
    wrong = estimated_wrong(joint, np.bincount(labels, minlength=count))
    return LabelSuspects(tuple(found), predictions.classes, len(known), joint, thresholds, wrong)


def confident_from(labels: npt.NDArray[np.int64], probabilities: Floats) -> Floats:
    """Return for each class its mean probability among the images labelled so; NaN without any."""
    return np.array(
        [
            probabilities[labels == number, number].mean() if (labels == number).any() else np.nan
            for number in range(probabilities.shape[1])
        ]
    )


def confident_class(probabilities: Floats, thresholds: Floats) -> npt.NDArray[np.int64]:
    """Return the most probable of the classes that reach their thresholds; -1 where none does."""
    reached = probabilities >= thresholds  # False for NaN
    best = np.where(reached, probabilities, -1.0).argmax(axis=1).astype(np.int64)
    return np.where(reached.any(axis=1), best, -1)


def estimated_wrong(joint: Counts, labelled: Counts) -> float:
    """Return the number of wrong labels that the joint implies for all images.

    Each row is scaled to the number of images labelled so, since unconfident ones are in no cell (Northcutt,
    Jiang and Chuang 2021, equation 3). A row without any confident image counts as right.
    """
    rows = joint.sum(axis=1)
    off = rows - np.diag(joint)
    return float((off / np.maximum(rows, 1) * labelled).sum())


def write_label_suspects(found: LabelSuspects, path: Path) -> None:
    """Write the suspects as a table, the largest margin first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in found.suspects:
        numbers = [f"{value:.6g}" for value in (item.p_label, item.p_suggested, item.margin)]
        writer.writerow([item.image_id, item.subject_id, item.label, item.suggested, *numbers])
    write_text(path, buffer.getvalue())
