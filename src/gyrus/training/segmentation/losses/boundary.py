"""The boundary loss: how far from the true contour probability lies, against what overlap cannot see.

Kervadec et al. 2019, Boundary Loss for Highly Unbalanced Segmentation: the mean over pixels of probability
times the signed distance to the object's border, negative inside. It has no use of its own (an empty answer
is nearly as good as any), so it goes together with the Dice loss. Distances here are in sides of the picture,
so that a weight means the same at every image size.

Of an empty mask, or one that fills the picture, there is no border: the term is 0, and the Dice loss speaks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gyrus.training.segmentation.losses.base import MaskLoss, foreground


class Boundary(MaskLoss):
    """The mean over pixels and classes of probability times signed distance; alone it is no whole loss."""

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the term of each picture, (n,)."""
        probability, truth = foreground(logits, masks)
        return (probability * signed_distance(truth > 0)).mean((1, 2, 3))


@torch.no_grad()
def signed_distance(truth: Tensor) -> Tensor:
    """Return how far each pixel is from the other side of the border, in longer sides of the picture.

    Parameters
    ----------
    truth : Tensor
        (..., h, w) bool.

    Returns
    -------
    Tensor
        (..., h, w) float32: outside the distance to the nearest pixel of the object, inside the negated
        distance to the nearest one outside, less one pixel so that the border itself is 0 (as in the paper's
        code); 0 everywhere where there is no border.
    """
    side = max(truth.shape[-2:])
    border = truth.flatten(-2).any(-1) & ~truth.flatten(-2).all(-1)
    outside, inside = distance_to(truth), distance_to(~truth)
    signed = torch.where(truth, 1.0 - inside, outside)
    return torch.where(border[..., None, None], signed, torch.zeros(())) / side


@torch.no_grad()
def distance_to(points: Tensor) -> Tensor:
    """Return the Euclidean distance of each pixel to the nearest of ``points`` (..., h, w) bool, in pixels.

    Exact; down the columns first, then along the rows over squared distances, the nearest offsets first and
    only as far as any distance could still be beaten (Saito and Toriwaki 1994). Longer than every distance
    where there is no point.
    """
    height, width = points.shape[-2:]
    far = float(height + width)
    down = _along_columns(points, far).square()
    best = down.clone()
    for offset in range(1, width):
        step = float(offset * offset)
        if step >= float(best.max()):
            break
        torch.minimum(best[..., offset:], down[..., :-offset] + step, out=best[..., offset:])
        torch.minimum(best[..., :-offset], down[..., offset:] + step, out=best[..., :-offset])
    return best.sqrt()


def _along_columns(points: Tensor, far: float) -> Tensor:
    """Return the distance to the nearest point above or below, in the same column."""
    height = points.shape[-2]
    rows = torch.arange(height, device=points.device, dtype=torch.float32)[:, None]
    above = torch.where(points, rows, -far).cummax(-2).values
    below = torch.where(points, rows, height - 1 + far).flip(-2).cummin(-2).values.flip(-2)
    return torch.minimum(rows - above, below - rows).clamp_max(far)
