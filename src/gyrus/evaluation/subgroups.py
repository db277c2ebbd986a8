"""The figures of parts of a set: does the model hold for every source, size, plane, scanner?

A figure of few images says nothing and invites stories: groups below a minimum number of images or patients
are counted, not measured. And of many groups one always looks bad: each is tested against the rest, and the
tests are adjusted for being many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data.manifest import Manifest
from gyrus.evaluation.dimensions import Dimension, dimensions_of
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.predictions import Predictions
from gyrus.evaluation.text import aligned, defined, long_figure, percent
from gyrus.metrics.comparison import holm, paired_difference
from gyrus.metrics.confusion import number_groups
from gyrus.metrics.intervals import linear_ratio

Members = npt.NDArray[np.bool_]


def subgroups(
    predictions: Predictions,
    manifest: Manifest,
    *,
    class_names: Collection[str] = (),
    min_images: int = 20,
    min_patients: int = 5,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Return figures by source folder, image size, plane and each fact column of the manifest.

    Parameters
    ----------
    predictions : Predictions
        Images of ``manifest``; those without a label are left out.
    manifest : Manifest
    class_names : collection of str
        Folders that are classes, not sources, besides the labels.
    min_images, min_patients : int
        A group with fewer gets no figures.
    confidence : float

    Returns
    -------
    dict
        ::

            min_images, min_patients
            dimensions    list of {"name", "groups": list of
                          {"value", "n_images", "n_clusters", "by_class": name -> images,
                           "accuracy", "balanced_accuracy", "macro_roc_auc": figure, None below the minimum,
                           "difference": None or {"value", "low", "high", "p", "p_holm", "error", "clusters"},
                           the accuracy less that of all other images}}
            left_out      list of {"name", "reason"}: columns that do not divide the images
            tests         how many differences the adjustment (Holm, 1979) counts
    """
    row_of = {row.image_id: row for row in manifest.rows}
    labelled = predictions.take(np.flatnonzero(predictions.y_true >= 0))
    rows = [row_of[image_id] for image_id in labelled.image_ids]
    found, left_out = dimensions_of(rows, class_names) if rows else ([], [])
    dimensions = [
        {
            "name": dimension.name,
            "groups": [
                _group(labelled, value, members, min_images, min_patients, confidence)
                for value, members in _members(dimension)
            ],
        }
        for dimension in found
    ]
    return {
        "min_images": min_images,
        "min_patients": min_patients,
        "dimensions": dimensions,
        "left_out": [{"name": name, "reason": reason} for name, reason in left_out],
        "tests": _adjust(dimensions),
    }


def format_subgroups(block: Mapping[str, Any], confidence: float = 0.95) -> str:
    """Return the tables of :func:`subgroups` as text; empty when nothing divides the images."""
    parts = []
    for dimension in block["dimensions"]:
        rows = [
            [
                f"by {dimension['name']}",
                "accuracy",
                "balanced",
                "against the rest, points",
                "images",
                "clusters",
            ]
        ]
        for group in dimension["groups"]:
            too_few = group["accuracy"] is None
            rows.append(
                [
                    group["value"] or "(none)",
                    "too few" if too_few else long_figure(group["accuracy"]),
                    "" if too_few else percent(group["balanced_accuracy"]["value"]),
                    "" if too_few else _against(group["difference"], confidence),
                    str(group["n_images"]),
                    str(group["n_clusters"]),
                ]
            )
        parts.append(aligned(rows))
    if parts:
        parts.append(
            f"figures from {block['min_images']} images of {block['min_patients']} patients on; "
            f"* differs from the rest after adjustment for {block['tests']} comparisons (Holm)"
        )
    left_out = "\n".join(f"not divided by {item['name']}: {item['reason']}" for item in block["left_out"])
    return "\n\n".join(part for part in (*parts, left_out) if part)


def _members(dimension: Dimension) -> list[tuple[str, Members]]:
    values = np.array(dimension.values, dtype=np.str_)
    return [(value, values == value) for value in dimension.order]


def _group(
    predictions: Predictions,
    value: str,
    members: Members,
    min_images: int,
    min_patients: int,
    confidence: float,
) -> dict[str, Any]:
    part = predictions.take(np.flatnonzero(members))
    group: dict[str, Any] = {
        "value": value,
        "n_images": len(part),
        "n_clusters": len(set(part.group_ids)),
        "by_class": {name: part.labels.count(name) for name in part.classes},
        "accuracy": None,
        "balanced_accuracy": None,
        "macro_roc_auc": None,
        "difference": None,
    }
    if len(part) < min_images or group["n_clusters"] < min_patients:
        return group
    figures = Figures(part, confidence)
    group["accuracy"] = figures.accuracy()
    group["balanced_accuracy"] = figures.balanced_accuracy()
    group["macro_roc_auc"] = figures.macro_auc()
    rest = len(predictions) - len(part)
    if rest >= min_images:
        group["difference"] = _difference(predictions, members, confidence)
    return group


def _difference(predictions: Predictions, members: Members, confidence: float) -> dict[str, Any]:
    """Return how much better the answers are in a group than outside it, patients in both counted once."""
    groups, n_groups = number_groups(predictions.group_ids)
    right = (predictions.y_true == predictions.y_pred).astype(float)
    sides = [
        linear_ratio(
            np.bincount(groups, weights=right * side, minlength=n_groups),
            np.bincount(groups, weights=side.astype(float), minlength=n_groups),
        )
        for side in (~members, members)
    ]
    fewer = min(members.sum(), (~members).sum())
    return asdict(paired_difference(sides[0], sides[1], n_images=float(fewer), confidence=confidence))


def _adjust(dimensions: list[dict[str, Any]]) -> int:
    """Enter the adjusted p-values; of two groups one test is made, not two."""
    families = [
        [group["difference"] for group in dimension["groups"] if group["difference"] is not None]
        for dimension in dimensions
    ]
    tests = []
    for dimension, differences in zip(dimensions, families, strict=True):
        one_test = len(dimension["groups"]) == 2 and len(differences) == 2
        tests += differences[:1] if one_test else differences
    adjusted = holm([test["p"] for test in tests]).tolist()
    for test, value in zip(tests, adjusted, strict=True):
        test["p_holm"] = value
    for differences in families:
        for difference in differences:
            difference.setdefault("p_holm", differences[0]["p_holm"])
    return len(tests)


def _against(difference: Mapping[str, Any] | None, confidence: float) -> str:
    if difference is None or not defined(difference["low"]):
        return ""
    value, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    star = " *" if defined(difference["p_holm"]) and difference["p_holm"] < 1 - confidence else "  "
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f}){star}"
