"""What the probabilities are worth, beyond the answer that stands first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.evaluation.figures import Figures
from gyrus.evaluation.scored import BoolArray, Scored
from gyrus.metrics.calibration import Bin, calibration_error, reliability
from gyrus.metrics.losses import (
    SMALLEST,
    brier_losses,
    chance_losses,
    log_losses,
    loss_interval,
    ranks_of_truth,
)
from gyrus.metrics.undefined import FloatArray

MOST_BINS, IMAGES_A_BIN, HIGHEST_RANK = 15, 10, 5


def loss_figures(figures: Figures) -> dict[str, Any]:
    """Return ``log_loss`` and ``brier``; lower is better."""
    n_classes = len(figures.classes)
    log_chance, brier_chance = chance_losses(n_classes)
    brier = brier_losses(figures.y_true, figures.y_prob)
    return {
        "log_loss": shown_loss(figures, log_losses(figures.y_true, figures.y_prob), log_chance),
        "brier": shown_loss(figures, brier, brier_chance, largest=1.0 if n_classes == 2 else 2.0),
    }


def shown_loss(
    scored: Scored, losses: FloatArray, chance: float, *, largest: float = np.inf
) -> dict[str, Any]:
    """Return a mean loss as it stands in JSON, given that of every image.

    An interval ends at ``largest``, which no loss exceeds.
    """
    images = scored.sums(np.ones(scored.n_images))
    interval = loss_interval(scored.sums(losses), images, chance, scored.confidence)
    ends = replace(interval, high=min(interval.high, largest)) if interval.high > largest else interval
    return scored.shown(ends, "cluster-robust log-t")


def loss_notes(figures: Figures) -> list[str]:
    """Return a sentence when a probability of 0 was given to what was true."""
    count = int((figures.y_prob[figures.truth] <= 0).sum())
    if not count:
        return []
    return [
        f"{count} images gave their own class the probability 0; the log loss counts {SMALLEST:.1e} there"
    ]


def calibration_of_answers(figures: Figures, seed: int) -> dict[str, Any]:
    """Return ``ece`` and ``reliability`` of the answer that stands first."""
    right = figures.y_prob.argmax(axis=1) == figures.y_true
    return calibration_figures(figures, figures.y_prob.max(axis=1), right, figures.groups, seed)


def calibration_figures(
    scored: Scored, sure: FloatArray, right: BoolArray, groups: npt.NDArray[np.int64], seed: int
) -> dict[str, Any]:
    """Return ``ece`` and ``reliability`` of any statements.

    Parameters
    ----------
    sure : ndarray, shape (m,)
        Probability of each statement.
    right : ndarray of bool, shape (m,)
        Whether it was so.
    groups : ndarray of int64, shape (m,)
    """
    n_bins = min(MOST_BINS, max(sure.size // IMAGES_A_BIN, 1))
    error = calibration_error(sure, right, groups, n_bins=n_bins, confidence=scored.confidence, seed=seed)
    bins = reliability(sure, right, groups, n_bins=n_bins, confidence=scored.confidence)
    ece = scored.shown(error.interval, "equal-mass bins, debiased, t")
    return {
        "ece": {**ece, "plain": error.plain, "bins": error.bins},
        "reliability": {"bins": [_shown_bin(scored, one) for one in bins]},
    }


def top_k_figures(figures: Figures) -> dict[str, Any]:
    """Return how often the true class is among the first k; k from 2 to 5, below the number of classes."""
    ranks = ranks_of_truth(figures.y_true, figures.y_prob)
    highest = min(HIGHEST_RANK, len(figures.classes) - 1)
    return {str(k): figures.share(ranks < k) for k in range(2, highest + 1)}


def _shown_bin(scored: Scored, one: Bin) -> dict[str, Any]:
    return {
        "lowest": one.lowest,
        "highest": one.highest,
        "confidence": one.confidence,
        "share": scored.shown(one.share, "cluster-robust logit-t"),
        "images": one.images,
    }
