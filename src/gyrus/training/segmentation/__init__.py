"""Training of segmentation networks."""

from gyrus.training.segmentation.checks import DEFAULT_NETWORK, check_not_segment, check_segment
from gyrus.training.segmentation.fit import MaskFit, fit_masks, start_mask_network
from gyrus.training.segmentation.segmenter import Segmenter

__all__ = [
    "DEFAULT_NETWORK",
    "MaskFit",
    "Segmenter",
    "check_not_segment",
    "check_segment",
    "fit_masks",
    "start_mask_network",
]
