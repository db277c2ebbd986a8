"""What every loss of masks is: a number for each picture, and their mean for a batch.

The mean over pictures and not over pixels of the batch: it can be taken in parts (accumulated gradients give
the batch's own), and a picture with a small object counts as much as one with a large object. Everything is
computed in float32, whatever the logits come in: sums over 65,000 pixels in bfloat16 would keep two digits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional


class MaskLoss(nn.Module, ABC):
    """A mean over pictures of what :meth:`per_sample` says of each."""

    @abstractmethod
    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture.

        Parameters
        ----------
        logits : Tensor
            (n, planes, h, w), float32 or bfloat16; 1 plane for one class, K + 1 for K.
        masks : Tensor
            (n, h, w) whole numbers: 0 background, i class i.

        Returns
        -------
        Tensor
            (n,) float32.
        """

    def forward(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the mean over the pictures."""
        return self.per_sample(logits, masks).mean()

    def total(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the sum over the pictures."""
        return self.per_sample(logits, masks).sum()

    def weight_of(self, masks: Tensor) -> Tensor:
        """Return what the sum is divided by: the number of pictures."""
        return torch.full((), float(len(masks)), device=masks.device)


def foreground(logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Return probability and truth of each foreground class at each pixel, (n, K, h, w) float32 both."""
    if logits.shape[1] == 1:
        return logits.float().sigmoid(), (masks[:, None] > 0).float()
    return logits.float().softmax(1)[:, 1:], one_hot(masks, logits.shape[1])[:, 1:]


def one_hot(masks: Tensor, planes: int) -> Tensor:
    """Return (n, planes, h, w) float32, 1 in the plane of a pixel's class; 1 plane: where any class is."""
    if planes == 1:
        return (masks[:, None] > 0).float()
    return functional.one_hot(masks.long(), planes).movedim(-1, 1).float()
