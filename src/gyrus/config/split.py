"""Options of ``gyrus split``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import DataOptions, OutputOptions, SplitOptions
from gyrus.config.positional import Positional


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
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""
