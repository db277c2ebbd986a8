"""Which images a page about masks shows: the best, those in the middle, the worst."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.evaluation.segmentation_cases import Ints, SegmentationCases
from gyrus.metrics.undefined import FloatArray

SHOWN = {"best": 3, "median": 3, "worst": 6}


def chosen_images(cases: SegmentationCases) -> dict[str, list[dict[str, Any]]]:
    """Return the best, the median and the worst images by Dice, at most one of each patient in each row.

    The worst are of the lower third, the best of the upper third, those of the median of what lies between,
    so that no image has two rows: of two images one is the best and one the worst, and one alone stands in
    the row of the median. Images that are all alike stand there too, and where every Dice is 0 all are the
    worst: an image of which nothing was found is never among the best.

    Of equally bad ones the largest goes first: to miss it is worse.
    """
    dice = image_dice(cases)
    rows = np.flatnonzero(np.isfinite(dice))
    area = np.where(cases.present, cases.values["true_px"], 0.0).sum(axis=1)
    order = rows[np.lexsort((rows, -area[rows], dice[rows]))]
    worst, between, best = _thirds(order, dice)
    middle = between[np.argsort(np.abs(np.arange(len(between)) - (len(between) - 1) / 2), kind="stable")]
    return {
        name: [
            {"image_id": cases.image_ids[row], "subject_id": cases.subject_ids[row], "dice": float(dice[row])}
            for row in _one_of_each(candidates, cases, SHOWN[name])
        ]
        for name, candidates in (("best", best[::-1]), ("median", middle), ("worst", worst))
    }


def image_dice(cases: SegmentationCases) -> FloatArray:
    """Return each image's Dice, mean over the classes that it shows; NaN where it shows none, (n,)."""
    present = cases.present
    total = np.where(present, cases.values["dice"], 0.0).sum(axis=1)
    count = present.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _thirds(order: Ints, dice: FloatArray) -> tuple[Ints, Ints, Ints]:
    """Divide images, which come from the worst to the best."""
    none = order[:0]
    if not order.size or dice[order[-1]] == 0:
        return order, none, none
    if dice[order[0]] == dice[order[-1]]:  # one, or all alike: neither is better
        return none, order, none
    third = (len(order) + 1) // 3
    best = order[len(order) - third :]
    return order[:third], order[third : len(order) - third], best[dice[best] > 0]


def _one_of_each(candidates: Ints, cases: SegmentationCases, most: int) -> list[int]:
    seen: set[int] = set()
    found: list[int] = []
    for row in candidates.tolist():
        group = int(cases.groups[row])
        if group not in seen and len(found) < most:
            seen.add(group)
            found.append(row)
    return found
