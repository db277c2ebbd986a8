"""One answer for several images of a patient or a series: the mean of their calibrated probabilities.

The mean is what the report's figures by patient pool with (:func:`gyrus.evaluation.patient_level.pooled`), so
that what is said of patients here was measured there. Thresholds and sets were fitted on single images; they
are not applied to means.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision import Decision
from gyrus.inference.evidence import Asked, Evidence


@dataclass(slots=True)
class Pooled:
    """The images of one patient or series.

    Attributes
    ----------
    name : str
        Patient, or folder.
    images, refused, unread : int
        All images; those that the gate refused; those that could not be read. Only the others are pooled.
    referred : int
        Answered images that the model by itself would leave to a person.
    in_training : int
        Images that the model was trained on.
    answers : Counter
        Label -> images with it as their own answer.
    """

    name: str
    images: int = 0
    refused: int = 0
    unread: int = 0
    referred: int = 0
    in_training: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    _sum: npt.NDArray[np.float64] | float = 0.0

    @property
    def answered(self) -> int:
        """Images whose answers are pooled."""
        return self.images - self.refused - self.unread

    @property
    def probabilities(self) -> npt.NDArray[np.float64] | None:
        """Mean of the calibrated probabilities; None where no image was answered."""
        return np.asarray(self._sum / self.answered) if self.answered else None

    def add(self, evidence: Evidence) -> None:
        """Add an image that could be read."""
        self.images += 1
        self.in_training += evidence.in_training.match is not None
        if evidence.refused is not None:
            self.refused += 1
            return
        decided = evidence.answer.decided
        self.referred += decided is not None and decided.refer
        self._sum = self._sum + evidence.answer.probabilities
        self.answers[evidence.answer.label] += 1

    def label(self, decision: Decision) -> str | None:
        """Return the pooled answer, as a predictions file writes labels."""
        mean = self.probabilities
        if mean is None:
            return None
        return Decision(decision.classes, decision.task).decide(mean[np.newaxis])[0].label

    def to_json(self, decision: Decision) -> dict[str, Any]:
        """Return the fields and the pooled answer."""
        mean = self.probabilities
        return {
            "name": self.name,
            "prediction": self.label(decision),
            "probabilities": None
            if mean is None
            else dict(zip(decision.classes, mean.tolist(), strict=True)),
            "images": self.images,
            "refused": self.refused,
            "unread": self.unread,
            "referred": self.referred,
            "in_training": self.in_training,
            "answers": dict(self.answers.most_common()),
        }


class Pooling:
    """Collects images into their groups, in the order in which the groups appear."""

    def __init__(self) -> None:
        self._groups: dict[str, Pooled] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, evidence: Evidence) -> None:
        """Add an image to its group; one without a group belongs to none."""
        if evidence.asked.group:
            self._of(evidence.asked.group).add(evidence)

    def add_unread(self, asked: Asked) -> None:
        """Count an image that could not be read."""
        if asked.group:
            group = self._of(asked.group)
            group.images += 1
            group.unread += 1

    @property
    def groups(self) -> tuple[Pooled, ...]:
        """All groups."""
        return tuple(self._groups.values())

    def _of(self, name: str) -> Pooled:
        return self._groups.setdefault(name, Pooled(name))
