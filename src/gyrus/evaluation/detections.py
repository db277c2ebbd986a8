"""Predicted boxes against lesions: all figures with intervals over patients, as JSON.

The result has the keys

::

    images, scans, patients, lesions, predicted_boxes, classes, criterion, duplicates, confidence,
    bootstrap_samples, method
    thresholds    a block each: threshold, froc {score, at [{rate, sensitivity}], curve, band},
                  average_precision, found_at_all, precision_recall, operating_points, by_class
    coco          mean_average_precision, by_threshold, by_class, recall, recall_by_size, most_boxes
    levels        scan, patient: n, positive, roc_auc

A figure is ``{"value", "low", "high", "clusters"}``; clusters are the patients that it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gyrus.metrics.detection import (
    Cohort,
    coco_figures,
    froc_intervals,
    match,
    operating_point,
    precision_intervals,
)
from gyrus.metrics.detection.average_precision import (
    COCO_MOST_BOXES,
    COCO_THRESHOLDS,
    SIZE_EDGES_PX,
    precision_recall_points,
)
from gyrus.metrics.detection.boxes import Criterion, area
from gyrus.metrics.detection.case_level import Level, OperatingPoint, case_area, cases_of
from gyrus.metrics.detection.froc import RATES, Duplicates, FrocCurve
from gyrus.metrics.detection.matching import Matched
from gyrus.metrics.intervals import Interval, ratio_interval
from gyrus.metrics.undefined import FloatArray

BAND_RATES: tuple[float, ...] = tuple(np.geomspace(1 / 16, 16, 33).tolist())
OPERATING_RATES = (0.5, 1.0, 2.0)
SIZES = ("small", "medium", "large")
METHOD = (
    "logit-t over patients; spread of curves and average precisions from bootstrap samples of patients, "
    "that of shares by linearisation"
)
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Measuring:
    """How boxes are measured; see :class:`gyrus.config.FrocConfig` for the fields."""

    thresholds: tuple[float, ...]
    criterion: Criterion
    duplicates: Duplicates
    bootstrap_samples: int
    confidence: float
    seed: int


def evaluate_detections(cohort: Cohort, classes: Sequence[str], how: Measuring) -> dict[str, Any]:
    """Return all figures of a cohort; see the module's text.

    Parameters
    ----------
    cohort : Cohort
    classes : sequence of str
        Names, in the cohort's order.
    how : Measuring
    """
    thresholds = (1.0,) if how.criterion == "centre" else how.thresholds
    matched = match(cohort, thresholds, how.criterion)
    precisions, _ = precision_intervals(
        cohort, thresholds, criterion=how.criterion, n_samples=how.bootstrap_samples, seed=how.seed,
        confidence=how.confidence, most_boxes=len(cohort.scores) + 1,
    )  # fmt: skip
    blocks = [
        _threshold(cohort, classes, one, precision, how)
        for one, precision in zip(matched, precisions, strict=True)
    ]
    return {
        "images": cohort.n_images,
        "scans": cohort.n_scans,
        "patients": cohort.n_subjects,
        "lesions": len(cohort.true),
        "predicted_boxes": len(cohort.scores),
        "classes": list(classes),
        "criterion": how.criterion,
        "duplicates": how.duplicates,
        "confidence": how.confidence,
        "bootstrap_samples": how.bootstrap_samples,
        "method": METHOD,
        "thresholds": blocks,
        "coco": _coco(cohort, classes, how),
        "levels": {level: _level(cohort, level, how.confidence) for level in ("scan", "patient")},
    }


def _threshold(
    cohort: Cohort, classes: Sequence[str], matched: Matched, precision: Interval, how: Measuring
) -> dict[str, Any]:
    froc = _froc(cohort, matched, how)
    curve: FrocCurve = froc.pop("_curve")
    points = [
        operating_point(
            cohort, matched, rate, curve.threshold_at_most(rate), duplicates=how.duplicates,
            confidence=how.confidence,
        )
        for rate in OPERATING_RATES
    ]  # fmt: skip
    recall, precision_steps = precision_recall_points(cohort, matched)
    kept = _few(len(recall))
    lesions = np.bincount(cohort.subject[cohort.true_image], minlength=cohort.n_subjects)
    found = np.bincount(
        cohort.subject[cohort.true_image[matched.lesion[matched.hit]]], minlength=lesions.size
    )
    return {
        "threshold": matched.threshold,
        "froc": froc,
        "average_precision": figure(precision),
        "found_at_all": figure(ratio_interval(found, lesions, how.confidence)),
        "precision_recall": {"recall": recall[kept].tolist(), "precision": precision_steps[kept].tolist()},
        "operating_points": [_point(one) for one in points],
        "by_class": _by_class(cohort, classes, matched.threshold, how),
    }


def _froc(cohort: Cohort, matched: Matched, how: Measuring) -> dict[str, Any]:
    given = froc_intervals(
        cohort, matched, duplicates=how.duplicates, rates=(*RATES, *BAND_RATES),
        n_samples=how.bootstrap_samples, seed=how.seed, confidence=how.confidence,
    )  # fmt: skip
    at, band = given.at[: len(RATES)], given.at[len(RATES) :]
    kept = _corners(given.curve)
    return {
        "score": figure(given.score),
        "at": [{"rate": rate, "sensitivity": figure(one)} for rate, one in zip(RATES, at, strict=True)],
        "curve": {
            "false_alarms": given.curve.false_alarms[kept].tolist(),
            "sensitivity": given.curve.sensitivity[kept].tolist(),
            "thresholds": given.curve.thresholds[kept].tolist(),
        },
        "band": {
            "rates": list(BAND_RATES),
            "low": [one.low for one in band],
            "high": [one.high for one in band],
        },
        "_curve": given.curve,
    }


def _by_class(
    cohort: Cohort, classes: Sequence[str], threshold: float, how: Measuring
) -> list[dict[str, Any]]:
    """Return the main figures of each class by itself; nothing where there is one class."""
    if len(classes) < 2:
        return []
    rows = []
    for number, name in enumerate(classes):
        mine = cohort.of_class(number)
        (matched,) = match(mine, [threshold], how.criterion)
        options: dict[str, Any] = {
            "n_samples": how.bootstrap_samples, "seed": how.seed, "confidence": how.confidence,
        }  # fmt: skip
        froc = froc_intervals(mine, matched, duplicates=how.duplicates, rates=(1.0, 2.0), **options)
        precision, _ = precision_intervals(
            mine, [threshold], criterion=how.criterion, most_boxes=len(mine.scores) + 1, **options
        )
        rows.append(
            {
                "name": name,
                "lesions": len(mine.true),
                "predicted_boxes": len(mine.scores),
                "score": figure(froc.score),
                "sensitivity_at_1": figure(froc.at[0]),
                "sensitivity_at_2": figure(froc.at[1]),
                "average_precision": figure(precision[0]),
            }
        )
    return rows


def _coco(cohort: Cohort, classes: Sequence[str], how: Measuring) -> dict[str, Any]:
    plain = coco_figures(cohort)
    each, mean = precision_intervals(
        cohort, COCO_THRESHOLDS, n_samples=how.bootstrap_samples, seed=how.seed, confidence=how.confidence
    )
    sizes = area(cohort.true)
    small, large = (edge**2 for edge in SIZE_EDGES_PX)
    counts = [int((sizes <= small).sum()), 0, int((sizes >= large).sum())]
    counts[1] = int(((sizes >= small) & (sizes <= large)).sum())
    return {
        "mean_average_precision": figure(mean),
        "by_threshold": [
            {"threshold": threshold, "average_precision": figure(one)}
            for threshold, one in zip(COCO_THRESHOLDS, each, strict=True)
        ],
        "by_class": dict(zip(classes, plain.by_class.tolist(), strict=False)),
        "recall": plain.recall,
        "recall_by_size": [
            {"size": name, "lesions": count, "recall": recall}
            for name, count, recall in zip(SIZES, counts, plain.recall_by_size.tolist(), strict=True)
        ],
        "size_edges_px": list(SIZE_EDGES_PX),
        "most_boxes": COCO_MOST_BOXES,
    }


def _level(cohort: Cohort, level: Level, confidence: float) -> dict[str, Any]:
    cases = cases_of(cohort, level)
    return {
        "n": len(cases.positive),
        "positive": int(cases.positive.sum()),
        "roc_auc": figure(case_area(cases, confidence)),
    }


def _point(one: OperatingPoint) -> dict[str, Any]:
    return {
        "at_most": one.at_most,
        "score": one.score,
        "false_alarms": one.false_alarms,
        "sensitivity": figure(one.sensitivity),
        **{
            level: {"sensitivity": figure(sensitivity), "specificity": figure(specificity)}
            for level, (sensitivity, specificity) in one.cases.items()
        },
    }


def figure(interval: Interval) -> dict[str, Any]:
    """Return a figure as it stands in JSON."""
    return {
        "value": interval.value, "low": interval.low, "high": interval.high, "clusters": interval.clusters
    }  # fmt: skip


def _corners(curve: FrocCurve) -> np.ndarray:
    """Return the points at which the curve turns: where a flat or an upright piece begins or ends."""
    right, up = np.diff(curve.false_alarms) > 0, np.diff(curve.sensitivity) > 0
    turns = np.flatnonzero((right[1:] != right[:-1]) | (up[1:] != up[:-1])) + 1
    kept: FloatArray = np.concatenate([[0], turns, [len(curve.thresholds) - 1]])
    numbers = np.unique(kept).astype(np.int64)
    return np.asarray(numbers[_few(len(numbers))])


def _few(count: int) -> np.ndarray:
    """Return at most some hundred of the numbers below ``count``, evenly, with both ends."""
    if count <= _MOST_POINTS:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, _MOST_POINTS).round().astype(np.int64))
