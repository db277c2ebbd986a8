"""A whole decision fitted on labelled cases: calibration, then operating points and sets on what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases, why_not
from gyrus.decision.conformal import ConformalSets, Promise, SetMethod
from gyrus.decision.conformal_fitting import fit_sets
from gyrus.decision.deciding import Decision
from gyrus.decision.fitting import Asked, fit_calibration
from gyrus.decision.operating_point import Metric
from gyrus.decision.solving import solve_point

Asking = tuple[tuple[str, ...], Metric, float]
"""Positive classes, what is to be promised, and how much of it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a decision is to be.

    Attributes
    ----------
    calibration : {'auto', 'temperature', 'vector', 'none'}
    conformal_method : {'lac', 'aps', 'none'}
    level : float
        How often the true class is to be in the set.
    promise : {'at-least', 'about'}
        Whether that often at least, on average; see :func:`gyrus.decision.conformal_fitting.patients_within`.
    points : tuple of Asking
        An operating point each.
    seed : int
        Of the folds and of the draws of ``aps``.
    """

    calibration: Asked = "auto"
    conformal_method: SetMethod | str = "lac"
    level: float = 0.9
    promise: Promise = "at-least"
    points: tuple[Asking, ...] = ()
    seed: int = 0


def fit_decision(cases: Cases, wish: Wish, confidence: float = 0.95) -> tuple[Decision, list[str]]:
    """Return a decision fitted on all cases, and sentences about what was left out and why.

    Thresholds and quantiles are computed from probabilities that were cross-fitted, each by a calibration
    that had not seen the image's patient: those of the calibration's own images would be a little too good.

    Raises
    ------
    DataError
        When what was asked for by name cannot be fitted: see :func:`gyrus.decision.fitting.fit_calibration`
        and :func:`gyrus.decision.solving.solve_point`.
    """
    notes: list[str] = []
    reason = why_not(cases)
    if wish.calibration == "auto" and reason:
        notes.append(f"probabilities are left as the network gives them: {reason}")
        fitted = fit_calibration(cases, "none")
    else:
        fitted = fit_calibration(cases, wish.calibration, confidence=confidence, seed=wish.seed)
    points = tuple(
        solve_point(cases, fitted.held_out, *asking, confidence=confidence) for asking in wish.points
    )
    conformal = _sets(cases, fitted.held_out, wish, notes)
    return Decision(cases.classes, cases.task, fitted.calibration, points, conformal), notes


def _sets(cases: Cases, probabilities: FloatArray, wish: Wish, notes: list[str]) -> ConformalSets | None:
    if wish.conformal_method == "none":
        return None
    if cases.task != "classify":
        notes.append(
            "no conformal sets: an image may show several classes, and each is a question of its own"
        )
        return None
    method: SetMethod = "aps" if wish.conformal_method == "aps" else "lac"
    sets = fit_sets(
        cases, probabilities, method=method, level=wish.level, promise=wish.promise, seed=wish.seed
    )
    if sets.refused:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sets.refused.items())
        notes.append(f"no conformal sets, so nothing is referred: {reasons}")
    return sets
