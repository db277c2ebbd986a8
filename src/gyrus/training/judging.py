"""How answers are judged, whatever was minimised: the plain loss, and how many of them are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gyrus.training.losses import MultilabelLoss

Judge = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(logits (n, K), targets) -> sums over the images: of the plain losses, and of right answers, each 0-d."""


def judge_classes(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Judge answers of one class an image: cross-entropy, and the most probable class.

    Parameters
    ----------
    logits : Tensor
        (n, K).
    targets : Tensor
        (n,) int64 classes; or (n, K) shares of mixed images, of which the larger is the answer.
    """
    loss = functional.cross_entropy(logits, targets, reduction="sum")
    answers = targets if targets.ndim == 1 else targets.argmax(1)
    return loss, (logits.argmax(1) == answers).sum()


def judge_sets(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Judge answers of any number of classes an image: each class is a question of yes or no.

    Parameters
    ----------
    logits : Tensor
        (n, K).
    targets : Tensor
        (n, K) 1 where the image shows the class; between 0 and 1 for mixed images.

    Returns
    -------
    loss : Tensor
        Sum over the images of the mean binary cross-entropy of their classes.
    right : Tensor
        Sum over the images of the share of classes that are right, from a probability of 0.5 on.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(1).sum()
    right = ((logits >= 0) == (targets >= 0.5)).to(torch.float64).mean(1).sum()
    return loss, right


def judge_of(loss: Any) -> Judge:
    """Return how answers are judged that were trained by a loss."""
    return judge_sets if isinstance(loss, MultilabelLoss) else judge_classes
