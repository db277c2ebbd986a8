"""Fit a calibration, and tell on patients it was not fitted on what it is worth."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal, cast

import numpy as np

from gyrus.decision.activations import FloatArray
from gyrus.decision.calibration import Activation, Calibration, Method
from gyrus.decision.cases import Cases, why_not
from gyrus.decision.crossfit import cross_fitted
from gyrus.decision.scaling import fit_temperature, fit_vector
from gyrus.decision.worth import group_sums, image_losses, worth
from gyrus.errors import DataError
from gyrus.metrics.intervals import linear_ratio

Asked = Literal["auto", "temperature", "vector", "none"]


def fit_calibration(
    cases: Cases, asked: Asked = "auto", *, confidence: float = 0.95, seed: int = 0
) -> Calibration:
    """Fit a calibration on labelled cases.

    Every image counts alike in the loss, as it does in the figures; patients count in how strongly the prior
    is outvoted (see :mod:`gyrus.decision.scaling`), in the folds and in the intervals. ``before`` and
    ``after`` are of probabilities that were cross-fitted: each by a calibration fitted on the patients of the
    other four folds. What is returned is then fitted on all.

    Parameters
    ----------
    cases : Cases
    asked : {'auto', 'temperature', 'vector', 'none'}
        ``auto``: see :func:`choose_method`.
    confidence : float
        Of the intervals.
    seed : int
        Of the folds.

    Raises
    ------
    DataError
        When there are too few patients, a class is in no image, or vector scaling would turn a class round.
    """
    activation = _ACTIVATIONS[cases.task]
    if asked == "none":
        return Calibration(activation)
    reason = why_not(cases)
    if reason:
        raise DataError(
            f"a calibration cannot be fitted: {reason}", fix="give more images, or --calibration none"
        )
    method = choose_method(cases, seed) if asked == "auto" else cast("Method", asked)
    if method == "none":
        return Calibration(activation)
    found = fit_method(cases, method)
    if found.scale is not None and min(found.scale) <= 0:
        raise DataError(
            "vector scaling would turn round what speaks for a class: its logits tell nothing about it",
            fix="--calibration temperature",
        )
    plain = Calibration(activation).apply(cases.logits)
    after = cross_fitted(cases, partial(fit_method, method=method), seed)
    return replace(
        found,
        fitted_on=cases.described,
        before=worth(cases, plain, confidence=confidence, seed=seed),
        after=worth(cases, after, confidence=confidence, seed=seed),
    )


def fit_method(cases: Cases, method: Method) -> Calibration:
    """Return one kind of calibration, fitted; nothing is measured."""
    activation = _ACTIVATIONS[cases.task]
    if method == "temperature":
        return Calibration(activation, method, temperature=fit_temperature(cases))
    if method == "vector":
        scale, bias = fit_vector(cases)
        return Calibration(activation, method, scale=tuple(scale.tolist()), bias=tuple(bias.tolist()))
    return Calibration(activation)


def choose_method(cases: Cases, seed: int) -> Method:
    """Return the method that ``auto`` means: the simplest that does not lose on held-out patients.

    The temperature is taken when its cross-fitted log loss is below that of the plain probabilities; vector
    scaling when it is below the better of both by more than one standard error of the difference between
    patients (the one-standard-error rule of Breiman et al. 1984).
    """
    losses = {method: image_losses(cases, _held_out(cases, method, seed)) for method in _METHODS}
    chosen: Method = "temperature" if losses["temperature"].mean() < losses["none"].mean() else "none"
    better = linear_ratio(group_sums(cases, losses[chosen] - losses["vector"]), group_sums(cases))
    scales = fit_method(cases, "vector").scale or ()
    if better.value > np.sqrt(better.variance) and min(scales) > 0:
        return "vector"
    return chosen


_METHODS: tuple[Method, ...] = ("none", "temperature", "vector")
_ACTIVATIONS: dict[str, Activation] = {"classify": "softmax", "multilabel": "sigmoid"}


def _held_out(cases: Cases, method: Method, seed: int) -> FloatArray:
    return cross_fitted(cases, partial(fit_method, method=method), seed)
