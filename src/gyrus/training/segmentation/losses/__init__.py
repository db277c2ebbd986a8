"""Losses of masks by name."""

from gyrus.training.segmentation.losses.base import MaskLoss
from gyrus.training.segmentation.losses.named import make_mask_loss
from gyrus.training.segmentation.losses.sums import DeepSupervision

__all__ = ["DeepSupervision", "MaskLoss", "make_mask_loss"]
