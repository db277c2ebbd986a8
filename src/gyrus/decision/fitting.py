"""Fit a calibration, and tell on patients it was not fitted on what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from gyrus.decision.activations import FloatArray
from gyrus.decision.calibration import Activation, Calibration, Method
from gyrus.decision.cases import Cases, why_not
from gyrus.decision.crossfit import cross_fitted
from gyrus.decision.scaling import fit_temperature, fit_vector
from gyrus.decision.worth import group_sums, image_losses, worth
from gyrus.errors import DataError
from gyrus.metrics.intervals import linear_ratio
from gyrus.metrics.losses import SMALLEST

Asked = Literal["auto", "temperature", "vector", "none"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration fitted on all cases, and what its kind gives patients that it has not seen.

    Attributes
    ----------
    calibration : Calibration
    held_out : ndarray of float64, shape (n, n_classes)
        Probabilities, each by a calibration fitted without the image's patient.
    """

    calibration: Calibration
    held_out: FloatArray


def fit_calibration(
    cases: Cases, asked: Asked = "auto", *, confidence: float = 0.95, seed: int = 0
) -> Fitted:
    """Fit a calibration on labelled cases.

    Every image counts alike in the loss, as it does in the figures; patients count in how strongly the prior
    is outvoted (see :mod:`gyrus.decision.scaling`), in the folds and in the intervals. ``before`` and
    ``after`` are of probabilities that were cross-fitted: each by a calibration fitted on the other patients
    (of very many: on those of the other 19 parts of 20). What is returned is fitted on all.

    Parameters
    ----------
    cases : Cases
    asked : {'auto', 'temperature', 'vector', 'none'}
        ``auto``: see :func:`choose_method`.
    confidence : float
        Of the intervals.
    seed : int
        Of the deal of very many patients.

    Raises
    ------
    DataError
        When there are too few patients, a class is in no image, or vector scaling would turn a class round.
    """
    if asked == "none":
        return fit_apart(cases, "none", seed)
    reason = why_not(cases)
    if reason:
        raise DataError(
            f"a calibration cannot be fitted: {reason}", fix="give more images, or --calibration none"
        )
    found = _chosen(cases, seed) if asked == "auto" else fit_apart(cases, asked, seed)
    if found.calibration.method == "none":
        return found
    if found.calibration.scale is not None and min(found.calibration.scale) <= 0:
        raise DataError(
            "vector scaling would turn round what speaks for a class: its logits tell nothing about it",
            fix="--calibration temperature",
        )
    plain = Calibration(_ACTIVATIONS[cases.task]).apply(cases.logits)
    measured = replace(
        found.calibration,
        fitted_on=cases.described,
        before=worth(cases, plain, confidence=confidence, seed=seed),
        after=worth(cases, found.held_out, confidence=confidence, seed=seed),
    )
    return replace(found, calibration=measured)


def fit_method(cases: Cases, method: Method, near: Calibration | None = None) -> Calibration:
    """Return one kind of calibration, fitted; nothing is measured.

    Parameters
    ----------
    cases : Cases
    method : {'none', 'temperature', 'vector'}
    near : Calibration, optional
        Of the same method, fitted on nearly the same cases: it shortens the search.
    """
    activation = _ACTIVATIONS[cases.task]
    if method == "temperature":
        begin = 1.0 if near is None or near.temperature is None else near.temperature
        return Calibration(activation, method, temperature=fit_temperature(cases, begin))
    if method == "vector":
        begun = None if near is None else np.array([*(near.scale or ()), *(near.bias or ())])
        scale, bias = fit_vector(cases, begun)
        return Calibration(activation, method, scale=tuple(scale.tolist()), bias=tuple(bias.tolist()))
    return Calibration(activation)


def fit_apart(cases: Cases, method: Method, seed: int) -> Fitted:
    """Return one kind of calibration, fitted on all, with what it gives patients that it has not seen."""
    whole = fit_method(cases, method)
    if method == "none":
        return Fitted(whole, whole.apply(cases.logits))
    return Fitted(whole, cross_fitted(cases, partial(fit_method, method=method, near=whole), seed))


def choose_method(cases: Cases, seed: int) -> Method:
    """Return the method that ``auto`` means: the simplest that held-out patients do not speak against.

    A temperature is taken only where its cross-fitted log loss is below that of the plain probabilities by
    more than one standard error of the difference between patients; vector scaling where it is below the one
    taken so far by more than that (the one-standard-error rule of Breiman et al. 1984). On few patients a
    scaling that looks better by chance would make the probabilities of the next ones worse. And where nearly
    all of few patients are answered rightly, any sharpening looks better, for who is answered wrongly has
    not been seen: so a scaling must also be better than nothing with one more patient who is answered wrongly
    as often as rightly (the smoothing of Platt 1999, by patient).
    """
    return _chosen(cases, seed).calibration.method


def _chosen(cases: Cases, seed: int) -> Fitted:
    plain = taken = fit_apart(cases, "none", seed)
    for method in _SCALINGS:
        tried = fit_apart(cases, method, seed)
        upright = min(tried.calibration.scale or (1.0,)) > 0
        if upright and _better(cases, tried, taken) and _better_with_one_more(cases, tried, plain):
            taken = tried
    return taken


def _better(cases: Cases, tried: Fitted, taken: Fitted) -> bool:
    fall = image_losses(cases, taken.held_out) - image_losses(cases, tried.held_out)
    return _surely_positive(group_sums(cases, fall), group_sums(cases))


def _better_with_one_more(cases: Cases, tried: Fitted, plain: Fitted) -> bool:
    """Tell whether it is better than nothing with a patient, too, who is as often answered wrongly."""
    fall = image_losses(cases, plain.held_out) - image_losses(cases, tried.held_out)
    unseen = (_unsure_losses(cases, plain, plain) - _unsure_losses(cases, tried, plain)).mean()
    falls, sizes = group_sums(cases, fall), group_sums(cases)
    return _surely_positive(np.append(falls, unseen * sizes.mean()), np.append(sizes, sizes.mean()))


def _surely_positive(sums: FloatArray, sizes: FloatArray) -> bool:
    mean = linear_ratio(sums, sizes)
    return bool(mean.value > np.sqrt(mean.variance))


def _unsure_losses(cases: Cases, fitted: Fitted, answering: Fitted) -> FloatArray:
    """Return each image's log loss, (n,), if its answer were as often wrong as right.

    Wrong: the second most probable class is the true one; of several classes an image, the other answer is.
    """
    logs = np.log(np.maximum(fitted.held_out, SMALLEST))
    if cases.task != "classify":
        return np.asarray(-(logs + np.log(np.maximum(1 - fitted.held_out, SMALLEST))).mean(axis=1) / 2)
    first_two = np.argsort(-answering.held_out, axis=1, kind="stable")[:, :2]
    return np.asarray(-np.take_along_axis(logs, first_two, axis=1).mean(axis=1))


_SCALINGS: tuple[Method, ...] = ("temperature", "vector")
_ACTIVATIONS: Mapping[str, Activation] = {"classify": "softmax", "multilabel": "sigmoid"}
