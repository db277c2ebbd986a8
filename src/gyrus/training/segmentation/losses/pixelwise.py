"""Losses that look at pixels one by one: cross-entropy, weighted, focal.

An empty mask is a mask like any other here: every pixel is background, and confident background costs
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gyrus.training.segmentation.losses.base import MaskLoss, one_hot

# the slope of x^gamma at 0 is infinite for a gamma below 1
_SMALLEST_REST = 1e-7


class CrossEntropy(MaskLoss):
    """The mean over pixels of a picture of the cross-entropy, each times its class's weight.

    Parameters
    ----------
    weights : sequence of float, optional
        (K + 1,) weight of background and classes; for one class (2,). The mean divides by the pixels, not by
        their weights, so that a picture without an object is not blown up to the weight of one with it.
    """

    weights: Tensor | None

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        values = None if weights is None else torch.tensor(tuple(weights), dtype=torch.float32)
        self.register_buffer("weights", values, persistent=False)

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture, (n,)."""
        losses = pixel_losses(logits.float(), masks)
        if self.weights is not None:
            present = (masks > 0).long() if logits.shape[1] == 1 else masks.long()
            losses = losses * self.weights[present]
        return losses.mean((1, 2))


class Focal(MaskLoss):
    """Cross-entropy of which pixels that are answered well already count less.

    Lin et al. 2017, Focal Loss for Dense Object Detection: each pixel times (1 - its probability)^gamma.

    Parameters
    ----------
    gamma : float
        0 is the cross-entropy.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture, (n,)."""
        losses = pixel_losses(logits.float(), masks)
        rest = -torch.expm1(-losses)  # the cross-entropy is -log of the true class's probability
        return (losses * rest.clamp_min(_SMALLEST_REST) ** self.gamma).mean((1, 2))


def pixel_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the cross-entropy of each pixel, (n, h, w)."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits, one_hot(masks, 1), reduction="none")[:, 0]
    return functional.cross_entropy(logits, masks.long(), reduction="none")
