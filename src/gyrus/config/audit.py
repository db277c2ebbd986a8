"""Options of ``gyrus audit``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.positional import Positional


@dataclass(frozen=True, kw_only=True)
class AuditConfig(DataOptions, OutputOptions):
    """Look for patients and images that stand on two sides of a split; exit 4 when there are any."""

    source: Positional[Path]
    """Folder of images, or a manifest (CSV)."""
    out: Path | None = None
    """Folder to write the page audit.html, audit.json, the scanned manifest.csv and badge.svg to."""
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""
