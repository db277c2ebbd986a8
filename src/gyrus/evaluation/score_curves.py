"""Curves for the report: short enough to be drawn, true to their areas."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.evaluation.scored import Scored
from gyrus.metrics.precision_recall import PrecisionRecallCurve, precision_recall_curve
from gyrus.metrics.roc import roc_curve, thinned

CURVE_POINTS = 200


def roc_curves(scored: Scored) -> dict[str, dict[str, Any]]:
    """Return name -> ``fpr``, ``tpr``, ``auc``; classes without positives or negatives are absent."""
    curves = {}
    for number, name in enumerate(scored.classes):
        positive = scored.truth[:, number]
        if positive.any() and not positive.all():
            curve = thinned(roc_curve(positive, scored.y_prob[:, number]), CURVE_POINTS)
            area = scored.areas[number].value
            curves[name] = {"fpr": curve.fpr.tolist(), "tpr": curve.tpr.tolist(), "auc": area}
    return curves


def micro_roc_curve(scored: Scored) -> dict[str, Any]:
    """Return ``fpr`` and ``tpr`` over all pairs of an image and a class."""
    truth, score, _ = scored.pairs()
    curve = thinned(roc_curve(truth, score), CURVE_POINTS)
    return {"fpr": curve.fpr.tolist(), "tpr": curve.tpr.tolist()}


def precision_recall_curves(scored: Scored, areas: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return name -> ``recall``, ``precision``, ``auc`` (average precision); no class without images."""
    curves = {}
    for number, name in enumerate(scored.classes):
        positive = scored.truth[:, number]
        if positive.any():
            curve = _at_hits(precision_recall_curve(positive, scored.y_prob[:, number]))
            curves[name] = {
                "recall": curve.recall.tolist(),
                "precision": curve.precision.tolist(),
                "auc": areas[name]["value"],
            }
    return curves


def _at_hits(curve: PrecisionRecallCurve) -> PrecisionRecallCurve:
    """Return the points at which recall rises, and of these at most so many, evenly in recall."""
    keep = np.append(0, 1 + np.flatnonzero(np.diff(curve.recall) > 0))
    if keep.size > CURVE_POINTS:
        at = np.searchsorted(curve.recall[keep], np.linspace(0, 1, CURVE_POINTS))
        keep = keep[np.unique(np.clip(at, 0, keep.size - 1))]
    return PrecisionRecallCurve(curve.recall[keep], curve.precision[keep], curve.thresholds[keep])
