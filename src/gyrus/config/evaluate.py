"""Options of ``gyrus evaluate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(OutputOptions):
    """Figures with intervals, of a run or of anybody's predictions."""

    source: Positional[Path]
    """Run folder, or a predictions file (CSV)."""
    test: bool = False
    """Look at the test set of a run; every look is counted. Without it: the validation images."""
    bootstrap_samples: int = 2000
    """Samples of the patient-clustered bootstrap."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    seed: int = 0
    """Seed of the bootstrap."""
