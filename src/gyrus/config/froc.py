"""Options of ``gyrus froc``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class FrocConfig(OutputOptions):
    """How many lesions are found, at how many false alarms: boxes against truth."""

    predictions: Positional[Path]
    """Boxes with scores: COCO's results (JSON), CSV, a folder of YOLO's or Pascal VOC's files or of masks."""
    truth: Positional[Path]
    """True boxes in one of these forms, or a manifest; must list every image, also those without a lesion."""
    masks: bool = False
    """Read folders of images as masks (of a manifest: its column mask): a box around each connected part."""
    out: Path | None = None
    """Page to write (HTML): curves, tables, and the worst scans with their boxes."""
    thresholds: tuple[float, ...] = (0.1, 0.3, 0.5)
    """Overlaps from which on a lesion counts as found."""
    criterion: Literal["iou", "centre", "iobb"] = "iou"
    """iou: intersection over union; centre: the predicted box's centre lies in the lesion's box (no overlap
    is asked); iobb: share of the predicted box that lies in the lesion's box."""
    duplicates: Literal["ignore", "false-alarm"] = "ignore"
    """What a further box on a lesion that is found already counts as on FROC curves."""
    any_class: bool = False
    """A lesion of any class counts as found by a box of any class."""
    subjects: Path | None = None
    """Table (CSV) with the columns image_id and subject_id, for intervals over patients."""
    images: Path | None = None
    """Folder of the images: for pictures of the worst scans, and for sizes where boxes are in YOLO's form."""
    nms: float | None = None
    """Leave out boxes that overlap a better one of their class by more than this."""
    outside: Literal["fail", "clip"] = "fail"
    """What becomes of boxes that stand out of their image: refused, or cut at the border."""
    mask_level: float = 0.5
    """Probability from which on a pixel of a predicted mask counts."""
    connectivity: Literal[4, 8] = 8
    """8: pixels of a mask that touch at a corner belong together; 4: only those that share a side."""
    bootstrap_samples: int = 1000
    """Samples of the bootstrap over patients."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        at_least(self, bootstrap_samples=100, seed=0)
        if not self.thresholds:
            raise UsageError("thresholds is empty; expected numbers such as 0.1 0.3 0.5")
        for value in self.thresholds:
            if not 0 < value <= 1:
                raise UsageError(f"thresholds holds {value}; expected numbers above 0, at most 1")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise UsageError(f"thresholds is {self.thresholds}; expected rising numbers, each once")
        for name in ("confidence", "mask_level"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected a share such as 0.9")
        if self.nms is not None and not 0 <= self.nms < 1:
            raise UsageError(f"nms is {self.nms}; expected a share from 0 to below 1")
        if self.criterion == "centre" and self.thresholds != (0.1, 0.3, 0.5):
            raise UsageError("--thresholds does nothing with --criterion centre", fix="leave one of them out")
