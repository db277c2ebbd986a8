"""Options of ``gyrus predict``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions, VolumeOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least
from gyrus.config.runtime import RuntimeOptions
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class PredictConfig(RuntimeOptions, VolumeOptions, OutputOptions):
    """Ask a bundle about images; needs no torch."""

    files: Positional[tuple[Path, ...]]
    """Images, folders or zip archives of images, volumes (NIfTI), IDX files, or manifests (CSV)."""
    model: Path | None = None
    """Bundle (model.gyrus) or run folder; default: the model in the box."""
    out: Path | None = None
    """New folder for the evidence: a page and a picture per image, index.html, predictions.csv,
    evidence.json."""
    csv: Path | None = None
    """Table to write, a row per image that could be read; a predictions file with further columns."""
    masks: Path | None = None
    """Of a bundle that segments: new folder for the masks, as PNG (class numbers) and NIfTI."""
    windows: float | None = None
    """Of a bundle that segments: look at images larger than its square in squares at their own resolution,
    overlapping by this share (0.25), instead of scaling them down; for images whose pixels are as large as
    those of training."""
    mirrored: bool = False
    """Of a bundle that segments: answer with the mean over the image and its mirror image, asking twice,
    also where the bundle does not do so by itself; for models that were trained with --flips."""
    tta: int = 0
    """Ask about so many small movements of each image too (turned, shifted, scaled; never mirrored), and tell
    how far the answer moves: its spread."""
    heat: Literal["auto", "occlusion", "none"] = "auto"
    """auto: the heat map that the bundle names (by occlusion only with --out or --json, for it runs the
    network many times); occlusion: by covering parts of the image, whatever the network; none."""
    occlusion_grid: int = 7
    """Cells a side of a heat map by occlusion; N cells take (N+1) x (N+1) passes through the network."""
    top_neighbours: int = 3
    """How many of the most alike training cases are told."""
    by: Literal["patient", "folder"] | None = None
    """Also take images together, by the mean of their probabilities: of a patient (as a manifest or DICOM
    files tell them; a NIfTI volume stands for one), or of a folder."""
    strict: bool = False
    """Exit with 3 when the input gate refuses an image."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        RuntimeOptions.__post_init__(self)
        at_least(self, tta=0, occlusion_grid=1, top_neighbours=0)
        if self.windows is not None and not 0 <= self.windows < 1:
            raise UsageError(
                f"windows is {self.windows}; expected the share by which they overlap, from 0 to below 1"
            )
