"""Labelled images that a decision is fitted on: logits, truth, and whose images they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.errors import DataError

FEWEST_PATIENTS = 10
"""Patients from which on a calibration is fitted: below, five folds of two patients tell nothing."""
_LOOKS_LIKE_ONE = 1e-4


@dataclass(frozen=True, slots=True)
class Cases:
    """Logits with their truth.

    Attributes
    ----------
    logits : ndarray of float64, shape (n, n_classes)
        As the network gave them; log-probabilities do as well where there are no others.
    truth : ndarray of bool, shape (n, n_classes)
        Which classes each image shows; one a row with the task ``classify``.
    groups : ndarray of int64, shape (n,)
        Number of each image's patient (or copies' group, or image, where the patient is unknown), from 0.
    classes : tuple of str
    task : {'classify', 'multilabel'}
    split : str
        What the images are, for the card.
    subjects : int or None
        How many patients; None where that of an image is unknown.
    fingerprint : str or None
        Of the manifest.
    """

    logits: FloatArray
    truth: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    task: str = "classify"
    split: str = "cal"
    subjects: int | None = None
    fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def n_groups(self) -> int:
        """How many patients (groups) there are."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def unit(self) -> str:
        """What the groups are called."""
        return "images" if self.subjects is None else "patients"

    def so_many(self, groups: int, kind: str = "") -> str:
        """Return ``1 calibration patient``, ``2 positive calibration images``."""
        unit = self.unit[:-1] if groups == 1 else self.unit
        return " ".join(filter(None, (str(groups), kind, "calibration", unit)))

    @property
    def described(self) -> dict[str, Any]:
        """What a card says that something was fitted on."""
        return {
            "split": self.split,
            "images": len(self),
            "subjects": self.subjects,
            "fingerprint": self.fingerprint,
        }

    def take(self, rows: npt.NDArray[Any]) -> Cases:
        """Return some images; their patients are numbered anew."""
        _, numbered = np.unique(self.groups[rows], return_inverse=True)
        subjects = None if self.subjects is None else int(numbered.max(initial=-1)) + 1
        return Cases(
            self.logits[rows], self.truth[rows], numbered.astype(np.int64).reshape(-1), self.classes,
            self.task, self.split, subjects, self.fingerprint,
        )  # fmt: skip

    def absent(self) -> list[str]:
        """Return the classes that no image shows."""
        seen = self.truth.sum(axis=0).tolist()
        return [name for name, images in zip(self.classes, seen, strict=True) if not images]


def make_cases(
    logits: npt.ArrayLike,
    labels: Sequence[Sequence[str]],
    group_ids: Sequence[str],
    classes: Sequence[str],
    *,
    task: str = "classify",
    split: str = "cal",
    subject_ids: Sequence[str] = (),
    fingerprint: str | None = None,
) -> Cases:
    """Return checked cases.

    Parameters
    ----------
    logits : array_like, shape (n, n_classes)
    labels : sequence of sequences of str
        (n,) names of the classes that each image shows.
    group_ids : sequence of str
        (n,) whose image each is.
    classes : sequence of str
        Names of the columns.
    subject_ids : sequence of str, optional
        (n,) patients; an empty name is unknown.

    Raises
    ------
    DataError
        For arrays of other shapes, numbers that are not finite, and probabilities in the place of logits.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape != (len(labels), len(classes)):
        raise DataError(
            f"logits have the shape {values.shape}; expected ({len(labels)}, {len(classes)}): a row an image,"
            " a column a class"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).any(axis=1).sum())} rows of logits are not finite")
    refuse_probabilities(values, task)
    _, groups = np.unique(np.array(group_ids, dtype=np.str_), return_inverse=True)
    column = {name: number for number, name in enumerate(classes)}
    truth = np.zeros(values.shape, dtype=bool)
    for row, names in enumerate(labels):
        truth[row, [column[name] for name in names]] = True
    known = len(subject_ids) == len(labels) and all(subject_ids)
    return Cases(
        values, truth, groups.astype(np.int64).reshape(-1), tuple(classes), task, split,
        len(set(subject_ids)) if known else None, fingerprint,
    )  # fmt: skip


def refuse_probabilities(logits: FloatArray, task: str) -> None:
    """Refuse probabilities where logits are meant: scaled once more, they would be far too unsure.

    Raises
    ------
    DataError
        When every row lies between 0 and 1 and sums to 1. Of several classes an image it cannot be told: the
        logits of a network that has hardly learnt lie there, too.
    """
    if task != "classify" or not len(logits) or logits.min() < 0 or logits.max() > 1:
        return
    if np.abs(logits.sum(axis=1) - 1).max() < _LOOKS_LIKE_ONE:
        raise DataError(
            "these are probabilities (all between 0 and 1); a calibration is fitted on logits",
            fix="give the network's logits, or the logarithms of the probabilities",
        )


def why_not(cases: Cases) -> str:
    """Return why a calibration cannot be fitted on these cases; empty where it can."""
    absent = cases.absent()
    if absent:
        return f"no calibration image shows {', '.join(absent)}"
    if cases.n_groups < FEWEST_PATIENTS:
        return f"{cases.so_many(cases.n_groups)}; at least {FEWEST_PATIENTS} are needed"
    return ""
