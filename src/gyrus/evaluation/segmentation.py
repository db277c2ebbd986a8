"""Predicted masks against true ones: all figures with intervals over patients, as JSON.

The result has the keys

::

    task, n_images, n_subjects, clustered_by, n_clusters, classes, confidence, method, unit, tolerance,
    found_share
    mean        dice, iou, surface_dice: mean over the classes that are there
    per_class   name -> images (n, present, empty, missed), dice, iou, precision, recall, surface_dice,
                hd95, average_distance, hd95_median, dice_quartiles, pixels {dice, iou, precision, recall},
                area_error, empty {false_alarms, false_area}, patients {dice, volume_error …},
                objects {n, found, covered, false_per_image}, by_object_size, by_area
    folds       each fold's mean Dice, where there are several
    shown       best, median, worst: images for a page
    cases       the figures of each image, as columns; (n, n_classes)
    notes       sentences

A figure is ``{"value", "low", "high", "clusters"}``; clusters are the patients that it rests on. What happens
where a mask is empty stands in :data:`EMPTY_RULES` and in ``docs/reference/segmentation-metrics.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyrus.evaluation.detections import figure
from gyrus.evaluation.segmentation_cases import SegmentationCases
from gyrus.evaluation.segmentation_shown import chosen_images
from gyrus.evaluation.segmentation_sizes import by_area, by_object_size
from gyrus.evaluation.segmentation_volumes import patient_figures
from gyrus.metrics.intervals import Linear, linear_mean, logit_t_interval, ratio_interval
from gyrus.metrics.segmentation import mean_of, plain_interval, positive_interval
from gyrus.metrics.undefined import FloatArray

MEANS = ("dice", "iou", "surface_dice")
SHARES = ("dice", "iou", "precision", "recall", "surface_dice")
DISTANCES = ("hd95", "average_distance")
METHOD = "means over images, intervals over patients: logit-t for shares, log-t for distances"
EMPTY_RULES = (
    "An image in which a class is absent has no Dice for it and is left out of its means; what is drawn "
    "there all the same counts as a false alarm.",
    "Where the class is there and nothing was drawn, Dice, IoU, recall and surface Dice are 0, the precision "
    "is undefined and left out, and there is no distance: these images are counted as missed, and the median "
    "distance takes theirs for infinite.",
)


@dataclass(frozen=True, slots=True)
class MaskMeasuring:
    """How masks are measured; see :class:`gyrus.config.EvaluateConfig` for the fields."""

    tolerance: float
    found_share: float
    confidence: float


def evaluate_segmentation(cases: SegmentationCases, how: MaskMeasuring) -> dict[str, Any]:
    """Return all figures; see the module's text.

    Parameters
    ----------
    cases : SegmentationCases
    how : MaskMeasuring
    """
    subjects = {subject for subject in cases.subject_ids if subject}
    return {
        "task": "segment",
        "n_images": len(cases),
        "n_subjects": len(subjects) if all(cases.subject_ids) else None,
        "clustered_by": cases.unit_of_groups,
        "n_clusters": cases.n_groups,
        "classes": list(cases.classes),
        "confidence": how.confidence,
        "method": METHOD,
        "unit": cases.unit,
        "tolerance": how.tolerance,
        "found_share": how.found_share,
        "mean": {name: figure(logit_t_interval(mean_linear(cases, name), how.confidence)) for name in MEANS},
        "per_class": {name: _of_class(cases, number, how) for number, name in enumerate(cases.classes)},
        "folds": fold_figures(cases, how.confidence),
        "shown": chosen_images(cases),
        "cases": cases.columns(),
        "notes": _notes(cases),
    }


def mean_linear(cases: SegmentationCases, name: str) -> Linear:
    """Return the mean of a share over the images that have the class, and over the classes that any has."""
    present = cases.present
    parts = [_mean(cases, cases.values[name][:, label], present[:, label]) for label in _there(cases)]
    return (
        linear_mean(parts) if parts else _mean(cases, np.full(len(cases), np.nan), np.ones(len(cases), bool))
    )


def fold_figures(cases: SegmentationCases, confidence: float) -> dict[str, Any] | None:
    """Return each fold's mean Dice beside the pooled one; None where no two folds are told."""
    names = list(dict.fromkeys(fold for fold in cases.folds if fold))
    if len(names) < 2:
        return None
    column = np.array(cases.folds)
    present = cases.present
    each: list[dict[str, Any]] = []
    for name in names:
        mine = column == name
        parts = [
            _mean(cases, cases.values["dice"][:, label], present[:, label] & mine)
            for label in _there(cases)
            if (present[:, label] & mine).any()
        ]
        dice = figure(logit_t_interval(linear_mean(parts), confidence)) if parts else None
        each.append(
            {"fold": name, "n_images": int(mine.sum()), "n_clusters": len(set(cases.groups[mine].tolist())),
             "dice": dice}
        )  # fmt: skip
    known = [one for one in each if one["dice"] is not None]
    values = [one["dice"]["value"] for one in known]
    return {
        "each": each,
        "mean": float(np.mean(values)) if values else None,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "worst": known[int(np.argmin(values))]["fold"] if values else None,
    }


