"""Options of ``gyrus crossval``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from gyrus.config.positional import Hidden, Positional
from gyrus.config.ranges import at_least
from gyrus.config.train import TrainConfig
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class CrossvalConfig(TrainConfig):
    """Train and test on grouped folds: every image is answered by a model that never saw its patient.

    All options of ``gyrus train`` apply to each fold.
    """

    source: Positional[Path]
    """Folder of images, or a manifest (CSV); its column fold, where it has one, gives the folds."""
    out: Path | None = None
    """Folder for the runs of the folds and the report; default: runs/crossval-ARCHITECTURE-NUMBER. Given
    again with the same options, folds that are finished are kept and the others trained."""
    repeats: int = 1
    """Cross-validations in a row, each dealing the patients to other folds (seed, seed+1, …)."""
    jobs: int = 1
    """Folds that are trained at once, each in a process of its own with its share of the cores and a log
    beside its run (fold-0.log); each takes the memory of a training."""
    fold: Hidden[int | None] = None
    """Set by crossval itself."""
    test: Hidden[bool] = False
    """Set by crossval itself."""
    resume: Hidden[Path | None] = None
    """A cross-validation goes on when the same command is given again."""
    show_augmentation: Hidden[bool] = False
    """For a look at the augmentation: ``gyrus train DATA --show-augmentation``."""

    def __post_init__(self) -> None:
        """Check the number of repeats, and that options which are about one training are left alone."""
        super().__post_init__()
        at_least(self, repeats=1, jobs=1)
        if self.fold is not None:
            raise UsageError(
                "crossval trains every fold; there is none to choose",
                fix=f"for one of them: gyrus train DATA --fold {self.fold} --test",
            )
        if self.test:
            raise UsageError("crossval tests every fold anyway", fix="leave out test")
        if self.resume is not None:
            raise UsageError("crossval goes on by itself", fix="give the same options and the same --out")
        if self.show_augmentation:
            raise UsageError(
                "the augmentation is the same in every fold", fix="gyrus train DATA --show-augmentation"
            )

    def of_fold(self, fold: int, *, folds: int, repeat: int) -> TrainConfig:
        """Return the options of one fold: those that ``gyrus train DATA --fold K --test`` would have.

        Parameters
        ----------
        fold : int
            Number of the fold that is tested.
        folds : int
            How many there are (the manifest's own number where it brings them).
        repeat : int
            From 0; it is added to the seed.
        """
        own: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(TrainConfig)}
        # a fold's calibration images are few; what is asked for by name is solved on all folds together
        pooled: dict[str, Any] = {"positive": (), "min_sensitivity": None, "min_specificity": None}
        pooled["calibration"] = "none" if self.calibration == "none" else "auto"
        options = TrainConfig(**{**own, **pooled, "folds": folds, "test": True, "out": None, "json": False})
        return replace(options, fold=fold, seed=self.seed + repeat)
