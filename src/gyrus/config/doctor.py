"""Options of ``gyrus doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.positional import Positional
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class DoctorConfig(DataOptions, OutputOptions):
    """Name every bad file and every flaw of a data set, with what mends it; images are never touched."""

    source: Positional[Path]
    """Folder of images, or a manifest (CSV)."""
    fix: bool = False
    """Write a clean manifest: without unreadable and blank images, classes joined where that is
    unambiguous."""
    out: Path | None = None
    """The manifest to write with --fix."""
    leave_out: tuple[str, ...] = ()
    """Further kinds of problem whose images --fix leaves out, for example white_border screenshot."""
    overwrite: bool = False
    """Replace the manifest if it exists."""
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check that what belongs together is given together."""
        if self.fix and self.out is None:
            raise UsageError("--fix writes a manifest; say where to: --out clean.csv")
        if not self.fix and (self.out is not None or self.leave_out or self.overwrite):
            raise UsageError("--out, --leave-out and --overwrite say how to fix; give --fix as well")
