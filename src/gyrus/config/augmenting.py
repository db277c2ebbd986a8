"""Options of the augmentation: by which policy training images are varied, and what is added to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.ranges import positive, share
from gyrus.errors import UsageError

MAX_ALPHA = 16.0  # above, Beta(alpha, alpha) is a spike at one half: every pair is mixed alike


@dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """How training images are varied."""

    augmentation: Literal[
        "brain-mri", "chest-xray", "ct", "pathology", "retina", "natural", "digits", "none"
    ] = "brain-mri"
    """Policy, by the kind of picture; only pathology and natural mirror. Each one's ranges stand in
    docs/reference/augmentation.md."""
    flips: bool = False
    """Also mirror left and right, half of the images; for sets in which the side tells nothing."""
    mixup: float = 0.0
    """Blend pairs of training images and their targets: alpha of the Beta distribution (0.2); 0: none."""
    cutmix: float = 0.0
    """Paste a rectangle of one training image into another, targets by area: alpha (1.0); 0: none. It can
    cover a lesion. With mixup as well each step takes one of the two."""
    erasing: float = 0.0
    """Share of the training images in which a rectangle is erased (0.25); it can cover a lesion; 0: none."""
    show_augmentation: bool = False
    """Draw originals and their augmented copies into augmentation.png in the run folder, count the draws that
    lose a lesion where the manifest has masks, and stop before the training."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        positive(self, "mixup", "cutmix", allow_zero=("mixup", "cutmix"))
        share(self, "erasing")
        if max(self.mixup, self.cutmix) > MAX_ALPHA:
            raise UsageError(
                f"mixup is {self.mixup} and cutmix {self.cutmix}; expected an alpha up to {MAX_ALPHA:g}",
                fix="usual are 0.2 (mixup) and 1.0 (cutmix)",
            )
