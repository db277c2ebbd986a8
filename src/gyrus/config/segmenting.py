"""Options of a training for masks (``--task segment``)."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.config.mask_losses import MaskLossOptions
from gyrus.config.ranges import at_least, positive, share
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(MaskLossOptions):
    """How a network for masks is trained; ``docs/reference/segment.md`` explains each."""

    with_class: bool = False
    """Also answer the image's class, from the same encoder (a joint network); needs labels."""
    class_loss_weight: float = 0.3
    """With --with-class: weight of the class's cross-entropy beside the loss of the mask."""
    deep_supervision: bool = False
    """Also judge the decoder's coarser maps while training, each half as heavily as the finer one."""
    mirrored: bool = False
    """Let the finished model answer with the mean over the image and its mirror image, asking twice;
    needs --flips, or another augmentation that mirrors."""
    positive_share: float | None = None
    """Share of the images of an epoch in which something is marked, drawing them more or less often (0.5);
    default: as they are."""
    patch_size: int | None = None
    """Train on squares of this side, in pixels, cut out of the augmented images; default: whole images."""
    patch_positive: float = 0.5
    """With --patch-size: share of the patches that are laid over a marked pixel, where there is one; the rest
    lie anywhere."""

    def __post_init__(self) -> None:
        """Check the numbers, and that no option is given that another one makes idle."""
        MaskLossOptions.__post_init__(self)
        positive(self, "class_loss_weight")
        at_least(self, **({} if self.patch_size is None else {"patch_size": 16}))
        share(self, "patch_positive")
        if self.positive_share is not None and not 0 < self.positive_share < 1:
            raise UsageError(
                f"positive_share is {self.positive_share}; expected a share between 0 and 1",
                fix="for example --positive-share 0.5",
            )
        usual = SegmentOptions
        if self.class_loss_weight != usual.class_loss_weight and not self.with_class:
            raise UsageError("class_loss_weight is given without with_class", fix="add --with-class")
        if self.patch_positive != usual.patch_positive and self.patch_size is None:
            raise UsageError(
                "patch_positive is given without patch_size", fix="add --patch-size, for example 128"
            )
