"""Figures of a decision: what calibration changed, what thresholds keep, what referring costs and gains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gyrus.decision import OperatingPoint
from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases
from gyrus.decision.net_benefit import decision_curve
from gyrus.decision.operating_point import positive_score
from gyrus.decision.risk_coverage import curve_points, risk_area, risk_coverage
from gyrus.decision.solving import truly_positive
from gyrus.decision.worth import group_sums, share, share_figure, shown, statements, worth
from gyrus.evaluation.decided import Said
from gyrus.evaluation.scored import BoolArray
from gyrus.metrics.calibration import Bin, reliability
from gyrus.metrics.intervals import Linear, linear_ratio
from gyrus.metrics.prevalence import predictive_values

PREVALENCES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Shares of positive patients at which a threshold's answers are priced: from screening to a clinic."""
_MOST_BINS, _IMAGES_A_BIN, _MOST_CURVES = 15, 10, 10


def decision_figures(said: Said, *, confidence: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Return the figures of what was said.

    Returns
    -------
    dict
        A *figure* is ``{"value", "low", "high", "method"}``, null where undefined::

            cross_fitted   whether each patient's answers are by a decision fitted on the others
            calibration    null, or the card's field (method, numbers, fitted_on, before, after)
            before, after  {"log_loss", "ece": figures, "reliability": [bins]} of the probabilities without
                           and with the calibration; "after" is null without one
            points         list of {"name", "positive", "metric", "at_least", "threshold", "split", "rates":
                           {"sensitivity", "specificity", "ppv", "npv": figures}, "at_prevalence":
                           [{"prevalence", "ppv", "npv"}], "curve"}
            curves         class -> decision curve, see gyrus.decision.net_benefit; at most ten classes
            sets           null, or {"method", "level", "promise", "by", "coverage": figure, "per_class":
                           class -> {"coverage": figure, "mean_size": number, "images"}, "mean_size",
                           "sizes": how many classes -> images, "referred": share,
                           "answered_right": accuracy of the others}
            risk_coverage  null, or {"coverage", "risk": lists, "area": figure}
            notes          sentences about what was left out
    """
    cases, method = said.cases, said.decision.calibration.method
    single = cases.task == "classify"
    after = None
    if method != "none":
        after = _probabilities(cases, said.calibrated, confidence, seed)
    return {
        "cross_fitted": said.cross_fitted,
        "calibration": said.decision.calibration.to_card(),
        "before": _probabilities(cases, said.plain, confidence, seed),
        "after": after,
        "points": [_point(said, point, called, confidence) for point, called in said.points],
        "curves": {
            name: _curve(cases, said.calibrated, (name,), confidence) for name in cases.classes[:_MOST_CURVES]
        },
        "sets": _sets(said, confidence),
        "risk_coverage": _risk(cases, said.calibrated, confidence, seed) if single else None,
        "notes": list(said.notes),
    }


def rates_of_points(block: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the figures of every point in a block, by its name, for the card."""
    return {point["name"]: dict(point["rates"]) for point in block["points"]}


def _probabilities(cases: Cases, probabilities: FloatArray, confidence: float, seed: int) -> dict[str, Any]:
    sure, right, groups = statements(cases, probabilities)
    n_bins = min(_MOST_BINS, max(sure.size // _IMAGES_A_BIN, 1))
    bins = reliability(sure, right, groups, n_bins=n_bins, confidence=confidence)
    return {
        **worth(cases, probabilities, confidence=confidence, seed=seed),
        "reliability": [_bin(one) for one in bins],
    }


def _bin(one: Bin) -> dict[str, Any]:
    """Return a bin as the report's plot takes it."""
    return {
        "confidence": one.confidence,
        "accuracy": one.share.value,
        "low": one.share.low if math.isfinite(one.share.low) else None,
        "high": one.share.high if math.isfinite(one.share.high) else None,
        "n_images": one.images,
    }


def _point(said: Said, point: OperatingPoint, called: BoolArray, confidence: float) -> dict[str, Any]:
    cases = said.cases
    sick = truly_positive(cases, point.positive)
    rates = {
        "sensitivity": share(cases, called, sick),
        "specificity": share(cases, ~called, ~sick),
        "ppv": share(cases, sick, called),
        "npv": share(cases, ~sick, ~called),
    }
    return {
        "name": point.name,
        "positive": list(point.positive),
        "metric": point.metric,
        "at_least": point.at_least,
        "threshold": point.threshold,
        "split": point.split,
        "prevalence": float(sick.mean()),
        "rates": {name: share_figure(cases, linear, confidence) for name, linear in rates.items()},
        "at_prevalence": _priced(rates["sensitivity"], rates["specificity"], confidence, cases.unit),
        "curve": _curve(cases, said.calibrated, point.positive, confidence),
    }


def _priced(sensitivity: Linear, specificity: Linear, confidence: float, unit: str) -> list[dict[str, Any]]:
    """Return what the answers are worth where the disease is as rare as it is elsewhere."""
    if min(sensitivity.clusters, specificity.clusters) == 0:
        return []
    rows = []
    for prevalence in PREVALENCES:
        values = predictive_values(sensitivity, specificity, prevalence, confidence)
        method = f"cluster-robust logit-t over {unit}"
        rows.append(
            {"prevalence": prevalence, "ppv": shown(values.ppv, method), "npv": shown(values.npv, method)}
        )
    return rows


def _curve(
    cases: Cases, probabilities: FloatArray, positive: tuple[str, ...], confidence: float
) -> dict[str, Any]:
    score = positive_score(probabilities, cases.classes, positive)
    return decision_curve(score, truly_positive(cases, positive), cases.groups, confidence=confidence)


def _sets(said: Said, confidence: float) -> dict[str, Any] | None:
    members, conformal, cases = said.members, said.decision.conformal, said.cases
    if members is None or conformal is None:
        return None
    covered = np.asarray((members & cases.truth).any(axis=1))
    sizes = members.sum(axis=1)
    right = cases.truth[np.arange(len(cases)), said.calibrated.argmax(axis=1)]
    counts = np.bincount(sizes)
    return {
        "method": conformal.method,
        "level": conformal.level,
        "promise": conformal.promise,
        "by": conformal.by,
        "coverage": share_figure(cases, _by_patient(cases, covered, conformal.by), confidence),
        "per_class": {
            name: {
                "coverage": share_figure(
                    cases, _by_patient(cases, covered, conformal.by, cases.truth[:, number]), confidence
                ),
                "mean_size": _mean(sizes[cases.truth[:, number]]),
                "images": int(cases.truth[:, number].sum()),
            }
            for number, name in enumerate(cases.classes)
        },
        "mean_size": float(sizes.mean()),
        "sizes": {str(size): int(count) for size, count in enumerate(counts) if count},
        "referred": share_figure(cases, share(cases, ~said.answered), confidence),
        "answered_right": share_figure(cases, share(cases, right, said.answered), confidence),
        "all_right": share_figure(cases, share(cases, right), confidence),
    }


def _by_patient(cases: Cases, hits: BoolArray, by: str, among: BoolArray | None = None) -> Linear:
    """Return the mean over patients of their share of hits, which is what sets promise; or over images."""
    if by == "image":
        return share(cases, hits, among)
    counted = np.ones(len(cases), dtype=bool) if among is None else among
    sizes = group_sums(cases, counted)
    present = sizes > 0
    return linear_ratio(
        np.where(present, group_sums(cases, hits & counted) / np.maximum(sizes, 1), 0.0),
        present.astype(float),
    )


def _mean(sizes: Any) -> float | None:
    return float(sizes.mean()) if sizes.size else None


def _risk(cases: Cases, probabilities: FloatArray, confidence: float, seed: int) -> dict[str, Any]:
    sure, right, groups = statements(cases, probabilities)
    area = risk_area(sure, ~right, groups, level=confidence, seed=seed)
    return {
        **curve_points(*risk_coverage(sure, ~right)),
        "area": shown(area, f"percentile bootstrap over {cases.unit}"),
    }
