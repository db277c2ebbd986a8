"""The free-response ROC curve: share of lesions found over false alarms a scan (higher: better).

Bunch et al. 1978; the score is the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false alarms a scan
(LUNA16, Setio et al. 2017), straight lines drawn between the points of the curve, and its last value kept
beyond its end. Boxes of equal score count together: a threshold cannot part them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.cohort import Cohort
from gyrus.metrics.detection.matching import Matched
from gyrus.metrics.undefined import FloatArray

Duplicates = Literal["ignore", "false-alarm"]
RATES: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class FrocCurve:
    """A curve through every distinct score, from the point where nothing is marked.

    Attributes
    ----------
    false_alarms : ndarray of float64, shape (m,)
        A scan.
    sensitivity : ndarray of float64, shape (m,)
        Share of the lesions that are found; all NaN without lesions.
    thresholds : ndarray of float64, shape (m,)
        A box is marked from this score on; the first is infinite.
    """

    false_alarms: FloatArray
    sensitivity: FloatArray
    thresholds: FloatArray

    def at(self, rates: npt.ArrayLike) -> FloatArray:
        """Return the sensitivity at so many false alarms a scan, straight between points."""
        return np.interp(np.asarray(rates, dtype=np.float64), self.false_alarms, self.sensitivity)

    def score(self, rates: Sequence[float] = RATES) -> float:
        """Return the mean sensitivity at the rates."""
        return float(self.at(rates).mean())

    def threshold_at_most(self, rate: float) -> float:
        """Return the lowest threshold with at most so many false alarms a scan; infinite where none has."""
        return float(self.thresholds[np.searchsorted(self.false_alarms, rate, side="right") - 1])


def froc_curve(cohort: Cohort, matched: Matched, duplicates: Duplicates = "ignore") -> FrocCurve:
    """Return the curve of all classes taken together.

    Parameters
    ----------
    cohort : Cohort
    matched : Matched
        From :func:`gyrus.metrics.detection.match`.
    duplicates : {"ignore", "false-alarm"}
        What a further box on a lesion that is found already counts as; ``ignore`` as in LUNA16.
    """
    scores = cohort.scores[matched.ranked]
    return froc_from_scores(
        scores[matched.hit], scores[alarms(matched, duplicates)], len(cohort.true), cohort.n_scans
    )


def alarms(matched: Matched, duplicates: Duplicates) -> npt.NDArray[np.bool_]:
    """Return which of the ranked boxes are false alarms, (n,)."""
    if duplicates not in ("ignore", "false-alarm"):
        raise ValueError(f"duplicates is {duplicates!r}; expected ignore or false-alarm")
    return ~matched.near if duplicates == "ignore" else ~matched.hit


def froc_from_scores(
    hit_scores: npt.ArrayLike, alarm_scores: npt.ArrayLike, n_lesions: int, n_scans: int
) -> FrocCurve:
    """Return the curve from the scores of what was found and of the false alarms.

    Parameters
    ----------
    hit_scores : array_like, shape (h,)
        The highest score on each lesion that was found.
    alarm_scores : array_like, shape (a,)
    n_lesions, n_scans : int
        Of all scans, those without a box included.

    Raises
    ------
    ValueError
        For NaN, no scan, or more hits than lesions.
    """
    hits, false = (np.asarray(scores, dtype=np.float64) for scores in (hit_scores, alarm_scores))
    if np.isnan(hits).any() or np.isnan(false).any():
        raise ValueError("a score is NaN")
    if n_scans < 1 or hits.size > n_lesions:
        raise ValueError(
            f"{n_scans} scans, {n_lesions} lesions, {hits.size} found: expected one scan, no more found"
        )
    thresholds = np.unique(np.concatenate([hits, false]))[::-1]
    found, marked = (
        values.size - np.searchsorted(np.sort(values), thresholds, side="left") for values in (hits, false)
    )
    return FrocCurve(
        false_alarms=np.append(0.0, marked / n_scans),
        sensitivity=np.append(0.0, found / n_lesions) if n_lesions else np.full(thresholds.size + 1, np.nan),
        thresholds=np.append(np.inf, thresholds),
    )
