"""Options of ``gyrus demo``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least


@dataclass(frozen=True, kw_only=True)
class DemoConfig(OutputOptions):
    """The whole line on the phantom cohort: audit, split, train, evaluate, bundle, predict."""

    out: Positional[Path] = Path("demo")
    """Folder for the cohort and the run."""
    subjects: int = 240
    """Synthetic patients."""
    slices_per_subject: int = 3
    """Slices of each."""
    image_size: int = 112
    """Side of the network's input, in pixels."""
    epochs: int = 15
    """Passes through the training images."""
    seed: int = 0
    """Seed of the cohort, the split and the training."""

    def __post_init__(self) -> None:
        """Refuse what would fail once the cohort is drawn: four classes want a patient in all four splits."""
        at_least(self, subjects=16, slices_per_subject=1, image_size=16, epochs=1, seed=0)
