"""How masks are judged after each epoch, whatever was minimised: plain cross-entropy and Dice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gyrus.training.segmentation.answers import Answers, Truth


def judge_masks(answers: Answers, truth: Truth) -> tuple[Tensor, Tensor]:
    """Return sums over the images: of the mean cross-entropy of their pixels, and of their Dice.

    The finest masks alone count; a joint network's class does not. No weight of a class enters, so that
    trainings with different losses can be compared.
    """
    logits, masks = answers.masks[0].float(), truth.masks
    if logits.shape[1] == 1:
        each = functional.binary_cross_entropy_with_logits(
            logits[:, 0], (masks > 0).float(), reduction="none"
        )
    else:
        each = functional.cross_entropy(logits, masks.long(), reduction="none")
    return each.mean((1, 2)).sum(), dice_of(chosen(logits), masks, classes=max(1, logits.shape[1] - 1)).sum()


def chosen(logits: Tensor) -> Tensor:
    """Return the mask that logits (n, planes, h, w) stand for, (n, h, w): above one half, or the largest."""
    return (logits[:, 0] > 0).byte() if logits.shape[1] == 1 else logits.argmax(1).byte()


def dice_of(answers: Tensor, masks: Tensor, *, classes: int) -> Tensor:
    """Return the Dice coefficient of each image, (n,) float64.

    The mean over the classes that the answer or the truth marks (Dice 1945: twice the overlap over the sum of
    the areas); an image in which neither marks anything has 1.

    Parameters
    ----------
    answers, masks : Tensor
        (n, h, w) whole numbers: 0 background, i class i.
    classes : int
        Foreground classes.
    """
    overlaps, areas = [], []
    for number in range(1, classes + 1):
        ours, theirs = answers == number, masks == number
        overlaps.append((ours & theirs).sum((1, 2)))
        areas.append(ours.sum((1, 2)) + theirs.sum((1, 2)))
    overlap, area = torch.stack(overlaps, 1).double(), torch.stack(areas, 1).double()
    there = area > 0
    dice = torch.where(there, 2.0 * overlap / area.clamp_min(1.0), 0.0).sum(1)
    count = there.sum(1)
    return torch.where(count > 0, dice / count.clamp_min(1), 1.0)
