"""Options of ``gyrus compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least
from gyrus.errors import UsageError

Metric = Literal[
    "auto", "accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc", "dice", "iou", "surface_dice"
]


@dataclass(frozen=True, kw_only=True)
class CompareConfig(OutputOptions):
    """Leaderboard of models that answered the same images, with paired tests."""

    sources: Positional[tuple[Path, ...]]
    """Run folders or predictions files (CSV), of masks the evaluation.json that gyrus evaluate --out wrote;
    two or more."""
    test: bool = False
    """Compare runs on their test sets (the look is counted). Without it: on the validation images."""
    metric: Metric = "auto"
    """The figure that decides who is better; auto: accuracy, or the mean Dice of masks. Masks are compared by
    dice, iou or surface_dice, classifiers by one of the others."""
    bootstrap_samples: int = 2000
    """Samples of the paired bootstrap over patients."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    power: float = 0.8
    """Chance of telling a difference of this size that the number of patients needed should give."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        at_least(self, bootstrap_samples=200, seed=0)
        for name in ("confidence", "power"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected a share such as 0.9")
