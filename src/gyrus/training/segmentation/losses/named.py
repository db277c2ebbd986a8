"""The losses of masks by name, with their options."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gyrus.config.mask_losses import MaskLossOptions
from gyrus.errors import UsageError
from gyrus.training.segmentation.losses.base import MaskLoss
from gyrus.training.segmentation.losses.boundary import Boundary
from gyrus.training.segmentation.losses.lovasz import Lovasz
from gyrus.training.segmentation.losses.overlap import Dice, Tversky
from gyrus.training.segmentation.losses.pixelwise import CrossEntropy, Focal
from gyrus.training.segmentation.losses.sums import SumOf

# Abraham and Khan 2019: 1 / gamma, of a gamma of 4/3
FOCAL_TVERSKY_EXPONENT = 0.75


def make_mask_loss(options: MaskLossOptions, pixel_counts: Sequence[int] | None = None) -> MaskLoss:
    """Return the loss that the options ask for.

    Parameters
    ----------
    options : MaskLossOptions
        ``mask_loss`` and what it takes.
    pixel_counts : sequence of int, optional
        (K + 1,) pixels of background and classes in the training masks, for ``weighted_ce`` without weights
        of its own.

    Raises
    ------
    UsageError
        For ``weighted_ce`` when a class has no pixel, or weights do not fit the classes.
    """
    return _MADE[options.mask_loss](options, pixel_counts)


def _weighted(options: MaskLossOptions, pixel_counts: Sequence[int] | None) -> MaskLoss:
    if options.mask_weights:
        if pixel_counts is not None and len(pixel_counts) != len(options.mask_weights):
            raise UsageError(
                f"mask_weights has {len(options.mask_weights)} numbers; expected {len(pixel_counts)}: "
                "the background's and one for each class",
            )
        return CrossEntropy(options.mask_weights)
    if pixel_counts is None or min(pixel_counts) < 1:
        raise UsageError(
            "weighted_ce weighs classes by their pixels in the training masks; "
            + ("these are not known" if pixel_counts is None else "one class has none"),
            fix="give --mask-weights (background first), or choose --mask-loss dice_ce",
        )
    pixels = sum(pixel_counts)
    return CrossEntropy([pixels / (len(pixel_counts) * count) for count in pixel_counts])


_MADE: dict[str, Callable[[MaskLossOptions, Sequence[int] | None], MaskLoss]] = {
    "ce": lambda _, __: CrossEntropy(),
    "weighted_ce": _weighted,
    "focal": lambda options, _: Focal(options.mask_focal_gamma),
    "dice": lambda _, __: Dice(),
    "dice_ce": lambda _, __: SumOf([(Dice(), 1.0), (CrossEntropy(), 1.0)]),
    "tversky": lambda options, _: Tversky(options.false_positives, 1.0 - options.false_positives),
    "focal_tversky": lambda options, _: Tversky(
        options.false_positives, 1.0 - options.false_positives, FOCAL_TVERSKY_EXPONENT
    ),
    "boundary": lambda options, _: SumOf([(Dice(), 1.0), (Boundary(), options.boundary_weight)]),
    "lovasz": lambda _, __: Lovasz(),
}
