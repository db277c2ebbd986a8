"""Predicted label maps of volumes against true ones, where no image is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.config import EvaluateConfig
from gyrus.config.options import DataOptions
from gyrus.data import Manifest, Row
from gyrus.data.label_maps import LabelMaps, load_label_maps
from gyrus.data.mask_classes import MaskClasses, classes_of
from gyrus.data.masks import Mask, class_numbers, stored_values
from gyrus.data.spacing import spacing_of
from gyrus.errors import UsageError
from gyrus.evaluation.predictions import default_groups
from gyrus.evaluation.segmentation import MaskMeasuring, evaluate_segmentation
from gyrus.evaluation.segmentation_cases import MaskPair, measure_pairs
from gyrus.imaging.source import Source
from gyrus.pages.mask_pictures import MaskPicture
from gyrus.pages.segmentation_report import shown_ids
from gyrus.verbs.segment_measure import unit_of

_MEANINGLESS = ("slices", "task", "join_classes", "on_bad_file", "color")
"""Options of images: every slice of a label map counts, and a map that cannot be read is no answer."""


@dataclass(frozen=True, slots=True)
class MeasuredLabelMaps:
    """Figures of label maps.

    Attributes
    ----------
    evaluation : dict
        See :mod:`gyrus.evaluation.segmentation`; an image is a slice.
    manifest : Manifest
        A row per slice.
    pictures : callable
        Returns the outlines of the slices that the report shows, on black.
    """

    evaluation: dict[str, Any]
    manifest: Manifest
    pictures: partial[dict[str, MaskPicture]]


def measure_label_maps(config: EvaluateConfig, true: Path) -> MeasuredLabelMaps:
    """Measure the label maps of ``config.source`` against those of ``true``.

    Values mean the same on both sides: any but 0 the one class, or those of ``mask_values``.

    Raises
    ------
    UsageError
        For options that do nothing here.
    DataError
        When maps cannot be paired, do not lie on each other, or hold values that are no class.
    """
    _check_options(config)
    maps = load_label_maps(config.source, true, config)
    classes = classes_of(maps.manifest, config)
    values: dict[str, set[int]] = {"true": set(), "predicted": set()}
    rows = maps.manifest.rows
    cases = measure_pairs(
        _pairs(maps, classes, values), classes.names, unit=unit_of(rows), tolerance=config.surface_tolerance
    )
    how = MaskMeasuring(
        tolerance=config.surface_tolerance, found_share=config.found_share, confidence=config.confidence
    )
    evaluation = evaluate_segmentation(cases, how)
    notes = [_told(rows, config), *_joined(values, classes), *maps.notes, *evaluation["notes"]]
    evaluation = {**evaluation, "notes": notes}
    return MeasuredLabelMaps(evaluation, maps.manifest, partial(_pictures, evaluation, maps, classes))


def _check_options(config: EvaluateConfig) -> None:
    defaults = {field.name: field.default for field in fields(DataOptions)}
    wrong = [name for name in _MEANINGLESS if getattr(config, name) != defaults[name]]
    if config.task == "segment":
        wrong.remove("task")
    if config.missing_masks == "empty" or (config.missing_masks != "fail" and config.source.is_file()):
        wrong.append("missing_masks")
    given = ["--" + name.replace("_", "-") for name in wrong]
    given += [name for name, used in (("--test", config.test), ("--training", config.training)) if used]
    if given:
        raise UsageError(
            f"{' and '.join(given)}: of label maps by themselves every slice counts, and there are no images",
            path=config.source, fix="leave it out",
        )  # fmt: skip


def _pairs(maps: LabelMaps, classes: MaskClasses, values: dict[str, set[int]]) -> Iterator[MaskPair]:
    """Yield the slices; ``values`` gets what the maps hold.

    The process that reads NIfTI keeps one volume unpacked: all slices of a map are read before the other
    one's.
    """
    groups = _groups(maps.manifest.rows)
    for path, rows in groupby(maps.manifest.rows, key=lambda row: row.path):
        slices = list(rows)
        sides = {"true": maps.manifest.root / path, "predicted": maps.predicted[path]}
        masks: dict[str, list[Mask]] = {"true": [], "predicted": []}
        for side, place in sides.items():
            for row in slices:
                source = Source(place, row.frame)
                stored = stored_values(source)
                values[side].update(np.unique(stored).tolist())
                masks[side].append(class_numbers(stored, row, classes, source))
        for row, true, drawn in zip(slices, masks["true"], masks["predicted"], strict=True):
            yield MaskPair(
                image_id=row.image_id, subject_id=row.subject_id, group_id=groups[row.image_id], fold="",
                true=true, predicted=drawn, spacing=spacing_of(row),
            )  # fmt: skip


def _groups(rows: tuple[Row, ...]) -> dict[str, str]:
    ids = tuple(row.image_id for row in rows)
    return dict(zip(ids, default_groups(tuple(row.subject_id for row in rows), ids), strict=True))


def _told(rows: tuple[Row, ...], config: EvaluateConfig) -> str:
    volumes = len({row.path for row in rows})
    planes = " and ".join(sorted({row.plane or config.plane for row in rows}))
    many = "1 label map counts" if volumes == 1 else f"{volumes:,} label maps counts"
    return (
        f"Every {planes} slice of the {many} as an image; the figures of patients take all slices of a "
        "patient together, which is the Dice of a whole volume where each file is a patient. No image is at "
        "hand: a report draws the outlines on black."
    )


def _joined(values: dict[str, set[int]], classes: MaskClasses) -> list[str]:
    """Say it where several values count as one class that nobody asked to be joined."""
    several = {side: sorted(found - {0}) for side, found in values.items() if len(found - {0}) > 1}
    if classes.kind != "binary" or not several:
        return []
    told = " and ".join(
        f"the {side} maps hold {', '.join(map(str, found))}" for side, found in several.items()
    )
    return [
        f"All values but 0 count as {classes.names[0]}; {told}. --mask-classes values --mask-values "
        "NAME=1 NAME=2 measures them apart."
    ]


def _pictures(evaluation: dict[str, Any], maps: LabelMaps, classes: MaskClasses) -> dict[str, MaskPicture]:
    rows = {row.image_id: row for row in maps.manifest}
    found = {}
    for image_id in shown_ids(evaluation):
        row = rows[image_id]
        both = []
        for place in (maps.manifest.root / row.path, maps.predicted[row.path]):
            source = Source(place, row.frame)
            both.append(class_numbers(stored_values(source), row, classes, source))
        ground: npt.NDArray[np.uint8] = np.zeros((*both[0].shape, 1), np.uint8)
        found[image_id] = MaskPicture(ground, both[0], both[1])
    return found
