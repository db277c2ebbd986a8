"""Models that answered the same images: a leaderboard, and whether one is better than another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from gyrus.evaluation.aligning import Entry, align
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.verdicts import verdict
from gyrus.metrics.classification import scores_of
from gyrus.metrics.comparison import (
    Difference,
    Statistic,
    area_of,
    holm,
    mcnemar,
    paired_bootstrap,
    paired_difference,
)
from gyrus.metrics.quantiles import t_probability, t_quantile
from gyrus.metrics.resampling import Weights
from gyrus.metrics.undefined import FloatArray

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "macro_roc_auc": "macro ROC-AUC",
}


def compare_predictions(
    entries: Sequence[Entry],
    *,
    metric: str = "accuracy",
    n_bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    power: float = 0.8,
) -> dict[str, Any]:
    """Return a leaderboard and every pair's paired tests.

    Parameters
    ----------
    entries : sequence of Entry
        Two or more, of the same images.
    metric : str
        One of :data:`METRICS`: what decides who is better.
    n_bootstrap, seed : int
        Of the paired bootstrap over patients.
    confidence, power : float
        Of the intervals; of the number of patients that would be needed.

    Returns
    -------
    dict
        ::

            metric, confidence, power, classes
            n_images, n_subjects, clustered_by, n_clusters      as in evaluate_predictions
            leaderboard   list, best first, of {"name", "accuracy", "balanced_accuracy", "macro_f1",
                          "macro_roc_auc": figures}
            pairs         list of {"better", "worse" (by the metric's value), "sentence", "told",
                          "difference", "bootstrap": of the metric, "delong": of the macro ROC-AUC, each
                          {"value", "low", "high", "p", "error", "clusters", "p_holm"},
                          "mcnemar": {"only_better", "only_worse", "clusters", "p_exact", "p_mid", "p_holm"},
                          "needed_patients": number, or None where none would do}
            notes         sentences

        Differences are better less worse, in shares of 1. ``p_holm`` is adjusted for all pairs (Holm, 1979),
        each kind of test on its own.

    Raises
    ------
    PredictionsError, UsageError
        See :func:`gyrus.evaluation.aligning.align`.
    """
    aligned = align(entries)
    figures = [Figures(entry.predictions, confidence) for entry in aligned]
    values = [side.linear(metric).value for side in figures]
    order = sorted(range(len(aligned)), key=lambda number: (-_sortable(values[number]), aligned[number].name))
    pairs = [
        _pair(
            (aligned[better], figures[better]), (aligned[worse], figures[worse]),
            metric=metric, n_bootstrap=n_bootstrap, seed=seed, confidence=confidence,
        )
        for better, worse in combinations(order, 2)
    ]  # fmt: skip
    for name, p in (("difference", "p"), ("bootstrap", "p"), ("delong", "p"), ("mcnemar", "p_mid")):
        for pair, value in zip(pairs, holm([pair[name][p] for pair in pairs]).tolist(), strict=True):
            pair[name]["p_holm"] = value
    unit = figures[0].unit
    for pair in pairs:
        pair.update(verdict(pair, METRICS[metric], unit, len(pairs), confidence=confidence, power=power))
    first = aligned[0].predictions
    return {
        "metric": metric,
        "confidence": confidence,
        "power": power,
        "classes": list(first.classes),
        "n_images": len(first),
        "n_subjects": len(set(first.subject_ids) - {""}) or None,
        "clustered_by": unit,
        "n_clusters": figures[0].n_groups,
        "leaderboard": [_line(aligned[number].name, figures[number]) for number in order],
        "pairs": pairs,
        "notes": _notes(unit),
    }


def _line(name: str, figures: Figures) -> dict[str, Any]:
    return {
        "name": name,
        "accuracy": figures.accuracy(),
        "balanced_accuracy": figures.balanced_accuracy(),
        "macro_f1": figures.macro("f1"),
        "macro_roc_auc": figures.macro_auc(),
    }


def _pair(
    better: tuple[Entry, Figures],
    worse: tuple[Entry, Figures],
    *,
    metric: str,
    n_bootstrap: int,
    seed: int,
    confidence: float,
) -> dict[str, Any]:
    """Return the tests of one pair; each is of better less worse."""
    (one, above), (other, below) = better, worse
    right = [side.predictions.y_true == side.predictions.y_pred for side in (one, other)]
    changed = mcnemar(right[1], right[0], above.groups)
    return {
        "better": one.name,
        "worse": other.name,
        "difference": asdict(
            paired_difference(
                below.linear(metric), above.linear(metric), n_images=len(one.predictions),
                confidence=confidence,
            )
        ),
        "bootstrap": asdict(
            paired_bootstrap(
                statistic_of(below, metric), statistic_of(above, metric), above.groups,
                n_samples=n_bootstrap, seed=seed, confidence=confidence,
            )
        ),
        "delong": asdict(delong_difference(below, above)),
        "mcnemar": {
            "only_better": changed.only_b,
            "only_worse": changed.only_a,
            "clusters": changed.clusters,
            "p_exact": changed.p_exact,
            "p_mid": changed.p_mid,
        },
    }  # fmt: skip


def delong_difference(a: Figures, b: Figures) -> Difference:
    """Compare two (mean) areas under ROC curves: DeLong et al. (1988), clustered (Obuchowski, 1997).

    The influence functions of a mean of areas are the means of theirs, so that for two classes this is
    :func:`gyrus.metrics.comparison.delong_paired`. Its degrees of freedom are those of the rarest class.
    """
    one, other = a.linear("macro_roc_auc"), b.linear("macro_roc_auc")
    value, clusters = other.value - one.value, round(min(one.clusters, other.clusters))
    if not math.isfinite(value) or clusters < 2:
        return Difference(value, math.nan, math.nan, math.nan, math.nan, clusters)
    change = other.influence - one.influence
    error = math.sqrt(float(change @ change))
    freedom = max(min(area.freedom for area in (*a.areas, *b.areas) if area.clusters), 1.0)
    reach = t_quantile((1 + a.confidence) / 2, freedom) * error
    p = 2 * t_probability(-abs(value) / error, freedom) if error > 0 else 1.0
    return Difference(value, max(value - reach, -1.0), min(value + reach, 1.0), p, error, clusters)


def statistic_of(figures: Figures, metric: str) -> Statistic:
    """Return a main figure as a function of the patients' weights, for the bootstrap."""
    if metric == "macro_roc_auc":
        return _mean_area(figures)
    n_classes, by_group = len(figures.classes), figures.by_group.reshape(figures.n_groups, -1)

    def statistic(weights: Weights) -> FloatArray:
        matrices = weights.T.astype(np.float64) @ by_group
        scores = scores_of(matrices.reshape(-1, n_classes, n_classes))
        return scores.macro("f1") if metric == "macro_f1" else np.asarray(getattr(scores, metric))

    return statistic


def _mean_area(figures: Figures) -> Statistic:
    present = np.flatnonzero(figures.scores.support > 0).tolist()
    areas = [
        area_of(figures.y_true == number, figures.y_prob[:, number], figures.groups) for number in present
    ]

    def statistic(weights: Weights) -> FloatArray:
        mean: FloatArray = np.mean([area(weights) for area in areas], axis=0)
        return mean

    return statistic


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _notes(unit: str) -> list[str]:
    if unit == "patients":
        return []
    which = "no image has a" if unit == "images" else "some images have no"
    return [
        f"{which} known patient: the tests take each such image for a patient of its own, and find "
        "differences too easily if several show the same one"
    ]
