"""Losses made of others: a weighted sum, and the same loss at several resolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gyrus.training.segmentation.losses.base import MaskLoss


class SumOf(MaskLoss):
    """The weighted sum of losses, each as it stands.

    Parameters
    ----------
    parts : sequence of (MaskLoss, float)
        Losses and their weights.
    """

    def __init__(self, parts: Sequence[tuple[MaskLoss, float]]) -> None:
        super().__init__()
        self.losses = nn.ModuleList(loss for loss, _ in parts)
        self.factors = tuple(factor for _, factor in parts)

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture, (n,)."""
        each = [
            factor * loss.per_sample(logits, masks)  # type: ignore[operator]
            for loss, factor in zip(self.losses, self.factors, strict=True)
        ]
        return torch.stack(each).sum(0)


class DeepSupervision(nn.Module):
    """A loss at every resolution that a network answers at, each coarser one half as heavy as the finer.

    Lee et al. 2015, Deeply-Supervised Nets; the weights, which add up to 1, as Isensee et al. 2021 (nnU-Net).
    A coarse cell's truth is the class of the pixel at its middle. One resolution: the loss itself.

    Parameters
    ----------
    loss : MaskLoss
        At each resolution.
    """

    def __init__(self, loss: MaskLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: Sequence[Tensor], masks: Tensor) -> Tensor:
        """Return the mean over the pictures."""
        return self.total(logits, masks) / self.weight_of(masks)

    def total(self, logits: Sequence[Tensor], masks: Tensor) -> Tensor:
        """Return the sum over the pictures; ``logits`` as ``SegmentationNetwork.forward_deep`` gives them."""
        factors = [0.5**level for level in range(len(logits))]
        sums = [
            factor / sum(factors) * self.loss.total(level, at_size(masks, level.shape[-2:]))
            for factor, level in zip(factors, logits, strict=True)
        ]
        return torch.stack(sums).sum()

    def weight_of(self, masks: Tensor) -> Tensor:
        """Return what the sum is divided by: the number of pictures."""
        return self.loss.weight_of(masks)


def at_size(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Return masks (n, h, w) at a coarser size that divides theirs: the pixel at the middle of each cell."""
    down, across = masks.shape[1] // size[0], masks.shape[2] // size[1]
    return masks[:, down // 2 :: down, across // 2 :: across]
