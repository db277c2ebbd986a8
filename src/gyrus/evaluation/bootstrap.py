"""A second opinion on the main figures: the percentile bootstrap over patients."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.evaluation.figures import Figures
from gyrus.metrics.area_resampling import area_of
from gyrus.metrics.classification import scores_of
from gyrus.metrics.resampling import Weights, cluster_weights, percentile_interval
from gyrus.metrics.undefined import FloatArray


def bootstrap_intervals(figures: Figures, n_samples: int, seed: int) -> dict[str, Any]:
    """Return percentile intervals of accuracy, balanced accuracy, macro F1, macro and micro ROC-AUC.

    Resamples in which a figure is undefined are left out of its interval.
    """
    weights = cluster_weights(figures.n_groups, n_samples, seed)
    n_classes = len(figures.classes)
    flat = weights.T.astype(np.float64) @ figures.by_group.reshape(figures.n_groups, -1)
    scores = scores_of(flat.reshape(n_samples, n_classes, n_classes))
    replicates = {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro("f1"),
        "macro_roc_auc": _macro_areas(figures, weights),
        "micro_roc_auc": area_of(*figures.pairs())(weights),
    }
    return {
        "samples": n_samples,
        "seed": seed,
        "method": f"percentile bootstrap over {figures.unit}",
        **{name: _interval(values, figures.confidence) for name, values in replicates.items()},
    }


def _macro_areas(figures: Figures, weights: Weights) -> FloatArray:
    present = np.flatnonzero(figures.support > 0).tolist()
    mean: FloatArray = np.mean(
        [
            area_of(figures.y_true == number, figures.y_prob[:, number], figures.groups)(weights)
            for number in present
        ],
        axis=0,
    )
    return mean


def _interval(values: FloatArray, confidence: float) -> dict[str, float]:
    low, high = percentile_interval(values, confidence)
    return {"low": low, "high": high}
