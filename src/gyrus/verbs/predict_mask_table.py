"""The table of ``gyrus predict --csv`` of a bundle that segments: a row per image, areas by class."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from gyrus.evaluation.predictions import PROBABILITY_PREFIX
from gyrus.inference.evidence import Evidence
from gyrus.inference.mask_regions import Region

_BY_CLASS = ("area_px", "area_mm2", "parts", "largest_diameter_px", "largest_diameter_mm")


class MaskTable:
    """Writes a row per image as it comes.

    Parameters
    ----------
    stream : binary file
    classes : sequence of str
        Of the masks.
    picture_classes : sequence of str
        Of the pictures, of a joint network; else empty.
    """

    def __init__(
        self, stream: IO[bytes], classes: Sequence[str], picture_classes: Sequence[str] = ()
    ) -> None:
        self._stream = stream
        self._classes, self._picture_classes = tuple(classes), tuple(picture_classes)
        self._line(mask_columns(classes, picture_classes))

    def write(self, evidence: Evidence, mask: Path | None = None) -> None:
        """Add an image; what there is not (of a refused image nearly all) stays empty."""
        given, asked = evidence.answer, evidence.asked
        answered = evidence.refused is None
        regions = evidence.regions or (None,) * len(self._classes)
        spread, stored = evidence.mask_spread, given.stored
        gate = "" if not given.gate else "passed" if answered else "refused"
        picture = given.segmentation.picture if answered and given.segmentation is not None else None
        self._line(
            [asked.image_id, asked.subject_id, asked.label, given.task,
             *(_number(value) if answered else "" for value in given.probabilities.tolist()),
             given.label if answered else "",
             *(_of(region, name) for name in _BY_CLASS for region in regions),
             *(["" if picture is None else picture.top] if self._picture_classes else []),
             *([""] * len(self._picture_classes) if picture is None
               else map(_number, picture.probabilities.tolist())),
             "" if spread is None else _number(spread.entropy),
             "" if spread is None else _number(spread.dice),
             gate, evidence.refused or "", "" if mask is None else str(mask),
             given.height_px, given.width_px, given.sha256, "" if stored is None else stored.pixel_hash,
             evidence.model.model_digest, f"{sum(evidence.seconds.values()):.4g}", "; ".join(given.notes)]
        )  # fmt: skip

    def _line(self, cells: Sequence[object]) -> None:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow(cells)
        self._stream.write(buffer.getvalue().encode("utf-8", "backslashreplace"))


def mask_columns(classes: Sequence[str], picture_classes: Sequence[str] = ()) -> list[str]:
    """Return the columns: the same for the same model, whatever the other options."""
    picture = ["picture", *(f"picture:{name}" for name in picture_classes)] if picture_classes else []
    return [
        "image_id", "subject_id", "label", "task",
        *(PROBABILITY_PREFIX + name for name in classes),
        "prediction",
        *(f"{number}:{name}" for number in _BY_CLASS for name in classes),
        *picture,
        "entropy", "spread_dice", "gate", "gate_reason", "mask_file",
        "height_px", "width_px", "sha256", "pixel_hash", "model_digest", "seconds", "notes",
    ]  # fmt: skip


def _of(region: Region | None, name: str) -> object:
    value = None if region is None else getattr(region, name)
    return "" if value is None else f"{value:.9g}" if isinstance(value, float) else value


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"
