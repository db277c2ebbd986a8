"""Figures by size: are small ones missed?"""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.evaluation.detections import figure
from gyrus.evaluation.segmentation_cases import SegmentationCases
from gyrus.metrics.intervals import logit_t_interval
from gyrus.metrics.segmentation import mean_of
from gyrus.metrics.undefined import FloatArray

BINS = 4


def by_object_size(
    cases: SegmentationCases, number: int, found_share: float, confidence: float
) -> list[dict[str, Any]]:
    """Return how many objects are found, and how much of each, by their size.

    Parameters
    ----------
    cases : SegmentationCases
    number : int
        Of the class, from 0.
    found_share : float
        Share of an object's pixels from which on it counts as found.
    confidence : float

    Returns
    -------
    list of dict
        Smallest first: ``low``, ``high`` (area, in the cases' unit²), ``objects``, ``found``, ``covered``.
        The sizes are cut at the quartiles of the true objects, so that they are the same for every model.
    """
    mine = cases.object_class == number
    image = cases.object_image[mine]
    area = cases.object_px[mine] * cases.pixel_area[image]
    covered = cases.covered_px[mine] / cases.object_px[mine]
    groups = cases.groups[image]
    rows = []
    for low, high, inside in _bins(area):
        found = (covered[inside] >= found_share).astype(np.float64)
        rows.append(
            {
                "low": low, "high": high, "objects": int(inside.sum()),
                "found": _figure(found, groups[inside], cases.n_groups, confidence),
                "covered": _figure(covered[inside], groups[inside], cases.n_groups, confidence),
            }
        )  # fmt: skip
    return rows


def by_area(cases: SegmentationCases, number: int, confidence: float) -> list[dict[str, Any]]:
    """Return the mean Dice by the true area in the image: ``low``, ``high``, ``images``, ``dice``."""
    pixels = cases.values["true_px"][:, number]
    there = np.flatnonzero(pixels > 0)
    area = (pixels * cases.pixel_area)[there]
    dice = cases.values["dice"][there, number]
    return [
        {"low": low, "high": high, "images": int(inside.sum()),
         "dice": _figure(dice[inside], cases.groups[there][inside], cases.n_groups, confidence)}
        for low, high, inside in _bins(area)
    ]  # fmt: skip


def _bins(area: FloatArray) -> list[tuple[float, float, Any]]:
    """Return the sizes cut into four of equally many; fewer where sizes are alike."""
    if not area.size:
        return []
    edges = np.unique(np.quantile(area, np.linspace(0, 1, BINS + 1), method="lower"))
    if edges.size == 1:
        return [(float(edges[0]), float(edges[0]), np.ones(area.size, dtype=bool))]
    place = np.clip(np.searchsorted(edges, area, side="right") - 1, 0, edges.size - 2)
    return [
        (float(area[place == bin_].min()), float(area[place == bin_].max()), place == bin_)
        for bin_ in range(edges.size - 1)
        if (place == bin_).any()
    ]


def _figure(values: FloatArray, groups: Any, n_groups: int, confidence: float) -> dict[str, Any]:
    return figure(logit_t_interval(mean_of(values, groups, n_groups), confidence))
