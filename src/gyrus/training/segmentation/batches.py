"""Batches of images and masks from their caches, augmented alike on the device that trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gyrus.data.manifest import Manifest
from gyrus.errors import DataError, GyrusError
from gyrus.training.augmentation import apply, apply_to_masks, draw
from gyrus.training.batches import Batch, BatchOrder, CachedPixels, Look, Pixels, SplitPixels, normalised
from gyrus.training.draws import permutation
from gyrus.training.moving import to_device
from gyrus.training.preparation import to_unit
from gyrus.training.sampling import drawn_by_share
from gyrus.training.segmentation.answers import Truth
from gyrus.training.segmentation.patches import Patches, cut


class Masks(Protocol):
    """What the fit needs of a mask cache."""

    @property
    def masks(self) -> npt.NDArray[np.uint8]:
        """(n, side, side) numbers of classes."""

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """(n, K) pixels of each class in each original mask."""

    def rows_of(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the row of each image's mask."""


class SplitMasks(SplitPixels):
    """One split of a manifest with its masks; an item is a batch, asked for by the numbers of its images.

    Parameters
    ----------
    manifest : Manifest
        With splits.
    split : str
        Which of them.
    pixels, masks
        The two caches.
    classes : sequence of str, optional
        Names of the images' classes, for a joint network.

    Attributes
    ----------
    labels : ndarray of int64
        (n,) class of each image; without classes, whether anything is marked in it.
    positive : ndarray of bool
        (n,) whether anything is marked.
    """

    def __init__(
        self, manifest: Manifest, split: str, pixels: Pixels, masks: Masks, classes: Sequence[str] = ()
    ) -> None:
        rows = manifest.select(split).rows
        if not rows:
            raise DataError(f"the split {split!r} has no images", fix="let gyrus divide them: --split new")
        names = [row.image_id for row in rows]
        self._pixels = pixels.pixels
        self._rows = np.asarray(pixels.rows_of(names), dtype=np.int64)
        self._masks = masks.masks
        self._mask_rows = masks.rows_of(names)
        self._kept = None
        self._kept_masks: Tensor | None = None
        self.areas = masks.areas[self._mask_rows]
        side_px = int(np.prod(self._masks.shape[1:]))
        self._original_px = sum((row.width_px or 0) * (row.height_px or 0) or side_px for row in rows)
        self.positive = self.areas.sum(axis=1) > 0
        self.with_class = bool(classes)
        if classes:
            number = {name: index for index, name in enumerate(classes)}
            self.labels = np.array([number[row.label] for row in rows], dtype=np.int64)
        else:
            self.labels = self.positive.astype(np.int64)

    def __getitem__(self, index: npt.NDArray[np.int64]) -> Batch:
        images = index % len(self)
        if self._kept is not None and self._kept_masks is not None:
            places = to_device(images, self._kept_masks.device)
            pixels, masks, labels = (
                tensor[places] for tensor in (self._kept[0], self._kept_masks, self._kept[1])
            )
        else:
            pixels = torch.from_numpy(np.ascontiguousarray(self._pixels[self._rows[images]]))
            masks = torch.from_numpy(np.ascontiguousarray(self._masks[self._mask_rows[images]]))
            labels = torch.from_numpy(self.labels[images])
        truth: Any = Truth(masks, labels if self.with_class else None)
        return Batch(pixels, truth, index)

    def pixels_in_all(self) -> int:
        """Return the pixels of all masks at their original size, marked or not."""
        return self._original_px

    @property
    def size_bytes(self) -> int:
        """What its pixels and masks need."""
        return super().size_bytes + len(self) * int(np.prod(self._masks.shape[1:]))

    def keep_on(self, device: torch.device) -> None:
        """Copy pixels, masks and classes to a device, once; batches are then put together there."""
        super().keep_on(device)
        masks = np.ascontiguousarray(self._masks[self._mask_rows])
        self._kept_masks = torch.from_numpy(masks).to(device)


class CachedMasks(CachedPixels):
    """Training and validation batches for masks.

    Parameters
    ----------
    train, val : SplitMasks
        The two splits.
    positive_share : float, optional
        Share of an epoch's images in which something is marked; by default each image is shown once.
    patches : Patches, optional
        What is cut out of training images.
    **more
        As :class:`gyrus.training.batches.CachedPixels`.
    """

    def __init__(
        self,
        train: SplitMasks,
        val: SplitMasks,
        *,
        positive_share: float | None = None,
        patches: Patches | None = None,
        **more: Any,
    ) -> None:
        super().__init__(train, val, **more)
        self.positive = train.positive.astype(np.int64)
        self.positive_share = positive_share
        self.patches = patches

    def train_order(self) -> BatchOrder:
        """Return the order in which training images are shown."""
        return BatchOrder(
            len(self.train), self.batch_size, first_epoch=self.first_epoch, skip=self.skipped,
            order=lambda epoch: mask_order(self.positive, epoch, self.seed, self.positive_share),
            end=self.steps_an_epoch,
        )  # fmt: skip

    def transfer_batch_to_device(
        self, batch: Batch | GyrusError, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move pixels and masks; the numbers of the images stay where the draws are made."""
        if isinstance(batch, GyrusError):
            raise batch
        truth: Any = batch.labels
        quick = self.loading.pin_memory
        return Batch(to_device(batch.pixels, device), truth.to(device, non_blocking=quick), batch.numbers)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> tuple[Tensor, Tensor]:
        """Augment images and masks alike, cut patches, normalise: for the whole batch at once."""
        training = self.trainer is not None and self.trainer.training
        truth: Any = batch.labels
        images, changed = prepared(
            batch.pixels, truth, batch.numbers, self.look,
            seed=self.seed, epoch=self.epoch if training else None, patches=self.patches,
        )  # fmt: skip
        answer: Any = changed
        return images, answer


def mask_order(
    positive: npt.NDArray[np.int64], epoch: int, seed: int, share: float | None
) -> npt.NDArray[np.int64]:
    """Return the draw numbers of one epoch, (n,); see :func:`gyrus.training.sampling.epoch_order`.

    Parameters
    ----------
    positive : ndarray of int64
        (n,) 1 where something is marked.
    epoch, seed : int
        The same two give the same order.
    share : float or None
        Of the images with anything marked; None: each image once.
    """
    if share is None or positive.min() == positive.max():
        return permutation(seed, epoch, len(positive))
    drawn = drawn_by_share(positive, epoch, seed, np.array([1.0 - share, share]))
    return drawn[permutation(seed, epoch, len(drawn))]


def prepared(
    pixels: Tensor,
    truth: Truth,
    numbers: npt.NDArray[np.int64],
    look: Look,
    *,
    seed: int,
    epoch: int | None,
    patches: Patches | None = None,
) -> tuple[Tensor, Truth]:
    """Return the network's input (n, channels, side, side) and what is true of it.

    With ``epoch`` both are augmented by one draw: what moves the image moves its mask. Without it, they are
    as they lie in the caches, and whole.
    """
    images, masks = to_unit(pixels), truth.masks
    if epoch is not None and look.policy is not None:
        drawn = draw(seed, epoch, numbers, look.policy)
        images, masks = apply(images, drawn), apply_to_masks(masks, drawn)
    if epoch is not None and patches is not None:
        images, masks = cut(images, masks, patches, seed=seed, epoch=epoch, numbers=numbers)
    return normalised(images, look), Truth(masks, truth.classes)
