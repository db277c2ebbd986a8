"""Options for classes of unequal size: what an image counts, how often it is seen, what the loss asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gyrus.config.ranges import positive, share
from gyrus.errors import UsageError

NAMED_WEIGHTS = ("balanced", "effective", "none")


@dataclass(frozen=True, kw_only=True)
class BalanceOptions:
    """How rare classes are made to count."""

    loss: Literal["cross-entropy", "focal"] = "cross-entropy"
    """Loss that is minimised; focal: images that are already answered well count less."""
    focal_gamma: float = 2.0
    """How much less: the focal loss's exponent; 0 is the cross-entropy."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes."""
    class_weights: str = "balanced"
    """balanced: inversely to a class's training images; effective: inversely to its effective number of them;
    none; or numbers: NAME=WEIGHT,NAME=WEIGHT, or WEIGHT,WEIGHT in the order of the class names."""
    effective_beta: float = 0.999
    """Beta of the effective number of images, (1 - beta^n) / (1 - beta): near 1 it is n, at 0 it is 1."""
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    """shuffle: each training image once an epoch; balanced: all classes equally often, images of rare ones
    several times (each with draws of its own), of common ones not every epoch."""
    minority_augmentation: bool = False
    """Augment rare classes with stronger draws."""

    def __post_init__(self) -> None:
        """Check the numbers, and that ``class_weights`` can be read."""
        share(self, "label_smoothing", "effective_beta")
        positive(self, "focal_gamma", allow_zero=("focal_gamma",))
        _ = self.given_weights

    @property
    def given_weights(self) -> dict[str, float] | tuple[float, ...] | None:
        """The weights given as numbers: by class name, or in the order of the names; None for a rule.

        Raises
        ------
        UsageError
            For a text that is neither, and for a number that is no weight.
        """
        text = self.class_weights.strip()
        if text in NAMED_WEIGHTS:
            return None
        parts = [part.strip() for part in text.split(",") if part.strip()]
        named = [part.rpartition("=") for part in parts]
        values = tuple(self._weight(value) for _, _, value in named)
        if not parts:
            raise self._unreadable()
        if not any(mark for _, mark, _ in named):
            return values
        names = [name.strip() for name, _, _ in named]
        if not all(names):
            raise self._unreadable()
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"class_weights names {', '.join(twice)} more than once")
        return dict(zip(names, values, strict=True))

    def _weight(self, text: str) -> float:
        try:
            weight = float(text)
        except ValueError:
            raise self._unreadable() from None
        if not math.isfinite(weight) or weight <= 0:
            raise UsageError(f"class_weights holds {text.strip()}; expected numbers above 0")
        return weight

    def _unreadable(self) -> UsageError:
        return UsageError(
            f"class_weights is {self.class_weights!r}; it can be {', '.join(NAMED_WEIGHTS)}, or numbers",
            fix="for example --class-weights glioma=2,pituitary=1, or 2,1,1 in the order of the class names",
        )
