"""Pairs of a true and a predicted mask, measured one after the other: no mask is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.data.spacing import Spacing
from gyrus.errors import PredictionsError
from gyrus.metrics.confusion import number_groups
from gyrus.metrics.segmentation import ClassCase, measure_case
from gyrus.metrics.undefined import FloatArray

Ints = npt.NDArray[np.int64]
Unit = Literal["mm", "px"]

PIXELS = ("true_px", "predicted_px", "both_px")
SCORES = ("dice", "iou", "precision", "recall", "hd95", "average_distance", "surface_dice")


@dataclass(frozen=True, slots=True)
class MaskPair:
    """One image.

    Attributes
    ----------
    image_id, subject_id, group_id, fold : str
        Patient and fold are empty where unknown; the group is what intervals cluster by.
    true, predicted : ndarray of uint8, shape (height, width)
        0 background, ``i`` the class number ``i``.
    spacing : Spacing or None
    """

    image_id: str
    subject_id: str
    group_id: str
    fold: str
    true: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]
    spacing: Spacing | None = None


@dataclass(frozen=True, slots=True)
class SegmentationCases:
    """The figures of each image and class, and of each true object.

    Attributes
    ----------
    classes : tuple of str
    unit : {"mm", "px"}
        Of distances and areas.
    image_ids, subject_ids, folds : tuple of str
        (n,)
    groups : ndarray of int64, shape (n,)
        Number of each image's patient (or group), from 0.
    values : dict of str to ndarray, shape (n, n_classes)
        Names of :data:`PIXELS` and :data:`SCORES`, and ``false_parts``.
    pixel_area, pixel_volume : ndarray, shape (n,)
        In ``unit``² (1 in pixels), in mm³ (NaN where unknown).
    object_image, object_class, object_px, covered_px : ndarray of int64, shape (n_objects,)
    """

    classes: tuple[str, ...]
    unit: Unit
    image_ids: tuple[str, ...]
    subject_ids: tuple[str, ...]
    folds: tuple[str, ...]
    groups: Ints
    values: dict[str, FloatArray]
    pixel_area: FloatArray
    pixel_volume: FloatArray
    object_image: Ints
    object_class: Ints
    object_px: Ints
    covered_px: Ints

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def n_groups(self) -> int:
        """How many patients (groups) there are."""
        return int(self.groups.max()) + 1

    @property
    def unit_of_groups(self) -> str:
        """What intervals take for independent: ``patients``, ``images``, ``patients and images``."""
        known = [bool(subject) for subject in self.subject_ids]
        return "patients" if all(known) else "patients and images" if any(known) else "images"

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(n, n_classes) whether there is anything to be found."""
        there: npt.NDArray[np.bool_] = self.values["true_px"] > 0
        return there

    def columns(self) -> dict[str, Any]:
        """Return the figures of the images as plain lists; undefined and infinite ones are None."""
        return {
            "image_id": list(self.image_ids),
            "subject_id": list(self.subject_ids),
            "group": self.groups.tolist(),
            "fold": list(self.folds),
            "area": (self.values["true_px"] * self.pixel_area[:, None]).tolist(),
            **{
                name: [[_plain(one) for one in row] for row in self.values[name].tolist()]
                for name in (*PIXELS, *SCORES)
            },
        }


@dataclass
class _Collected:
    """What grows while images are measured."""

    pairs: list[tuple[str, str, str, str]] = field(default_factory=list)
    rows: list[tuple[ClassCase, ...]] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    volumes: list[float] = field(default_factory=list)
    objects: list[tuple[int, int, int, int]] = field(default_factory=list)


def measure_pairs(
    pairs: Iterable[MaskPair], classes: Sequence[str], *, unit: Unit, tolerance: float
) -> SegmentationCases:
    """Measure every image.

    Parameters
    ----------
    pairs : iterable of MaskPair
        Read one at a time.
    classes : sequence of str
    unit : {"mm", "px"}
        With ``mm`` each pair must have a spacing.
    tolerance : float
        Of the surface Dice, in the unit.

    Raises
    ------
    PredictionsError
        When there is no image.
    """
    collected = _Collected()
    for number, pair in enumerate(pairs):
        _add(collected, number, pair, len(classes), unit, tolerance)
    if not collected.rows:
        raise PredictionsError(
            "no image has both a true and a predicted mask", fix="check the split and the ids"
        )
    image_ids, subject_ids, group_ids, folds = (
        tuple(column) for column in zip(*collected.pairs, strict=True)
    )
    objects = np.array(collected.objects, dtype=np.int64).reshape(-1, 4)
    values = {
        name: np.array([[getattr(one, name) for one in row] for row in collected.rows], dtype=np.float64)
        for name in (*PIXELS, *SCORES)
    }
    values["false_parts"] = np.array(
        [[one.objects.false_parts for one in row] for row in collected.rows], dtype=np.float64
    )
    return SegmentationCases(
        classes=tuple(classes), unit=unit, image_ids=image_ids, subject_ids=subject_ids, folds=folds,
        groups=number_groups(group_ids)[0], values=values, pixel_area=np.array(collected.areas),
        pixel_volume=np.array(collected.volumes), object_image=objects[:, 0], object_class=objects[:, 1],
        object_px=objects[:, 2], covered_px=objects[:, 3],
    )  # fmt: skip


def _add(
    collected: _Collected, number: int, pair: MaskPair, n_classes: int, unit: Unit, tolerance: float
) -> None:
    spacing = pair.spacing
    in_mm = unit == "mm" and spacing is not None
    row = measure_case(
        pair.true, pair.predicted, n_classes, tolerance=tolerance,
        spacing=spacing.pixel_mm if in_mm and spacing is not None else None,
    )  # fmt: skip
    volume = None if spacing is None else spacing.volume_mm3
    collected.pairs.append((pair.image_id, pair.subject_id, pair.group_id, pair.fold))
    collected.rows.append(row)
    collected.areas.append(spacing.area_mm2 if in_mm and spacing is not None else 1.0)
    collected.volumes.append(float("nan") if volume is None else volume)
    collected.objects += list(_objects(number, row))


def _objects(number: int, row: tuple[ClassCase, ...]) -> Iterator[tuple[int, int, int, int]]:
    for label, one in enumerate(row):
        for area, covered in zip(one.objects.area_px.tolist(), one.objects.covered_px.tolist(), strict=True):
            yield number, label, area, covered


def _plain(value: float) -> float | None:
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) and value > 1 else round(value, 6)
