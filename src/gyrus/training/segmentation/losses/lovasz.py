"""The Lovász loss: a convex surface over the error sets whose value is that of the Jaccard index.

Berman et al. 2018, The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
Intersection-over-Union Measure in Neural Networks. For one class the hinge form on logits, for several the
softmax form over the classes that the picture shows, the background among them.

Of an empty mask (one class) the hinge form punishes the single highest logit and no other pixel; of one that
is background alone the softmax form looks at the background's plane, again by its worst pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gyrus.training.segmentation.losses.base import MaskLoss, one_hot


class Lovasz(MaskLoss):
    """The Lovász hinge (one class) or Lovász-softmax (several) of each picture."""

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture, (n,)."""
        logits = logits.float()
        truth = one_hot(masks, logits.shape[1]).flatten(2)
        if logits.shape[1] == 1:
            margins = 1.0 - logits.flatten(2) * (2.0 * truth - 1.0)
            return _extension(functional.relu(margins), truth, order=margins)[:, 0]
        errors = (truth - logits.softmax(1).flatten(2)).abs()
        shown = (truth.amax(2) > 0).float()
        return (_extension(errors, truth, order=errors) * shown).sum(1) / shown.sum(1)


def _extension(errors: Tensor, truth: Tensor, *, order: Tensor) -> Tensor:
    """Return (n, planes): errors (n, planes, pixels), largest ``order`` first, times the Jaccard's steps."""
    ranks = order.detach().argsort(2, descending=True)
    return (errors.gather(2, ranks) * _steps(truth.gather(2, ranks))).sum(2)


def _steps(truth: Tensor) -> Tensor:
    """Return by how much each further wrong pixel raises the Jaccard loss: the paper's algorithm 1."""
    total = truth.sum(2, keepdim=True)
    missing = total - truth.cumsum(2)
    union = total + (1.0 - truth).cumsum(2)
    loss = 1.0 - missing / union
    return torch.cat([loss[..., :1], loss[..., 1:] - loss[..., :-1]], dim=2)
