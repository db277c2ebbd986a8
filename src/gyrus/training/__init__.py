"""Data sets and module for anybody's own loop, and the fit. The only room that imports Lightning."""

from gyrus.training.classifier import Classifier
from gyrus.training.datamodule import ImageDataModule
from gyrus.training.dataset import ImageDataset
from gyrus.training.devices import pick_device
from gyrus.training.file_pixels import FilePixels
from gyrus.training.fit import FitResult, fit, start_network
from gyrus.training.precision import Precision

__all__ = [
    "Classifier",
    "FilePixels",
    "FitResult",
    "ImageDataModule",
    "ImageDataset",
    "Precision",
    "fit",
    "pick_device",
    "start_network",
]
