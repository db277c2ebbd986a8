"""Segmentations of the same images: a leaderboard, and whether one is better than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from gyrus.errors import PredictionsError
from gyrus.evaluation.detections import figure
from gyrus.evaluation.text import aligned, short_figure
from gyrus.evaluation.verdicts import verdict
from gyrus.metrics.comparison import holm, paired_difference
from gyrus.metrics.intervals import Linear, linear_mean, logit_t_interval
from gyrus.metrics.segmentation import mean_of
from gyrus.metrics.undefined import FloatArray

METRICS = {"dice": "mean Dice", "iou": "mean IoU", "surface_dice": "mean surface Dice"}


def compare_segmentations(
    entries: Mapping[str, Mapping[str, Any]],
    *,
    metric: str = "dice",
    confidence: float = 0.95,
    power: float = 0.8,
) -> dict[str, Any]:
    """Return a leaderboard and every pair's paired difference over patients.

    Parameters
    ----------
    entries : mapping of str to mapping
        Name -> result of :func:`gyrus.evaluation.segmentation.evaluate_segmentation`; two or more.
    metric : str
        One of :data:`METRICS`: what decides who is better.
    confidence, power : float
        Of the intervals; of the number of patients that would be needed.

    Returns
    -------
    dict
        ::

            task, metric, confidence, power, classes, n_images, clustered_by, n_clusters
            leaderboard   list, best first, of {"name", "dice", "iou", "surface_dice": figures}
            pairs         list of {"better", "worse", "sentence", "told", "needed_patients", "difference"}

        Differences are better less worse, in shares of 1, over the same images; ``p_holm`` is adjusted for
        all pairs (Holm, 1979).

    Raises
    ------
    PredictionsError
        When the images, the classes, or the true masks differ.
    """
    _check_alike(entries)
    first = next(iter(entries.values()))
    order_of = {name: _order(entry, first) for name, entry in entries.items()}
    linears = {
        name: {one: _linear(entry, order_of[name], first, one) for one in METRICS}
        for name, entry in entries.items()
    }
    ranked = sorted(entries, key=lambda name: (-linears[name][metric].value, name))
    pairs: list[dict[str, Any]] = [
        {
            "better": better, "worse": worse,
            "difference": asdict(
                paired_difference(
                    linears[worse][metric], linears[better][metric], n_images=first["n_images"],
                    confidence=confidence,
                )
            ),
        }
        for better, worse in combinations(ranked, 2)
    ]  # fmt: skip
    for pair, p in zip(pairs, holm([pair["difference"]["p"] for pair in pairs]).tolist(), strict=True):
        pair["difference"]["p_holm"] = p
        pair.update(
            verdict(
                pair, METRICS[metric], first["clustered_by"], len(pairs), confidence=confidence, power=power
            )
        )
    return {
        "task": "segment",
        "metric": metric,
        "confidence": confidence,
        "power": power,
        "classes": list(first["classes"]),
        "n_images": first["n_images"],
        "clustered_by": first["clustered_by"],
        "n_clusters": first["n_clusters"],
        "leaderboard": [
            {
                "name": name,
                **{one: figure(logit_t_interval(linears[name][one], confidence)) for one in METRICS},
            }
            for name in ranked
        ],
        "pairs": pairs,
    }


def format_segmentation_comparison(comparison: Mapping[str, Any]) -> str:
    """Return leaderboard and sentences as text."""
    head = (
        f"{comparison['n_images']} images; in brackets: {100 * comparison['confidence']:g} % interval over "
        f"{comparison['clustered_by']}"
    )
    rows = [["in %", *METRICS.values()]]
    rows += [
        [line["name"], *(short_figure(line[one]) for one in METRICS)] for line in comparison["leaderboard"]
    ]
    return "\n\n".join([head, aligned(rows), *(pair["sentence"] for pair in comparison["pairs"])])


def _check_alike(entries: Mapping[str, Mapping[str, Any]]) -> None:
    (name, first), *others = entries.items()
    truth = _truth(first)
    for other, entry in others:
        if entry["classes"] != first["classes"]:
            raise PredictionsError(
                f"{other} has the classes {', '.join(entry['classes'])}, {name} "
                f"{', '.join(first['classes'])}",
                fix="compare segmentations of the same classes",
            )
        mine = _truth(entry)
        only = [f"only in {name}: {image}" for image in sorted(set(truth) - set(mine))]
        only += [f"only in {other}: {image}" for image in sorted(set(mine) - set(truth))]
        if only:
            raise PredictionsError(
                f"{name} and {other} are not about the same images ({len(only)} differ)", details=only,
                fix="evaluate both on the same data and split",
            )  # fmt: skip
        changed = [image for image, pixels in truth.items() if mine[image] != pixels]
        if changed:
            raise PredictionsError(
                f"{name} and {other} were held against different true masks ({len(changed)} images)",
                details=changed, fix="evaluate both on the same masks",
            )  # fmt: skip


def _truth(entry: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Return each image's true area by class."""
    cases = entry["cases"]
    return {image: tuple(pixels) for image, pixels in zip(cases["image_id"], cases["true_px"], strict=True)}


def _order(entry: Mapping[str, Any], first: Mapping[str, Any]) -> list[int]:
    place = {image: row for row, image in enumerate(entry["cases"]["image_id"])}
    return [place[image] for image in first["cases"]["image_id"]]


def _linear(entry: Mapping[str, Any], order: Sequence[int], first: Mapping[str, Any], name: str) -> Linear:
    """Return the mean of a figure over images and classes; patients are those of the first entry."""
    groups = np.asarray(first["cases"]["group"], dtype=np.int64)
    values: FloatArray = np.array(entry["cases"][name], dtype=np.float64)[list(order)]
    present = np.array(first["cases"]["true_px"], dtype=np.float64) > 0
    size = int(groups.max()) + 1
    return linear_mean(
        [
            mean_of(np.where(present[:, label], values[:, label], np.nan), groups, size)
            for label in np.flatnonzero(present.any(axis=0)).tolist()
        ]
        or [mean_of(np.full(len(groups), np.nan), groups, size)]
    )
