"""Data sets and module for anybody's own loop, and the fit. The only room that imports Lightning."""

from gyrus.training.classifier import Classifier
from gyrus.training.datamodule import ImageDataModule
from gyrus.training.dataset import ImageDataset
from gyrus.training.fit import FitResult, fit, pick_device, start_network
from gyrus.training.precision import Precision

__all__ = [
    "Classifier",
    "FitResult",
    "ImageDataModule",
    "ImageDataset",
    "Precision",
    "fit",
    "pick_device",
    "start_network",
]
