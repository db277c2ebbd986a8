"""Options of ``gyrus calibrate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.deciding import DecidingOptions
from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.packing import PrivateOption
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class CalibrateConfig(DecidingOptions, PrivateOption, DataOptions, OutputOptions):
    """Refit calibration, thresholds, sets and gate on cases of your own: a new bundle, without training."""

    source: Positional[Path]
    """Bundle (model.gyrus) or run folder; it is left as it is."""
    data: Positional[Path]
    """Folder or manifest of labelled images that the model was not trained on. Where it has the split cal,
    those of its images; else all."""
    out: Path
    """The new bundle; it must not exist yet."""
    gate: Literal["auto", "refit", "keep"] = "auto"
    """The gate's step "unlike the training data". auto: refit it where the bundle has it; refit: and refuse
    where that is impossible; keep: as it is."""
    seed: int = 0
    """Seed of the folds and draws."""
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check the options, and that the new bundle has a name of its own."""
        DecidingOptions.__post_init__(self)
        at_least(self, seed=0)
        if self.out.suffix != ".gyrus":
            raise UsageError(f"out is {self.out}; expected the name of a bundle", fix="--out new.gyrus")
        if self.out.exists():
            raise UsageError("exists already", path=self.out, fix="name a new file with --out")
