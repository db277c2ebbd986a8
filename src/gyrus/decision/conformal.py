"""Conformal sets: the classes an image may have, so that the true one is among them as often as promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.conformal_scores import scores_of

SetMethod = Literal["lac", "aps"]
Promise = Literal["at-least", "about"]


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Split conformal prediction sets.

    Attributes
    ----------
    method : {'lac', 'aps'}
        ``lac``: the score of a class is 1 - its probability (Sadinle et al. 2019); ``aps``: the probability
        of all classes before it plus a drawn share of its own (Romano et al. 2020).
    level : float
        How often the true class is to be in the set.
    class_conditional : bool
        Whether that is promised for each class by itself.
    by : {'subject', 'image'}
        What is new: an image of a patient not seen before, or an image.
    quantiles : mapping
        Class -> largest score that is still in the set; None where it was refused.
    counts : mapping
        Class -> calibration patients (or images).
    refused : mapping
        Class -> why it has no quantile.
    seed : int
        Of the draws of ``aps``.
    promise : {'at-least', 'about'}
        Whether the level is what the sets give at least, on average, or as nearly as may be.
    """

    method: SetMethod
    level: float
    class_conditional: bool
    by: Literal["subject", "image"]
    quantiles: Mapping[str, float | None]
    counts: Mapping[str, int]
    refused: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    promise: Promise = "at-least"

    @property
    def usable(self) -> bool:
        """Whether every class has its quantile: else no set keeps the promise, and none is made."""
        return not self.refused and all(value is not None for value in self.quantiles.values())

    def members(self, probabilities: FloatArray, classes: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return which classes are in each image's set, (n, n_classes).

        Raises
        ------
        ValueError
            When a class was refused: see :attr:`usable`.
        """
        if not self.usable:
            raise ValueError("no sets: " + "; ".join(f"{k}: {v}" for k, v in self.refused.items()))
        limits = np.array([self.quantiles[name] for name in classes], dtype=np.float64)
        return np.asarray(scores_of(probabilities, self.method, self.seed) <= limits)

    def to_card(self) -> dict[str, Any]:
        """Return the card's field ``conformal``."""
        return {
            "method": self.method,
            "level": self.level,
            "promise": self.promise,
            "class_conditional": self.class_conditional,
            "by": self.by,
            "quantiles": dict(self.quantiles),
            "counts": dict(self.counts),
            "refused": dict(self.refused),
            "seed": self.seed,
        }

    @classmethod
    def from_card(cls, block: Mapping[str, Any]) -> ConformalSets:
        """Return what a checked card's field ``conformal`` says."""
        return cls(**block)
