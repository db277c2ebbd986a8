"""``gyrus froc``: predicted boxes against lesions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.config import FrocConfig
from gyrus.config.build import build
from gyrus.data.box_files import Joined, Listed, Reading, join_boxes, read_boxes
from gyrus.data.table import read_table
from gyrus.errors import DataError, UsageError, require
from gyrus.evaluation.detections import Measuring, evaluate_detections
from gyrus.evaluation.detections_text import format_detections
from gyrus.evaluation.worst_scans import worst_images
from gyrus.metrics.detection import match, suppress
from gyrus.pages.froc_page import write_froc_page
from gyrus.runs import environment

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class FrocResult:
    """All figures of a detector.

    Attributes
    ----------
    figures : dict
        See :mod:`gyrus.evaluation.detections`; with ``worst``, ``notes``, ``predictions``, ``truth``.
    page : Path or None
        Where the page was written.
    """

    figures: dict[str, Any]
    page: Path | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {**self.figures, "page": None if self.page is None else str(self.page)}

    def to_text(self) -> str:
        """Return the tables."""
        page = "" if self.page is None else f"\n\npage: {self.page}"
        return format_detections(self.figures) + page


def run(config: FrocConfig) -> FrocResult:
    """Measure ``config.predictions`` against ``config.truth``.

    Raises
    ------
    DataError
        For files that cannot be read or joined; bad lines and items are listed.
    UsageError
        When the page would overwrite one of the files.
    MissingDependencyError
        For a page without matplotlib.
    """
    _check_out(config)
    joined = _joined(config)
    how = Measuring(
        thresholds=config.thresholds, criterion=config.criterion, duplicates=config.duplicates,
        bootstrap_samples=config.bootstrap_samples, confidence=config.confidence, seed=config.seed,
    )  # fmt: skip
    figures = {
        "predictions": str(config.predictions),
        "truth": str(config.truth),
        **evaluate_detections(joined.cohort, joined.classes, how),
    }
    figures["worst"] = _worst(joined, figures)
    figures["notes"] = list(joined.notes)
    for note in joined.notes:
        logger.info("note: %s", note)
    if config.out is not None:
        sources = {image.image_id: image.source for image in joined.images if image.source is not None}
        write_froc_page(figures, sources, environment(), config.out)
    return FrocResult(figures, config.out)


def froc(predictions: Path | str, truth: Path | str, **options: Any) -> FrocResult:
    """Measure boxes against truth; options as in :class:`gyrus.config.FrocConfig`."""
    return run(build(FrocConfig, predictions=predictions, truth=truth, **options))


def _check_out(config: FrocConfig) -> None:
    if config.out is None:
        return
    require("matplotlib", "report", "the page of gyrus froc; without --out it prints the figures")
    if config.out.suffix.lower() not in (".html", ".htm"):
        raise UsageError("is no page", path=config.out, fix="name a file that ends in .html")
    if config.out.resolve() in (config.predictions.resolve(), config.truth.resolve()):
        raise UsageError("is one of the files that are read", path=config.out, fix="name another")


def _joined(config: FrocConfig) -> Joined:
    reading = Reading(config.images, config.masks, config.mask_level, config.connectivity)
    predictions = read_boxes(config.predictions, "predictions", reading)
    truth = read_boxes(config.truth, "truth", reading)
    joined = join_boxes(
        predictions, truth, outside=config.outside, any_class=config.any_class,
        subjects=None if config.subjects is None else _subjects(config.subjects),
    )  # fmt: skip
    if config.nms is None:
        return joined
    cohort = joined.cohort
    kept = np.sort(suppress(cohort.predicted, cohort.scores, config.nms, cohort.group_of_predicted()))
    left = len(cohort.scores) - len(kept)
    note = f"{left} of {len(cohort.scores)} boxes overlap a better one by more than {config.nms:g} (--nms)."
    return replace(joined, cohort=cohort.only(kept), notes=(*joined.notes, note))


def _subjects(path: Path) -> dict[str, str]:
    table = read_table(path)
    missing = [name for name in ("image_id", "subject_id") if name not in table.columns]
    if missing:
        raise DataError(
            f"has no column {' and no '.join(missing)}; its columns are {', '.join(table.columns)}",
            path=path, fix="the table of patients has image_id and subject_id",
        )  # fmt: skip
    return {record.cells["image_id"].strip(): record.cells["subject_id"].strip() for record in table.records}


def _worst(joined: Joined, figures: dict[str, Any]) -> dict[str, Any]:
    """Return the worst images at the middle threshold, with at most one false alarm a scan."""
    block = figures["thresholds"][len(figures["thresholds"]) // 2]
    (point,) = (point for point in block["operating_points"] if point["at_most"] == 1.0)
    (matched,) = match(joined.cohort, [block["threshold"]], figures["criterion"])
    found = worst_images(joined.cohort, matched, point["score"], figures["duplicates"])
    return {
        "threshold": block["threshold"],
        "score": point["score"],
        "images": [_named(one, joined.images, joined.classes) for one in found],
    }


def _named(one: dict[str, Any], images: Sequence[Listed], classes: Sequence[str]) -> dict[str, Any]:
    image = images[one["image"]]
    named = {
        part: [{**box, "class": classes[box["class"]]} for box in one[part]] for part in ("lesions", "boxes")
    }
    name = next((name for name in image.names if "." in name), image.image_id)
    return {
        **one,
        **named,
        "image": image.image_id,
        "name": name,
        "subject_id": image.subject_id,
        "width_px": image.width_px,
        "height_px": image.height_px,
    }
