"""Options that several verbs share. An option has its default here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.masking import MaskOptions
from gyrus.config.ranges import at_least, share
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class VolumeOptions:
    """Which images of a volume (NIfTI, DICOM of several frames) are taken."""

    plane: Literal["axial", "coronal", "sagittal"] = "axial"
    """Plane in which NIfTI volumes are cut into slices."""
    slices: str = "8"
    """Which slices of each volume are taken: all, middle, or how many, evenly over its middle half."""

    def check_slices(self) -> None:
        """Raise UsageError when ``slices`` is no choice."""
        if self.slices not in ("all", "middle") and not (self.slices.isdecimal() and int(self.slices)):
            raise UsageError(f"slices is {self.slices!r}; expected all, middle, or a number from 1 on")


@dataclass(frozen=True, kw_only=True)
class DataOptions(MaskOptions, VolumeOptions):
    """How a folder or table of images is read."""

    subjects: Path | None = None
    """Side table (CSV) with a row per image, telling its patient."""
    on: str | None = None
    """Column of the side table that names the image (file name, with or without ending)."""
    subject_column: str | None = None
    """Column (of the side table or the manifest) that holds the patient."""
    label_column: str | None = None
    """Column (of the side table or the manifest) that holds the class."""
    subject_pattern: str | None = None
    """Regular expression searched in the image's path; its group "subject" (or the first) is the patient,
    for example "person(\\d+)_"."""
    subject_folder: bool = False
    """The folder directly above each image is the patient (CLASS/PATIENT/image)."""
    task: Literal["auto", "classify", "multilabel", "segment"] = "auto"
    """classify: an image has one class; multilabel: any number of them, joined by "|" in the label
    (edema|mass; a single | for none); segment: each image has a mask; auto: what the manifest's column task
    says, else classify."""
    join_classes: tuple[str, ...] = ()
    """Joins of class names, each as NAME=VARIANT,VARIANT (for example no_tumor=notumor,healthy)."""
    on_bad_file: Literal["fail", "skip"] = "fail"
    """What to do with an image that cannot be read: stop, or go on without it and list it."""
    color: Literal["grey", "rgb"] = "grey"
    """Read the images as grey (MRI) or in colour."""


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """How images are divided; patients and identical copies stay together."""

    split: Literal["auto", "repair", "new"] = "auto"
    """auto: keep a split that is given, fill in what is missing; repair: keep it and move the fewest images
    so that no patient or copy stands on two sides; new: ignore it."""
    val_fraction: float = 0.1
    """Share of the images for validation (early stopping, choices)."""
    cal_fraction: float = 0.1
    """Share of the images for calibration."""
    test_fraction: float = 0.2
    """Share of the images for the test set (of a split that is made anew)."""
    folds: int = 5
    """Number of cross-validation folds."""
    fold: int | None = None
    """Use this fold (0 to folds-1) as the test set."""
    seed: int = 0
    """Seed of everything that is drawn at random."""

    def __post_init__(self) -> None:
        """Check shares and folds."""
        share(self, "val_fraction", "cal_fraction", "test_fraction")
        at_least(self, folds=2, seed=0)
        if self.val_fraction + self.cal_fraction + self.test_fraction >= 1:
            raise UsageError("val_fraction, cal_fraction and test_fraction leave nothing to train on")
        if self.fold is not None and not 0 <= self.fold < self.folds:
            raise UsageError(
                f"fold is {self.fold}; it can be 0 to {self.folds - 1}", fix="folds are counted from 0"
            )


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How a result is given."""

    json: bool = False
    """Print exactly one JSON object to stdout."""
