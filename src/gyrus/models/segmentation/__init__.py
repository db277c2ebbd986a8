"""Segmentation networks by name, their contract, and their weights."""

from gyrus.models.segmentation.network import SegmentationNetwork, planes_of
from gyrus.models.segmentation.registry import build_segmentation, check_size, is_segmentation
from gyrus.models.segmentation.starting import start_segmentation

__all__ = [
    "SegmentationNetwork",
    "build_segmentation",
    "check_size",
    "is_segmentation",
    "planes_of",
    "start_segmentation",
]
