"""The numbers of a scaling: Newton's method on the log loss, held near the identity by a weak prior.

The loss is convex in what is fitted (the inverse temperature; scales and biases), so Newton's steps with
halving find its one minimum. The images' mean loss counts as often as there are patients, and a normal prior
of spread 1 about "leave the logits as they are" counts once: slices of one patient are no independent
witnesses, and where every calibration image is right the plain maximum would make a network infinitely sure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gyrus.decision.activations import PROBABILITIES, FloatArray
from gyrus.decision.cases import Cases

_STEPS, _HALVINGS, _SMALL = 100, 40, 1e-10
Loss = tuple[float, FloatArray, FloatArray]
"""Value, gradient and Hessian."""


def fit_temperature(cases: Cases, near: float = 1.0) -> float:
    """Return the temperature that the logits are divided by (Guo et al. 2017); ``near``: where to begin."""
    lowest = 1e-3  # an inverse temperature of nothing would forget the logits

    def loss(at: FloatArray) -> Loss:
        value, slope, bend = _in_scaled(cases, at[0] * cases.logits)
        gradient = np.array([(slope * cases.logits).sum()])
        curve = np.array([[_bent(bend, cases.logits, cases.logits).sum()]])
        return _with_prior(cases, at, np.array([1.0]), (value, gradient, curve))

    return 1.0 / max(float(minimise(loss, np.array([1.0 / near]))[0]), lowest)


def fit_vector(cases: Cases, near: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Return a scale and a bias for each class (vector scaling, Guo et al. 2017; with sigmoid Platt 1999).

    Parameters
    ----------
    cases : Cases
    near : ndarray, shape (2 * n_classes,), optional
        Scales and biases to begin with: those of a fit on nearly the same cases halve the steps.
    """
    n_classes = len(cases.classes)
    identity = np.concatenate([np.ones(n_classes), np.zeros(n_classes)])

    def loss(at: FloatArray) -> Loss:
        value, slope, bend = _in_scaled(cases, cases.logits * at[:n_classes] + at[n_classes:])
        gradient = np.concatenate([(slope * cases.logits).sum(axis=0), slope.sum(axis=0)])
        parts = [cases.logits, np.ones_like(cases.logits)]
        curve = np.block([[_bent(bend, one, other) for other in parts] for one in parts])
        return _with_prior(cases, at, identity, (value, gradient, curve))

    found = minimise(loss, identity if near is None else near)
    return found[:n_classes], found[n_classes:]


def minimise(loss: Callable[[FloatArray], Loss], start: FloatArray) -> FloatArray:
    """Return the minimum of a convex function by Newton's method, each step halved until it descends."""
    at = start
    value, gradient, curve = loss(at)
    for _ in range(_STEPS):
        step = np.linalg.solve(curve, -gradient)
        promised = -float(gradient @ step)
        if promised < _SMALL:
            return at
        for _ in range(_HALVINGS):
            tried = loss(at + step)
            if tried[0] <= value - 1e-4 * promised:
                break
            step, promised = step / 2, promised / 2
        else:
            return at  # no descent left within rounding
        at, (value, gradient, curve) = at + step, tried
    return at


def _in_scaled(cases: Cases, scaled: FloatArray) -> tuple[float, FloatArray, tuple[str, FloatArray]]:
    """Return the summed log loss, its derivative by the scaled logits, and what the second one needs."""
    truth = cases.truth.astype(np.float64)
    activation = "softmax" if cases.task == "classify" else "sigmoid"
    probs = PROBABILITIES[activation](scaled)
    if activation == "softmax":
        highest = scaled.max(axis=1)
        total = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        value = float(total.sum() - (scaled * truth).sum())
    else:
        value = float((np.logaddexp(0.0, scaled) - scaled * truth).sum())
    return value, probs - truth, (activation, probs)


def _bent(bend: tuple[str, FloatArray], one: FloatArray, other: FloatArray) -> FloatArray:
    """Return a (n_classes, n_classes) block of the Hessian: by ``one`` of a class, ``other`` of another."""
    activation, probs = bend
    if activation == "sigmoid":
        return np.diag((probs * (1 - probs) * one * other).sum(axis=0))
    crossed = (probs * one).T @ (probs * other)
    return np.asarray(np.diag((probs * one * other).sum(axis=0)) - crossed)


def _with_prior(cases: Cases, at: FloatArray, centre: FloatArray, loss: Loss) -> Loss:
    """Return the loss an image times the number of patients, and the prior's part."""
    weight, away = cases.n_groups / len(cases), at - centre
    value, gradient, curve = loss
    return (
        weight * value + float(away @ away) / 2,
        weight * gradient + away,
        weight * curve + np.eye(at.size),
    )
