"""Losses of overlap, for objects of few pixels: Dice, Tversky, focal Tversky.

Each is computed for every picture and foreground class from its true positives, false positives and false
negatives, in probabilities; a picture's loss is the mean over its classes. ``SMOOTH`` pixels are added above
and below the line. So an empty mask has a loss too, s / (s + SMOOTH) of the (weighted) sum s of the
probabilities: 0 where nothing is painted, near 1 where much is, with a slope that pushes down what little is
left.
"""

from __future__ import annotations

from torch import Tensor

from gyrus.training.segmentation.losses.base import MaskLoss, foreground

SMOOTH = 1.0  # pixels


class Tversky(MaskLoss):
    """One minus the Tversky index: Salehi et al. 2017, Tversky Loss Function for Image Segmentation.

    Parameters
    ----------
    false_positives, false_negatives : float
        Weight of either kind of wrong pixel against a right one. Half and half is the Dice loss.
    exponent : float
        Of the whole; below 1 it raises the share of pictures that are nearly right (Abraham and Khan 2019, A
        Novel Focal Tversky Loss, take 3/4).
    """

    def __init__(self, false_positives: float, false_negatives: float, exponent: float = 1.0) -> None:
        super().__init__()
        self.false_positives = false_positives
        self.false_negatives = false_negatives
        self.exponent = exponent

    def per_sample(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of each picture, (n,)."""
        share = 1.0 - self._index(*foreground(logits, masks))
        if self.exponent != 1.0:
            # the slope of x^0.75 at 0 is infinite
            share = share.clamp_min(_SMALLEST) ** self.exponent
        return share.mean(1)

    def _index(self, probability: Tensor, truth: Tensor) -> Tensor:
        hit = (probability * truth).sum((2, 3))
        wrong = self.false_positives * (probability.sum((2, 3)) - hit)
        missed = self.false_negatives * (truth.sum((2, 3)) - hit)
        return (hit + SMOOTH / 2) / (hit + wrong + missed + SMOOTH / 2)


class Dice(Tversky):
    """One minus the Dice coefficient of probabilities: Milletari et al. 2016, V-Net."""

    def __init__(self) -> None:
        super().__init__(0.5, 0.5)


_SMALLEST = 1e-6
