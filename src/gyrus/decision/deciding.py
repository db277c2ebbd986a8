"""From logits to a decision: probabilities, an answer or a referral, operating points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data.label_names import label_of
from gyrus.decision.activations import TASK_ACTIVATIONS, FloatArray
from gyrus.decision.calibration import Calibration
from gyrus.decision.conformal import ConformalSets
from gyrus.decision.operating_point import OperatingPoint

HALF = 0.5
"""From which probability on a class is shown where an image may show several."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is said about one image.

    Attributes
    ----------
    label : str or None
        The answer as a predictions file writes labels; None where the image is referred.
    refer : bool
        Whether a person should look, because the conformal set is not the one most probable class.
    set : tuple of str or None
        The classes that the image may have, most probable first; None where the model has no sets.
    reason : str
        Why it is referred, or why there is no set; empty where nothing needs to be said.
    points : dict
        Name of each operating point -> whether the image is positive there.
    """

    label: str | None
    refer: bool = False
    set: tuple[str, ...] | None = None
    reason: str = ""
    points: dict[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "label": self.label,
            "refer": self.refer,
            "set": None if self.set is None else list(self.set),
            "reason": self.reason,
            "points": dict(self.points),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything between a network's logits and what is said.

    Attributes
    ----------
    classes : tuple of str
    task : {'classify', 'multilabel'}
    calibration : Calibration
    points : tuple of OperatingPoint
    conformal : ConformalSets or None
    """

    classes: tuple[str, ...]
    task: str = "classify"
    calibration: Calibration = field(default_factory=Calibration)
    points: tuple[OperatingPoint, ...] = ()
    conformal: ConformalSets | None = None

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Decision:
        """Return what a checked card says; where its fields are null, the plain softmax (or sigmoid)."""
        conformal = card.get("conformal")
        return cls(
            classes=tuple(card["classes"]),
            task=card["task"],
            calibration=Calibration.from_card(card.get("calibration"), TASK_ACTIVATIONS[card["task"]]),
            points=tuple(OperatingPoint.from_card(entry) for entry in card.get("operating_points") or ()),
            conformal=None if conformal is None else ConformalSets.from_card(conformal),
        )

    def to_card(self) -> dict[str, Any]:
        """Return the card's fields ``calibration``, ``operating_points`` and ``conformal``."""
        return {
            "calibration": self.calibration.to_card(),
            "operating_points": [point.to_card() for point in self.points] or None,
            "conformal": None if self.conformal is None else self.conformal.to_card(),
        }

    def probabilities(self, logits: npt.NDArray[Any]) -> FloatArray:
        """Return the calibrated probabilities (n, n_classes) of logits (n, n_classes)."""
        return self.calibration.apply(logits)

    def decide(self, probabilities: FloatArray) -> list[Decided]:
        """Return what is said about each image, given its calibrated probabilities (n, n_classes)."""
        positive = {point.name: point.positives(probabilities, self.classes) for point in self.points}
        answers = self._answers(probabilities)
        decided = []
        for row, (label, refer, members, reason) in enumerate(answers):
            points = {name: bool(column[row]) for name, column in positive.items()}
            decided.append(Decided(label, refer, members, reason, points))
        return decided

    def _answers(
        self, probabilities: FloatArray
    ) -> list[tuple[str | None, bool, tuple[str, ...] | None, str]]:
        if self.task != "classify":
            return [(self._shown(row), False, None, "") for row in probabilities]
        tops = probabilities.argmax(axis=1)
        if self.conformal is None or not self.conformal.usable:
            reason = "" if self.conformal is None else _no_sets(self.conformal)
            return [(self.classes[top], False, None, reason) for top in tops]
        members = self.conformal.members(probabilities, self.classes)
        return [self._in_set(*row) for row in zip(probabilities, tops, members, strict=True)]

    def _shown(self, row: FloatArray) -> str:
        return label_of(name for name, value in zip(self.classes, row, strict=True) if value >= HALF)

    def _in_set(
        self, row: FloatArray, top: int, members: npt.NDArray[np.bool_]
    ) -> tuple[str | None, bool, tuple[str, ...], str]:
        order = np.argsort(-row, kind="stable")
        names = tuple(self.classes[number] for number in order if members[number])
        reason = _why_referred(names, self.classes[top])
        return (None if reason else names[0]), bool(reason), names, reason


def _why_referred(names: Sequence[str], top: str) -> str:
    if not names:
        return "no class fits as well as the calibration images fit theirs"
    if len(names) > 1:
        return f"it may be {' or '.join(names)}"
    if names[0] != top:
        return f"only {names[0]} fits, but {top} is more probable"
    return ""


def _no_sets(conformal: ConformalSets) -> str:
    return "no sets: " + "; ".join(f"{name}: {reason}" for name, reason in conformal.refused.items())
