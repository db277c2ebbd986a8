"""Options of ``gyrus predict``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.runtime import RuntimeOptions


@dataclass(frozen=True, kw_only=True)
class PredictConfig(RuntimeOptions, OutputOptions):
    """Ask a bundle about images; needs no torch."""

    files: Positional[tuple[Path, ...]]
    """Images, folders of images, or IDX files."""
    model: Path | None = None
    """Bundle (model.gyrus) or run folder; default: the model in the box."""
    heatmaps: Path | None = None
    """Folder to write a heat-map overlay (PNG) per image to."""
