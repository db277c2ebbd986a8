"""``gyrus train --task segment``: audit, train a network for masks, export, measure what was exported."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gyrus.config import TrainConfig
from gyrus.data import Manifest, read_manifest
from gyrus.errors import DataError
from gyrus.runs import RunFolder, locked
from gyrus.verbs.resuming import resumed_manifest
from gyrus.verbs.segment_prepare import PreparedMasks, prepare_masks, same_masks, segment_config
from gyrus.verbs.train import Clock, Divided, divide, enter_stages, run_folder_of, start_run
from gyrus.verbs.train_checks import check_masks_before_reading

if TYPE_CHECKING:
    from gyrus.training.segmentation import MaskFit

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class MaskTrainResult:
    """A finished run of a network for masks.

    Attributes
    ----------
    run : RunFolder
        Where everything lies.
    classes : tuple of str
        What is segmented.
    best_epoch : int
        Whose weights were kept.
    val_dice : float
        Its Dice on the validation images at the network's size.
    verdict, sentence : str
        Of the audit.
    seconds : dict
        Wall time of each part.
    evaluations : dict
        Split -> figures, measured through the bundle on the raw files.
    """

    run: RunFolder
    classes: tuple[str, ...]
    best_epoch: int
    val_dice: float
    verdict: str
    sentence: str
    seconds: dict[str, float]
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, figures and times."""
        return {
            "run": str(self.run.path),
            "task": "segment",
            "classes": list(self.classes),
            "best_epoch": self.best_epoch,
            "val_dice": self.val_dice,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "seconds": self.seconds,
            "evaluations": self.evaluations,
        }

    def to_text(self) -> str:
        """Return the leak verdict, then the figures, then where to look."""
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        return "\n".join(
            [
                self.sentence,
                "",
                f"Dice {self.val_dice:.3f} on the validation images at the network's size (epoch "
                f"{self.best_epoch}; {', '.join(self.classes)})",
                "",
                f"time    {times}",
                f"run     {self.run.path}",
            ]
        )


def train_masks_as(config: TrainConfig) -> MaskTrainResult:
    """Train a network for masks as ``config`` says; a split that leaks is refused before anything is written.

    Raises
    ------
    LeakageError
        A patient or an image on two sides, without ``allow_leak``.
    """
    config = segment_config(config)
    check_masks_before_reading(config)
    clock = Clock()
    prepared = prepare_masks(config)
    divided = divide(config, prepared.prepared)
    divided.tell()
    clock.lap("audit")
    return train_masks_divided(config, prepared, divided, clock)


def train_masks_divided(
    config: TrainConfig, prepared: PreparedMasks, divided: Divided, clock: Clock | None = None
) -> MaskTrainResult:
    """Train on a division of a scanned data set: everything of the training after the audit."""
    clock = clock or Clock()
    config = replace(config, allow_leak=divided.reason)
    audit = divided.audit
    folder = run_folder_of(config)
    with locked(folder.path):
        if config.resume is None:
            start_run(folder, config, prepared.prepared, divided.manifest, audit)
        else:
            resumed_manifest(folder, divided.manifest)
            same_masks(folder, divided.manifest)
        fitted, _ = _fit(config, prepared, folder)
        enter_stages(folder, fitted)
        clock.lap("training")
        folder.state.unlink(missing_ok=True)  # finished: there is nothing to go on with
    kept = fitted.history[fitted.best_epoch - 1]
    return MaskTrainResult(
        folder, fitted.mask_classes.names, fitted.best_epoch, kept["val_dice"],
        audit.verdict, audit.sentence, clock.seconds,
    )  # fmt: skip


def _fit(config: TrainConfig, prepared: PreparedMasks, folder: RunFolder) -> tuple[MaskFit, Manifest]:
    from gyrus.training.segmentation import fit_masks

    # Read back: what is trained on is what stands in the run folder, with its paths.
    manifest = read_manifest(folder.manifest)
    pixels = prepared.prepared.pixels
    if pixels is None:
        raise DataError("the images were not decoded for training", path=config.source)
    fitted = fit_masks(manifest, pixels, prepared.masks, config, folder, resume=config.resume is not None)
    return fitted, manifest
