"""Scans and patients: is there a lesion at all? A scan's score is that of its best box, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.cohort import Cohort, Ints
from gyrus.metrics.detection.froc import Duplicates, alarms
from gyrus.metrics.detection.matching import Matched
from gyrus.metrics.intervals import Interval, linear_area, logit_t_interval, ratio_interval
from gyrus.metrics.roc import placements
from gyrus.metrics.undefined import FloatArray

Level = Literal["scan", "patient"]


@dataclass(frozen=True, slots=True)
class Cases:
    """Scans or patients.

    Attributes
    ----------
    positive : ndarray of bool, shape (n,)
        Whether it has a lesion.
    score : ndarray of float64, shape (n,)
        Of its best box; minus infinity without a box.
    subject : ndarray of int64, shape (n,)
        Number of its patient.
    """

    positive: npt.NDArray[np.bool_]
    score: FloatArray
    subject: Ints


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold of the score gives.

    Attributes
    ----------
    at_most : float
        False alarms a scan that it was to have at most.
    score : float
        A box is marked from this score on; infinite where even one distinct score gives more alarms.
    false_alarms : float
        A scan.
    sensitivity : Interval
        Share of the lesions that are found.
    cases : dict of str to (Interval, Interval)
        ``scan`` and ``patient``: sensitivity and specificity of having any mark.
    """

    at_most: float
    score: float
    false_alarms: float
    sensitivity: Interval
    cases: dict[str, tuple[Interval, Interval]]


def cases_of(cohort: Cohort, level: Level) -> Cases:
    """Return the scans or the patients of a cohort."""
    of_image = cohort.scan if level == "scan" else cohort.subject
    size = cohort.n_scans if level == "scan" else cohort.n_subjects
    positive, score = np.zeros(size, dtype=bool), np.full(size, -np.inf)
    positive[of_image[cohort.true_image]] = True
    np.maximum.at(score, of_image[cohort.predicted_image], cohort.scores)
    return Cases(positive, score, cohort.subject_of_scan if level == "scan" else np.arange(size))


def case_area(cases: Cases, confidence: float = 0.95) -> Interval:
    """Return the area under the ROC curve of the cases, with its interval; NaN where one side is empty."""
    if cases.positive.all() or not cases.positive.any():
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    placed = placements(cases.positive, cases.score)
    return logit_t_interval(linear_area(placed, cases.positive, cases.subject), confidence)


def operating_point(
    cohort: Cohort,
    matched: Matched,
    at_most: float,
    threshold: float,
    *,
    duplicates: Duplicates = "ignore",
    confidence: float = 0.95,
) -> OperatingPoint:
    """Return what a threshold of the score gives on lesions, scans and patients.

    Parameters
    ----------
    cohort : Cohort
    matched : Matched
    at_most : float
        False alarms a scan that the threshold was chosen for.
    threshold : float
        From :meth:`gyrus.metrics.detection.froc.FrocCurve.threshold_at_most`.
    duplicates : {"ignore", "false-alarm"}
    confidence : float
        Of the intervals, which take the threshold as given.
    """
    marked = cohort.scores[matched.ranked] >= threshold
    subject = cohort.subject
    found = matched.lesion[marked & matched.hit]
    hits = np.bincount(subject[cohort.true_image[found]], minlength=cohort.n_subjects)
    lesions = np.bincount(subject[cohort.true_image], minlength=cohort.n_subjects)
    levels: tuple[Level, ...] = ("scan", "patient")
    return OperatingPoint(
        at_most=at_most,
        score=threshold,
        false_alarms=float((marked & alarms(matched, duplicates)).sum()) / cohort.n_scans,
        sensitivity=ratio_interval(hits, lesions, confidence),
        cases={level: _rates(cases_of(cohort, level), threshold, confidence) for level in levels},
    )


def _rates(cases: Cases, threshold: float, confidence: float) -> tuple[Interval, Interval]:
    """Return sensitivity and specificity of having a mark."""
    marked, size = cases.score >= threshold, int(cases.subject.max()) + 1
    rates = []
    for side, right in ((cases.positive, marked), (~cases.positive, ~marked)):
        trials = np.bincount(cases.subject[side], minlength=size)
        rates.append(
            ratio_interval(np.bincount(cases.subject[side & right], minlength=size), trials, confidence)
        )
    return rates[0], rates[1]
