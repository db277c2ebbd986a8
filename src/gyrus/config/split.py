"""Options of ``gyrus split``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import DataOptions, OutputOptions, SplitOptions
from gyrus.config.positional import Positional
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SplitConfig(DataOptions, SplitOptions, OutputOptions):
    """Write a manifest whose splits share no patient and no copy."""

    source: Positional[Path]
    """Folder of images, or a manifest (CSV)."""
    out: Path = Path("manifest.csv")
    """The manifest to write."""
    split: Literal["auto", "repair", "new"] = "repair"
    """repair: keep a given split, moving the fewest images; auto: keep it as it is; new: ignore it."""
    repair: bool = False
    """The same as --split repair."""
    overwrite: bool = False
    """Replace the manifest if it exists."""
    all_folds: bool = False
    """Nested cross-validation: write the split of every fold (columns split_fold_0, split_fold_1, …), each
    with its own validation and calibration images."""
    export: Literal["folders", "csv", "yolo", "monai-json"] | None = None
    """Also write the split in the shape of another tool: SPLIT/CLASS/image folders, a CSV table a split,
    YOLO's shape, MONAI's data list."""
    export_to: Path | None = None
    """Folder to export to, new or empty; default: beside the manifest, MANIFEST-EXPORT."""
    copy: bool = False
    """Export copies of the images instead of links to them."""
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Refuse options that would have no effect."""
        super().__post_init__()
        if self.export is None and (self.copy or self.export_to is not None):
            raise UsageError(
                "--copy and --export-to belong to an export",
                fix="add --export folders, csv, yolo or monai-json",
            )
