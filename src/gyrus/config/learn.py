"""Options of ``gyrus learn``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least


@dataclass(frozen=True, kw_only=True)
class LearnConfig(DataOptions, OutputOptions):
    """Small experiments that show something: run one, look at its page."""

    topic: Positional[Literal["leakage"]]
    """leakage: what it is worth when patients stand on both sides of a split."""
    source: Positional[Path | None] = None
    """Folder of images, or a manifest (CSV), with patients; default: a synthetic cohort."""
    out: Path | None = None
    """Folder for the page, the picture and the numbers; default: runs/learn-TOPIC-NUMBER."""
    max_images: int = 4000
    """Of a larger set so many images are used, whole patients drawn at random."""
    seed: int = 0
    """Seed of the cohort, the splits and the trainings."""
    cache_dir: Path | None = None
    """Where decoded pixels are kept; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check the values that types alone do not."""
        at_least(self, max_images=50, seed=0)