def _of_class(cases: SegmentationCases, number: int, how: MaskMeasuring) -> dict[str, Any]:
    mine = {name: column[:, number] for name, column in cases.values.items()}
    there = mine["true_px"] > 0
    missed = there & (mine["predicted_px"] == 0)
    distances = np.where(there, mine["hd95"], np.nan)[there]
    return {
        "images": {
            "n": len(cases), "present": int(there.sum()), "empty": int((~there).sum()),
            "missed": int(missed.sum()),
        },
        **{
            name: figure(logit_t_interval(_mean(cases, mine[name], there), how.confidence)) for name in SHARES
        },
        **{
            name: figure(positive_interval(_mean(cases, mine[name], there), how.confidence))
            for name in DISTANCES
        },
        "hd95_median": _median(distances),
        "dice_quartiles": _quartiles(mine["dice"][there]),
        "pixels": _pixels(cases, mine, how.confidence),
        "area_error": _area_error(cases, mine, there, how.confidence),
        "empty": _empty(cases, mine, ~there, how.confidence),
        "patients": patient_figures(cases, number, how.confidence),
        "objects": _objects(cases, number, how),
        "by_object_size": by_object_size(cases, number, how.found_share, how.confidence),
        "by_area": by_area(cases, number, how.confidence),
    }  # fmt: skip


def _mean(cases: SegmentationCases, values: FloatArray, chosen: Any) -> Linear:
    return mean_of(np.where(chosen, values, np.nan), cases.groups, cases.n_groups)


def _there(cases: SegmentationCases) -> list[int]:
    return np.flatnonzero(cases.present.any(axis=0)).tolist()


def _pixels(cases: SegmentationCases, mine: Mapping[str, FloatArray], confidence: float) -> dict[str, Any]:
    """Return the figures of all pixels together: large objects weigh more."""
    true, drawn, both = (
        np.bincount(cases.groups, weights=mine[name], minlength=cases.n_groups)
        for name in ("true_px", "predicted_px", "both_px")
    )
    parts = {
        "dice": (2 * both, true + drawn),
        "iou": (both, true + drawn - both),
        "precision": (both, drawn),
        "recall": (both, true),
    }
    return {name: figure(ratio_interval(*terms, confidence)) for name, terms in parts.items()}


def _area_error(
    cases: SegmentationCases, mine: Mapping[str, FloatArray], there: Any, confidence: float
) -> dict[str, Any]:
    """Return by how much the drawn area differs, where the class is there: of either sign, and its size."""
    error = (mine["predicted_px"] - mine["true_px"]) * cases.pixel_area
    return {
        "bias": figure(plain_interval(_mean(cases, error, there), confidence)),
        "size": figure(positive_interval(_mean(cases, np.abs(error), there), confidence)),
    }


def _empty(
    cases: SegmentationCases, mine: Mapping[str, FloatArray], empty: Any, confidence: float
) -> dict[str, Any]:
    drawn = (mine["predicted_px"] > 0).astype(np.float64)
    false = empty & (drawn > 0)
    return {
        "false_alarms": figure(logit_t_interval(_mean(cases, drawn, empty), confidence)),
        "n_false": int(false.sum()),
        "false_area": figure(
            positive_interval(_mean(cases, mine["predicted_px"] * cases.pixel_area, false), confidence)
        ),
    }


def _objects(cases: SegmentationCases, number: int, how: MaskMeasuring) -> dict[str, Any]:
    mine = cases.object_class == number
    covered = cases.covered_px[mine] / cases.object_px[mine]
    groups = cases.groups[cases.object_image[mine]]
    found = (covered >= how.found_share).astype(np.float64)
    false = mean_of(cases.values["false_parts"][:, number], cases.groups, cases.n_groups)
    return {
        "n": int(mine.sum()),
        "found": figure(logit_t_interval(mean_of(found, groups, cases.n_groups), how.confidence)),
        "covered": figure(logit_t_interval(mean_of(covered, groups, cases.n_groups), how.confidence)),
        "false_per_image": figure(positive_interval(false, how.confidence)),
    }


def _median(distances: FloatArray) -> float | None:
    """Return the median; None where there is none, or more than half are infinite."""
    if not distances.size:
        return None
    middle = float(np.sort(distances)[(distances.size - 1) // 2 : distances.size // 2 + 1].mean())
    return middle if np.isfinite(middle) else None


def _quartiles(values: FloatArray) -> list[float]:
    return np.quantile(values, [0.25, 0.5, 0.75]).tolist() if values.size else []


def _notes(cases: SegmentationCases) -> list[str]:
    notes = []
    absent = [name for label, name in enumerate(cases.classes) if not cases.present[:, label].any()]
    if absent:
        notes.append(f"No image shows {', '.join(absent)}: nothing can be said about it.")
    if cases.unit_of_groups != "patients":
        which = "No image has" if cases.unit_of_groups == "images" else "Some images have no"
        tail = "a known patient" if cases.unit_of_groups == "images" else "known patient"
        notes.append(f"{which} {tail}: each such image counts as one of its own.")
    if cases.unit == "px":
        notes.append("Distances are in pixels: the images' spacing_mm is not known of all.")
    return notes
