"""What the options of a training came to: rates, weights of the classes, parts of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.config.train import TrainConfig
from gyrus.training.losses import Loss, MultilabelLoss


def optimisation_record(
    config: TrainConfig,
    loss: Loss | MultilabelLoss,
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
    loss : Loss or MultilabelLoss
        What was minimised.
    classes : sequence of str
        Names, in the order of the loss's weights.
    rates : mapping of str to float
        Peak learning rate of each stage's head.
    parts : mapping of str to int
        In how many parts a batch was taken, by stage; only stages in which memory ended.
    """
    several = isinstance(loss, MultilabelLoss)
    given = loss.positive_weights if isinstance(loss, MultilabelLoss) else loss.weights
    weights = None if given is None else [round(weight, 6) for weight in given.tolist()]
    binary = several or (isinstance(loss, Loss) and loss.one_logit)
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
        "loss": "binary cross-entropy" if binary and not loss.gamma else config.loss,
        "focal_gamma": loss.gamma,
        "label_smoothing": loss.label_smoothing,
        "class_weights": None if weights is None else dict(zip(classes, weights, strict=True)),
        "sampler": config.sampler,
        "minority_augmentation": config.minority_augmentation,
    }
