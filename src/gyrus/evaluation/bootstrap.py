"""A second opinion on the main figures: the percentile bootstrap over patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gyrus.evaluation.figures import Figures
from gyrus.metrics.area_resampling import area_of
from gyrus.metrics.classification import scores_of
from gyrus.metrics.resampling import Statistic, Weights, percentile_interval, weight_chunks
from gyrus.metrics.undefined import FloatArray


def bootstrap_intervals(figures: Figures, n_samples: int, seed: int) -> dict[str, Any]:
    """Return percentile intervals of accuracy, balanced accuracy, macro F1, macro and micro ROC-AUC.

    Resamples in which a figure is undefined are left out of its interval.
    """
    areas = _areas(figures)
    chunks = [_chunk(figures, weights, areas) for weights in weight_chunks(figures.n_groups, n_samples, seed)]
    replicates = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return {
        "samples": n_samples,
        "seed": seed,
        "method": f"percentile bootstrap over {figures.unit}",
        **{name: _interval(values, figures.confidence) for name, values in replicates.items()},
    }


def _areas(figures: Figures) -> dict[str, Statistic]:
    """Return the mean area over the classes that have images, and that over all pairs."""
    present = [
        area_of(figures.truth[:, number], figures.y_prob[:, number], figures.groups)
        for number in np.flatnonzero(figures.support > 0)
    ]

    def macro(weights: Weights) -> FloatArray:
        mean: FloatArray = np.mean([area(weights) for area in present], axis=0)
        return mean

    return {"macro_roc_auc": macro, "micro_roc_auc": area_of(*figures.pairs())}


def _chunk(figures: Figures, weights: Weights, areas: Mapping[str, Statistic]) -> dict[str, FloatArray]:
    """Return the figures of some resamples."""
    n_classes = len(figures.classes)
    flat = weights.T.astype(np.float64) @ figures.by_group.reshape(figures.n_groups, -1)
    scores = scores_of(flat.reshape(-1, n_classes, n_classes))
    return {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro("f1"),
        **{name: area(weights) for name, area in areas.items()},
    }


def _interval(values: FloatArray, confidence: float) -> dict[str, float]:
    low, high = percentile_interval(values, confidence)
    return {"low": low, "high": high}
