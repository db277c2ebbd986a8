"""Intervals of FROC curves and average precisions: the bootstrap over patients.

Patients are drawn with replacement, and all their scans, lesions and boxes with them (Efron 1979; clusters:
Field and Welsh 2007). The matching of an image does not depend on other images, so a sample only weighs the
boxes anew. The percentiles of the samples are too short with few patients, and no interval at all where every
lesion was found; so the samples only give the standard deviation, and the interval is that of
:func:`gyrus.metrics.intervals.logit_t_interval`, as for all shares.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.average_precision import COCO_MOST_BOXES, best_boxes, precision_by_class
from gyrus.metrics.detection.boxes import Criterion
from gyrus.metrics.detection.cohort import Cohort, Ints
from gyrus.metrics.detection.froc import RATES, Duplicates, FrocCurve, alarms, froc_curve
from gyrus.metrics.detection.matching import Matched, match
from gyrus.metrics.intervals import Interval, Linear, effective_clusters, logit_t_interval
from gyrus.metrics.resampling import weight_chunks
from gyrus.metrics.undefined import FloatArray

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class FrocIntervals:
    """A FROC curve with intervals.

    Attributes
    ----------
    curve : FrocCurve
    rates : tuple of float
        False alarms a scan.
    at : tuple of Interval
        Sensitivity at each of the rates.
    score : Interval
        Mean sensitivity at :data:`gyrus.metrics.detection.froc.RATES`.
    """

    curve: FrocCurve
    rates: tuple[float, ...]
    at: tuple[Interval, ...]
    score: Interval


def froc_intervals(
    cohort: Cohort,
    matched: Matched,
    *,
    duplicates: Duplicates = "ignore",
    rates: Sequence[float] = RATES,
    n_samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> FrocIntervals:
    """Return the curve, its score and the sensitivity at the rates, with intervals over patients.

    Parameters
    ----------
    cohort : Cohort
    matched : Matched
    duplicates : {"ignore", "false-alarm"}
    rates : sequence of float
        False alarms a scan.
    n_samples : int
        Of the bootstrap; at least 2.
    seed : int
    confidence : float
    """
    curve = froc_curve(cohort, matched, duplicates)
    wanted = np.concatenate([np.asarray(rates, dtype=np.float64), RATES])
    samples = _froc_samples(cohort, matched, curve, duplicates, wanted, n_samples, seed)
    rest = _Rest.of(cohort)
    at = curve.at(wanted)
    return FrocIntervals(
        curve,
        tuple(float(rate) for rate in rates),
        tuple(rest.interval(at[i], samples[:, i], confidence) for i in range(len(rates))),
        rest.interval(curve.score(), samples[:, len(rates) :].mean(axis=1), confidence),
    )


def precision_intervals(
    cohort: Cohort,
    thresholds: Sequence[float],
    *,
    criterion: Criterion = "iou",
    n_samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    most_boxes: int = COCO_MOST_BOXES,
) -> tuple[tuple[Interval, ...], Interval]:
    """Return the average precision (mean over classes) at each threshold, and its mean over thresholds.

    Parameters are those of :func:`froc_intervals` and of
    :func:`gyrus.metrics.detection.average_precision.coco_figures`.
    """
    few = best_boxes(cohort, most_boxes)
    matched = match(few, thresholds, criterion)
    measured = [_mean(row) for row in precision_by_class(few, matched)]
    samples = np.stack([_precision_samples(few, one, n_samples, seed) for one in matched], axis=1)
    rest = _Rest.of(few)
    return (
        tuple(rest.interval(measured[i], samples[:, i], confidence) for i in range(len(matched))),
        rest.interval(float(np.mean(measured)), samples.mean(axis=1), confidence),
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    """What the figures rest on: patients with lesions."""

    clusters: int
    freedom: float

    @classmethod
    def of(cls, cohort: Cohort) -> _Rest:
        lesions = np.bincount(cohort.subject[cohort.true_image], minlength=1)
        return cls(int((lesions > 0).sum()), effective_clusters(lesions) - 1)

    def interval(self, value: float, samples: FloatArray, confidence: float) -> Interval:
        defined = samples[np.isfinite(samples)]
        if not math.isfinite(value) or self.clusters < 2 or defined.size < 2:
            return Interval(float(value), math.nan, math.nan, self.clusters)
        # a sample of n draws varies by (n - 1) / n of what n patients do
        spread = float(defined.std(ddof=1)) * math.sqrt(self.clusters / (self.clusters - 1))
        return logit_t_interval(
            Linear(
                value=float(value), influence=np.array([spread]), freedom=self.freedom,
                clusters=self.clusters, members=np.ones(1, dtype=bool), worst=0.0,
            ),
            confidence,
        )  # fmt: skip


def _samples(cohort: Cohort, n_samples: int, seed: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield how often each patient was drawn, sample by sample, (n_subjects,)."""
    for weights in weight_chunks(cohort.n_subjects, n_samples, seed):
        yield from np.ascontiguousarray(weights.T)


