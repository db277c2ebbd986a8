"""Thresholds that keep a promise about patients not seen before.

A threshold that gave 98 % sensitivity on the calibration images gives less on others about every second time.
So the promise is about the expectation over a new patient: of n positive calibration patients, each with the
share of images that the threshold misses, and one more who counts as missed altogether, the mean must not
exceed 1 - 98 % (conformal risk control: Angelopoulos, Bates, Fisch, Lei and Schuster 2024). With n patients
at most n / (n + 1) can be promised. Of the thresholds that keep the promise the one that costs least of the
other rate is taken: the highest for a sensitivity, the lowest for a specificity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases
from gyrus.decision.operating_point import Metric, OperatingPoint
from gyrus.decision.worth import share, share_figure
from gyrus.errors import DataError
from gyrus.metrics.intervals import Linear

_ROUNDING = 1e-9
_NEVER = float(np.nextafter(1.0, 2.0))


def solve_point(
    cases: Cases,
    probabilities: FloatArray,
    positive: Sequence[str],
    metric: Metric,
    at_least: float,
    *,
    confidence: float = 0.95,
) -> OperatingPoint:
    """Return the operating point that promises ``at_least`` of a rate.

    Parameters
    ----------
    cases : Cases
        Calibration images.
    probabilities : ndarray, shape (n, n_classes)
        Calibrated.
    positive : sequence of str
        Classes that count as positive.

    Raises
    ------
    DataError
        When so much cannot be promised from so few patients; the best that can is shown.
    """
    point = OperatingPoint(
        name=f"{', '.join(positive)}: {metric} at least {at_least:g}",
        positive=tuple(positive),
        metric=metric,
        at_least=at_least,
        threshold=0.0,
        split=cases.split,
        images=len(cases),
        subjects=cases.subjects,
    )
    count = counted_patients(cases, positive, metric)
    if not promisable(count, at_least):
        raise _too_few(cases, probabilities, point, count)
    return _solved(cases, probabilities, point, at_least, confidence)


def promisable(patients: int, at_least: float) -> bool:
    """Tell whether so many patients are enough to promise a rate."""
    return patients / (patients + 1) >= at_least - _ROUNDING


def fewest_to_promise(at_least: float) -> int:
    """Return how many patients are needed to promise a rate.

    >>> fewest_to_promise(0.98), fewest_to_promise(0.9)
    (49, 9)
    """
    return math.ceil(at_least / (1 - at_least) - _ROUNDING)


def counted_patients(cases: Cases, positive: Sequence[str], metric: Metric) -> int:
    """Return the patients that a promise rests on: with a positive image, or with a negative one."""
    return int(np.unique(cases.groups[_concerned(cases, positive, metric)]).size)


def point_figures(
    cases: Cases, probabilities: FloatArray, point: OperatingPoint, confidence: float = 0.95
) -> dict[str, Any]:
    """Return sensitivity, specificity, ppv and npv of a point on any cases, each with its interval."""
    return {
        name: share_figure(cases, linear, confidence)
        for name, linear in point_rates(cases, probabilities, point).items()
    }


def point_rates(cases: Cases, probabilities: FloatArray, point: OperatingPoint) -> dict[str, Linear]:
    """Return the four rates of a point, written as sums over patients."""
    sick = truly_positive(cases, point.positive)
    called = point.positives(probabilities, cases.classes)
    return {
        "sensitivity": share(cases, called, sick),
        "specificity": share(cases, ~called, ~sick),
        "ppv": share(cases, sick, called),
        "npv": share(cases, ~sick, ~called),
    }


def truly_positive(cases: Cases, positive: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which images show a positive class, (n,)."""
    columns = [cases.classes.index(name) for name in positive]
    return np.asarray(cases.truth[:, columns].any(axis=1))


def _concerned(cases: Cases, positive: Sequence[str], metric: Metric) -> npt.NDArray[np.bool_]:
    sick = truly_positive(cases, positive)
    return sick if metric == "sensitivity" else ~sick


def _solved(
    cases: Cases, probabilities: FloatArray, point: OperatingPoint, at_least: float, confidence: float
) -> OperatingPoint:
    among = _concerned(cases, point.positive, point.metric)
    scores = point.score(probabilities, cases.classes)[among]
    threshold = _threshold(scores, cases.groups[among], point.metric, at_least)
    solved = replace(point, threshold=threshold)
    return replace(solved, figures={cases.split: point_figures(cases, probabilities, solved, confidence)})


def _threshold(scores: FloatArray, groups: npt.NDArray[np.int64], metric: Metric, at_least: float) -> float:
    """Return the best threshold whose mean loss over the patients and one lost patient is small enough."""
    _, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1.0 / (sizes[which.reshape(-1)] * (sizes.size + 1))
    allowed = 1 - at_least - 1 / (sizes.size + 1) + _ROUNDING
    order = np.argsort(scores if metric == "sensitivity" else -scores, kind="stable")
    ranked, lost = scores[order], np.cumsum(weights[order])
    beyond = np.flatnonzero(lost > allowed)  # never empty: all of them together are too many
    edge = float(ranked[beyond[0]])
    return edge if metric == "sensitivity" else min(float(np.nextafter(edge, 2.0)), _NEVER)


def _too_few(cases: Cases, probabilities: FloatArray, point: OperatingPoint, count: int) -> DataError:
    side = "positive" if point.metric == "sensitivity" else "negative"
    needed = fewest_to_promise(point.at_least)
    details = []
    if count:
        best = math.floor(1e4 * count / (count + 1)) / 1e4
        figures = _solved(cases, probabilities, point, best, 0.95).figures[cases.split]
        rates = ", ".join(
            f"{name} {100 * figures[name]['value']:.1f} %"
            for name in ("sensitivity", "specificity")
            if figures[name]["value"] is not None
        )
        details = [f"best achievable: {point.metric} at least {best:g}, with {rates} on these images"]
    return DataError(
        f"{point.metric} of at least {point.at_least:g} for {', '.join(point.positive)} cannot be promised "
        f"from {cases.so_many(count, side)}; {needed} are needed",
        details=details,
        fix=f"ask for less (--min-{point.metric}), or give more calibration images",
    )
