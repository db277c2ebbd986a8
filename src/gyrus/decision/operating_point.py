"""An operating point: from which probability on the answer is "positive", and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray

Metric = Literal["sensitivity", "specificity"]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold with the promise it was solved for.

    Attributes
    ----------
    name : str
        What reports call it, such as ``glioma, meningioma: sensitivity at least 0.98``.
    positive : tuple of str
        The classes that count as positive; the score is the sum of their calibrated probabilities.
    metric : {'sensitivity', 'specificity'}
        What was asked for.
    at_least : float
        How much of it.
    threshold : float
        An image is positive when its score is at least this.
    split : str
        What it was solved on.
    images, subjects : int and int or None
        How many that were; ``subjects`` None where patients are unknown.
    figures : mapping
        Split -> ``sensitivity``, ``specificity`` (each a figure with its interval) there.
    """

    name: str
    positive: tuple[str, ...]
    metric: Metric
    at_least: float
    threshold: float
    split: str
    images: int
    subjects: int | None
    figures: Mapping[str, Any] = field(default_factory=dict)

    def score(self, probabilities: FloatArray, classes: Sequence[str]) -> FloatArray:
        """Return the score (n,) of calibrated probabilities (n, n_classes)."""
        return positive_score(probabilities, classes, self.positive)

    def positives(self, probabilities: FloatArray, classes: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return which images are positive, (n,)."""
        return np.asarray(self.score(probabilities, classes) >= self.threshold)

    def to_card(self) -> dict[str, Any]:
        """Return its entry in the card's list ``operating_points``."""
        return {
            "name": self.name,
            "positive": list(self.positive),
            "constraint": {"metric": self.metric, "at_least": self.at_least},
            "threshold": self.threshold,
            "split": self.split,
            "images": self.images,
            "subjects": self.subjects,
            "figures": {split: dict(figures) for split, figures in self.figures.items()},
        }

    @classmethod
    def from_card(cls, entry: Mapping[str, Any]) -> OperatingPoint:
        """Return what an entry of a checked card says."""
        return cls(
            name=entry["name"],
            positive=tuple(entry["positive"]),
            metric=entry["constraint"]["metric"],
            at_least=float(entry["constraint"]["at_least"]),
            threshold=float(entry["threshold"]),
            split=entry["split"],
            images=int(entry["images"]),
            subjects=entry["subjects"],
            figures=entry["figures"],
        )


def positive_score(probabilities: FloatArray, classes: Sequence[str], positive: Sequence[str]) -> FloatArray:
    """Return the summed probabilities (n,) of the positive classes, never above 1."""
    columns = [list(classes).index(name) for name in positive]
    return np.asarray(np.minimum(probabilities[:, columns].sum(axis=1), 1.0))
