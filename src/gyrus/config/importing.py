"""Options of ``gyrus import``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions, VolumeOptions
from gyrus.config.positional import Positional

ImportKind = Literal["auto", "cheng", "lgg", "carvana", "cifar", "brats", "coco", "parquet", "folder"]
PublicSet = Literal["mnist", "cifar10", "cifar100", "cheng", "lgg", "carvana", "brats"]


@dataclass(frozen=True, kw_only=True)
class ImportOptions(VolumeOptions):
    """How single kinds of data sets are read."""

    sequence: str = "t1ce"
    """BraTS-like folders: which sequence (t1, t1ce, t2, flair, or the ending that yours has before .nii)."""
    image_column: str | None = None
    """Parquet: column of the images; default: the one that holds images."""
    label_column: str | None = None
    """Parquet: column of the classes; default: label, labels or class."""
    subject_column: str | None = None
    """Parquet: column of the patients; default: none."""
    with_masks: bool = False
    """COCO: draw the outlines of the annotations as masks, for --task segment; a table tells their values."""

    def __post_init__(self) -> None:
        """Check the choice of slices."""
        self.check_slices()


@dataclass(frozen=True, kw_only=True)
class ImportConfig(ImportOptions, OutputOptions):
    """Write a manifest of a data set that comes in a form of its own."""

    source: Positional[Path]
    """Folder, or a file (COCO's JSON, a Parquet file); with --download the folder to fetch the set into."""
    out: Path = Path("manifest.csv")
    """The manifest to write."""
    images: Path | None = None
    """Folder, new or empty, for images that gyrus cannot read where they lie; default: MANIFEST-images."""
    kind: ImportKind = "auto"
    """What the source is; auto: recognised by the names of its files."""
    download: PublicSet | None = None
    """Fetch this public set first (or say what has to be fetched by hand); checked against its checksum."""
    overwrite: bool = False
    """Replace the manifest if it exists."""