def _froc_samples(
    cohort: Cohort,
    matched: Matched,
    curve: FrocCurve,
    duplicates: Duplicates,
    rates: FloatArray,
    n_samples: int,
    seed: int,
) -> FloatArray:
    """Return the sensitivity at the rates in each sample, (n_samples, n_rates)."""
    subject = cohort.subject[cohort.predicted_image[matched.ranked]]
    scores = cohort.scores[matched.ranked]
    marked = alarms(matched, duplicates)
    hit_subject, alarm_subject = subject[matched.hit], subject[marked]
    hits_until, alarms_until = (
        np.searchsorted(-scores[chosen], -curve.thresholds, side="right") for chosen in (matched.hit, marked)
    )
    lesions = np.bincount(cohort.subject[cohort.true_image], minlength=cohort.n_subjects)
    scans = np.bincount(cohort.subject_of_scan, minlength=cohort.n_subjects)
    found = np.full((n_samples, rates.size), np.nan)
    for row, weight in enumerate(_samples(cohort, n_samples, seed)):
        n_lesions, n_scans = float(lesions @ weight), float(scans @ weight)
        if n_lesions > 0:
            hits = _summed(weight, hit_subject)[hits_until] / n_lesions
            false = _summed(weight, alarm_subject)[alarms_until] / n_scans
            found[row] = np.interp(rates, false, hits)
    return found


def _precision_samples(cohort: Cohort, matched: Matched, n_samples: int, seed: int) -> FloatArray:
    """Return the average precision, mean over the classes that have lesions, in each sample, (n_samples,)."""
    subject = cohort.subject[cohort.predicted_image[matched.ranked]]
    label = cohort.predicted_class[matched.ranked]
    parts = []
    for number in np.unique(cohort.true_class):
        hit = matched.hit[label == number]
        mine = subject[label == number]
        before = np.cumsum(~hit)[hit]  # boxes without a lesion that go before each hit
        lesions = np.bincount(
            cohort.subject[cohort.true_image[cohort.true_class == number]], minlength=cohort.n_subjects
        )
        parts.append((mine[hit], mine[~hit], before, lesions))
    found = np.full((n_samples, len(parts)), np.nan)
    for row, weight in enumerate(_samples(cohort, n_samples, seed)):
        for column, (hits, others, before, lesions) in enumerate(parts):
            n_lesions = float(lesions @ weight)
            if n_lesions > 0:
                found[row, column] = _weighted_precision(weight, hits, others, before, n_lesions)
    return np.array([_mean(row) for row in found])


def _weighted_precision(
    weight: npt.NDArray[np.float32], hits: Ints, others: Ints, before: Ints, n_lesions: float
) -> float:
    right = _summed(weight, hits)[1:]
    wrong = _summed(weight, others)[before]
    # before the first box that was drawn at all nothing is answered: no precision there
    precision = right / np.maximum(right + wrong, 1.0)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(right / n_lesions, _RECALLS, side="left")].mean())


def _summed(weight: npt.NDArray[np.float32], subject: Ints) -> FloatArray:
    """Return the running sum of the boxes' weights, from 0, (n + 1,)."""
    total = np.zeros(subject.size + 1)
    np.cumsum(weight[subject], out=total[1:])
    return total


def _mean(values: FloatArray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")
