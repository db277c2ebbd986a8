"""The same splits as a LightningDataModule, for anybody's own ``lightning.Trainer``."""

from __future__ import annotations

from typing import Any

import lightning
from torch.utils.data import DataLoader

from gyrus.config.options import SplitOptions
from gyrus.data import make_split
from gyrus.data.manifest import Manifest
from gyrus.errors import DataError
from gyrus.training.dataset import ImageDataset, Transform


class ImageDataModule(lightning.LightningDataModule):
    """Loaders of train, validation and test images.

    A manifest that has splits is used as it is. One without is divided: stratified by class, patients and
    identical copies kept together.

    Parameters
    ----------
    manifest : Manifest
        The images. Scan it first (:func:`gyrus.data.scan`) where copies must be found by their pixels.
    batch_size : int
        Images a batch.
    num_workers : int
        Processes that decode; 0 decodes in this one.
    split_options : SplitOptions, optional
        How a manifest without splits is divided.
    transform : callable, optional
        For training images; validation and test images are only resized and normalised.
    **dataset_options
        Passed to :class:`ImageDataset`: ``image_size``, ``color``, ``mean``, ``std``.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        batch_size: int = 32,
        num_workers: int = 0,
        split_options: SplitOptions | None = None,
        transform: Transform | None = None,
        **dataset_options: Any,
    ) -> None:
        super().__init__()
        if not any(row.split for row in manifest):
            manifest = make_split(manifest, split_options or SplitOptions()).manifest
        elif split_options is not None:
            raise DataError(
                "the manifest has splits already, and options for a new one were given",
                fix="leave the options out, or clear the manifest's split column",
            )
        self.manifest = manifest
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.transform = transform
        self.dataset_options = dataset_options

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, sorted; the label is the place in this list."""
        return self.manifest.classes

    def dataset(self, split: str) -> ImageDataset:
        """Return the data set of one split."""
        transform = self.transform if split == "train" else None
        return ImageDataset(self.manifest, split, transform, **self.dataset_options)

    def train_dataloader(self) -> DataLoader[tuple[Any, int]]:
        """Return shuffled training batches."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Any, int]]:
        """Return validation batches in order."""
        return self._loader("val", shuffle=False)

    def test_dataloader(self) -> DataLoader[tuple[Any, int]]:
        """Return test batches in order."""
        return self._loader("test", shuffle=False)

    def _loader(self, split: str, *, shuffle: bool) -> DataLoader[tuple[Any, int]]:
        return DataLoader(
            self.dataset(split),
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )
