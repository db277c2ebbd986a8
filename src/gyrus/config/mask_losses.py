"""Options of the loss that a segmentation minimises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.ranges import positive, share
from gyrus.errors import UsageError

MaskLossName = Literal[
    "ce", "weighted_ce", "focal", "dice", "dice_ce", "tversky", "focal_tversky", "boundary", "lovasz"
]


@dataclass(frozen=True, kw_only=True)
class MaskLossOptions:
    """Which loss of masks; ``docs/reference/segmentation-networks.md`` explains each."""

    mask_loss: MaskLossName = "dice_ce"
    """Loss of masks: ce, weighted_ce and focal look at pixels; dice, tversky, focal_tversky and lovasz at the
    overlap; dice_ce is Dice + ce, boundary is Dice + the distance from the border."""
    mask_weights: tuple[float, ...] = ()
    """weighted_ce: weights of the background and each class, with blanks between them; default: inversely to
    their pixels."""
    mask_focal_gamma: float = 2.0
    """focal: how much less pixels count that are answered well; 0 is ce."""
    false_positives: float = 0.3
    """tversky and focal_tversky: weight of a pixel painted in vain; one that is missed has the rest of 1."""
    boundary_weight: float = 1.0
    """boundary: weight of the distance from the border (in sides of the picture) against Dice."""

    def __post_init__(self) -> None:
        """Check the numbers, and that weights are given to the loss that takes them."""
        share(self, "false_positives")
        positive(self, "mask_focal_gamma", "boundary_weight", allow_zero=("mask_focal_gamma",))
        if self.mask_weights and self.mask_loss != "weighted_ce":
            raise UsageError(
                f"mask_weights are given, but mask_loss is {self.mask_loss}",
                fix="add --mask-loss weighted_ce, or leave out --mask-weights",
            )
        if any(not 0 < weight < float("inf") for weight in self.mask_weights):
            raise UsageError(f"mask_weights is {self.mask_weights}; expected numbers above 0")
