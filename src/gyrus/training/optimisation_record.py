"""What the options of a training came to: rates, weights of the classes, parts of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.config.train import TrainConfig
from gyrus.training.losses import Loss


def optimisation_record(
    config: TrainConfig,
    loss: Loss,
    classes: Sequence[str],
    *,
    rates: Mapping[str, float],
    parts: Mapping[str, int],
) -> dict[str, Any]:
    """Return how a training was optimised, as plain data for the card.

    Parameters
    ----------
    config : TrainConfig
        All options.
    loss : Loss
        What was minimised.
    classes : sequence of str
        Names, in the order of the loss's weights.
    rates : mapping of str to float
        Peak learning rate of each stage's head.
    parts : mapping of str to int
        In how many parts a batch was taken, by stage; only stages in which memory ended.
    """
    weights = None if loss.weights is None else [round(weight, 6) for weight in loss.weights.tolist()]
    return {
        "optimizer": config.optimizer,
        "learning_rates": dict(rates),
        "rate_found": config.find_rate,
        "weight_decay": config.decay,
        "schedule": config.schedule,
        "ema": config.ema,
        "clip_norm": config.clip_norm,
        "batch_size": config.batch_size,
        "parts": dict(parts),
        "loss": "binary cross-entropy" if loss.one_logit and not loss.gamma else config.loss,
        "focal_gamma": loss.gamma,
        "label_smoothing": loss.label_smoothing,
        "class_weights": None if weights is None else dict(zip(classes, weights, strict=True)),
        "sampler": config.sampler,
        "minority_augmentation": config.minority_augmentation,
    }
