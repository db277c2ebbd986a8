"""How good probabilities are: log loss and calibration error, with intervals over patients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import FloatArray
from gyrus.decision.cases import Cases
from gyrus.metrics.calibration import calibration_error
from gyrus.metrics.intervals import Interval, Linear, linear_ratio, logit_t_interval
from gyrus.metrics.losses import SMALLEST, chance_losses, loss_interval

MOST_BINS, IMAGES_A_BIN = 15, 10


def worth(
    cases: Cases, probabilities: FloatArray, *, confidence: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """Return ``log_loss`` and ``ece`` (debiased) as figures; lower is better.

    Of several classes an image both are over all pairs of an image and a class.
    """
    losses = image_losses(cases, probabilities)
    chance = chance_losses(len(cases.classes))[0] if cases.task == "classify" else math.log(2)
    loss = loss_interval(group_sums(cases, losses), group_sums(cases), chance, confidence)
    sure, right, groups = statements(cases, probabilities)
    bins = min(MOST_BINS, max(sure.size // IMAGES_A_BIN, 1))
    error = calibration_error(sure, right, groups, n_bins=bins, confidence=confidence, seed=seed)
    return {
        "log_loss": shown(loss, f"cluster-robust log-t over {cases.unit}"),
        "ece": shown(error.interval, f"equal-mass bins, debiased, t over {cases.unit}"),
    }


def image_losses(cases: Cases, probabilities: FloatArray) -> FloatArray:
    """Return each image's log loss, (n,), in nats; of several classes the mean over them."""
    if cases.task == "classify":
        own = (probabilities * cases.truth).sum(axis=1)
        return np.asarray(-np.log(np.clip(own, SMALLEST, 1.0)))
    own = np.where(cases.truth, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(own, SMALLEST, 1.0)).mean(axis=1))


def statements(
    cases: Cases, probabilities: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return how sure each statement is, whether it was so, and whose: the first answer, or every pair."""
    if cases.task != "classify":
        return probabilities.ravel(), cases.truth.ravel(), np.repeat(cases.groups, len(cases.classes))
    top = probabilities.argmax(axis=1)
    right = cases.truth[np.arange(len(cases)), top]
    return probabilities.max(axis=1), right, cases.groups


def group_sums(cases: Cases, values: npt.ArrayLike | None = None) -> FloatArray:
    """Return the sum over the images of each patient, (n_groups,); of nothing, their number."""
    weights = None if values is None else np.asarray(values, dtype=np.float64)
    return np.bincount(cases.groups, weights=weights, minlength=cases.n_groups).astype(np.float64)


def share(cases: Cases, hits: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_] | None = None) -> Linear:
    """Return the share of hits (among some of the images), written as a sum over patients."""
    counted = np.ones(len(cases), dtype=bool) if among is None else among
    return linear_ratio(group_sums(cases, hits & counted), group_sums(cases, counted))


def share_figure(cases: Cases, linear: Linear, confidence: float) -> dict[str, Any]:
    """Return a share with its interval as it stands in a card."""
    return shown(logit_t_interval(linear, confidence), f"cluster-robust logit-t over {cases.unit}")


def shown(interval: Interval, method: str) -> dict[str, Any]:
    """Return a figure as it stands in a card; an undefined number is None."""
    numbers = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "method": method,
    }
