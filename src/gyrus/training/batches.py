"""Batches for the fit, straight from the cache of decoded pixels: no file is opened, no worker is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from gyrus.config.balancing import BalanceOptions
from gyrus.data.manifest import Manifest
from gyrus.errors import DataError, GyrusError
from gyrus.training.augmentation import Mixing, Policy, apply, draw, mix, soft_targets
from gyrus.training.draws import permutation
from gyrus.training.moving import to_device
from gyrus.training.preparation import normalise, standardise, to_unit
from gyrus.training.progressive import shrink
from gyrus.training.sampling import epoch_order
from gyrus.training.targets import counts_of, targets_of


class Squares(Protocol):
    """Images (n, side, side, channels), given by their rows: an array, or what reads them from files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, side, side, channels)."""

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> npt.NDArray[np.uint8]:
        """Return the images of some rows."""


class Pixels(Protocol):
    """What the fit needs of a pixel cache."""

    @property
    def pixels(self) -> Squares:
        """(n, side, side, channels) decoded and resized images."""

    def rows_of(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the row of each image."""


class Batch(NamedTuple):
    """Images as they leave the cache.

    Attributes
    ----------
    pixels : Tensor
        (n, side, side, channels) uint8.
    labels : Tensor
        (n,) int64; of several classes an image (n, K) float32.
    numbers : ndarray
        (n,) number of each image in its split, for repeated ones plus a multiple of the split's size (see
        :func:`gyrus.training.sampling.epoch_order`); its random draws depend on it.
    """

    pixels: Tensor
    labels: Tensor
    numbers: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Look:
    """How pixels become the network's input.

    Attributes
    ----------
    mean, std : tuple of float
        (channels of the network,) normalisation.
    per_image : bool
        Whether each image is first brought to mean 0 and spread 1 by itself.
    policy : Policy or None
        Augmentation of training batches; None for none.
    channels_last : bool
        Memory format of the batches.
    strengths : ndarray or None
        (n,) factor on the augmentation's ranges for each training image; see
        :func:`gyrus.training.sampling.draw_strengths`.
    mixing : Mixing or None
        How the images of a training batch are mixed with each other; its labels become shares of classes.
    side : int or None
        Height and width that training images are scaled down to, in pixels; None as they are.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    policy: Policy | None
    channels_last: bool
    strengths: npt.NDArray[np.float64] | None = None
    mixing: Mixing | None = None
    per_image: bool = False
    side: int | None = None


class Loading(NamedTuple):
    """How batches are fetched.

    Attributes
    ----------
    workers : int
        Processes that do it; 0: the process that trains.
    pin_memory : bool
        Whether they go by way of page-locked memory, from which a GPU fetches while it computes.
    """

    workers: int = 0
    pin_memory: bool = False

    def options(self) -> dict[str, Any]:
        """Return them as options of a DataLoader."""
        return {
            "num_workers": self.workers,
            "persistent_workers": self.workers > 0,
            "pin_memory": self.pin_memory,
        }


class SplitPixels(Dataset[Batch]):
    """One split of a manifest; an item is a batch, asked for by the numbers of its images."""

    def __init__(self, manifest: Manifest, split: str, pixels: Pixels) -> None:
        rows = manifest.select(split).rows
        if not rows:
            raise DataError(f"the split {split!r} has no images", fix="let gyrus divide them: --split new")
        unlabelled = [row.image_id for row in rows if not row.label]
        if unlabelled:
            raise DataError(f"{len(unlabelled)} images of {split!r} have no label", details=unlabelled[:10])
        self.labels = targets_of(manifest, rows)
        self._pixels = pixels.pixels
        self._rows = np.asarray(pixels.rows_of([row.image_id for row in rows]), dtype=np.int64)
        self._kept: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self, num_classes: int) -> list[int]:
        """Return the number of images of each class."""
        return counts_of(self.labels, num_classes)

    def __getitem__(self, index: npt.NDArray[np.int64]) -> Batch:
        images = index % len(self)
        if self._kept is not None:
            places = to_device(images, self._kept[0].device)
            return Batch(self._kept[0][places], self._kept[1][places], index)
        pixels = torch.from_numpy(np.ascontiguousarray(self._pixels[self._rows[images]]))
        return Batch(pixels, torch.from_numpy(self.labels[images]), index)

    @property
    def on_device(self) -> bool:
        """Whether pixels and labels lie where they are trained on."""
        return self._kept is not None

    @property
    def size_bytes(self) -> int:
        """What its pixels need."""
        return len(self) * int(np.prod(self._pixels.shape[1:]))

    def keep_on(self, device: torch.device) -> None:
        """Copy pixels and labels to a device, once; batches are then put together there."""
        shape = (len(self), *self._pixels.shape[1:])
        pixels = torch.empty(shape, dtype=torch.uint8, device=device)
        done = 0
        for block in self.blocks(1024):
            pixels[done : done + len(block)].copy_(torch.from_numpy(np.ascontiguousarray(block)))
            done += len(block)
        self._kept = pixels, torch.from_numpy(self.labels).to(device)

    def blocks(self, size: int = 64) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield the pixels (at most ``size``, side, side, channels) of all images, in order."""
        for start in range(0, len(self), size):
            yield self._pixels[self._rows[start : start + size]]


class BatchOrder(Sampler[npt.NDArray[np.int64]]):
    """Numbers of the images of each batch; the order is a function of (seed, epoch).

    Batches differ by one image at most, so that no epoch ends with a batch of one, on which BatchNorm fails.

    Parameters
    ----------
    size : int
        Number of images.
    batch_size : int
        Most images a batch.
    seed : int or None
        None keeps the images in order.
    first_epoch : int
        Epochs of the run before the loop that counts from 0.
    order : callable, optional
        Epoch -> (size,) numbers of its images in order; instead of a permutation drawn with ``seed``.
    skip : int
        Batches at the start that are left out: a resumed epoch has been through them.
    end : int, optional
        Batch before which an epoch ends; by default it goes through all images.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int | None = None,
        *,
        first_epoch: int = 0,
        skip: int = 0,
        order: Callable[[int], npt.NDArray[np.int64]] | None = None,
        end: int | None = None,
    ) -> None:
        self.end = end
        self.order = order
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        self.first_epoch = first_epoch
        self.skip = skip
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch of the loop comes; Lightning calls it before each."""
        self.epoch = self.first_epoch + epoch

    @property
    def whole(self) -> int:
        """Batches of a whole epoch."""
        return -(-self.size // self.batch_size)

    def __len__(self) -> int:
        return (self.whole if self.end is None else self.end) - self.skip

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        yield from np.array_split(self._numbers(), self.whole)[self.skip : self.end]

    def _numbers(self) -> npt.NDArray[np.int64]:
        if self.order is not None:
            return self.order(self.epoch)
        return np.arange(self.size) if self.seed is None else permutation(self.seed, self.epoch, self.size)


class CachedPixels(lightning.LightningDataModule):
    """Training and validation batches from the pixel cache, prepared on the device that trains.

    Parameters
    ----------
    train, val : SplitPixels
        The two splits.
    look : Look
        How pixels become input.
    batch_size : int
        Images a training step.
    seed : int
        Of order and augmentation.
    balance : BalanceOptions, optional
        Which images an epoch shows; by default each once.
    first_epoch, first_step : int
        Where a resumed training, or a later stage, begins: epochs of the run before, and steps of that epoch.
    loading : Loading, optional
        Who fetches the batches; by default the process that trains.

    Attributes
    ----------
    sides : tuple of int
        Side of the training images in each epoch of this loop; empty for images as they are.
    steps : int or None
        Steps after which an epoch ends; None for whole epochs.
    """

    def __init__(
        self,
        train: SplitPixels,
        val: SplitPixels,
        *,
        look: Look,
        batch_size: int,
        seed: int,
        balance: BalanceOptions | None = None,
        first_epoch: int = 0,
        first_step: int = 0,
        loading: Loading | None = None,
    ) -> None:
        super().__init__()
        self.train = train
        self.val = val
        self.look = look
        self.batch_size = batch_size
        self.seed = seed
        self.balance = balance or BalanceOptions()
        self.first_epoch = first_epoch
        self.first_step = first_step
        self.loading = loading or Loading()
        self.sides: tuple[int, ...] = ()
        self.steps: int | None = None

    @property
    def epoch(self) -> int:
        """The running epoch, counted over all stages from 0."""
        return self.first_epoch + (self.trainer.current_epoch if self.trainer is not None else 0)

    @property
    def _side(self) -> int:
        return self.sides[self.epoch - self.first_epoch]

    @property
    def skipped(self) -> int:
        """Steps of the running epoch that were taken before this loop began."""
        return self.first_step if self.epoch == self.first_epoch else 0

    @property
    def steps_an_epoch(self) -> int:
        """Steps of a whole epoch."""
        whole = BatchOrder(len(self.train), self.batch_size).whole
        return whole if self.steps is None else min(self.steps, whole)

    def train_order(self) -> BatchOrder:
        """Return the order in which training images are shown."""
        return BatchOrder(
            len(self.train), self.batch_size, first_epoch=self.first_epoch, skip=self.skipped,
            order=lambda epoch: epoch_order(self.train.labels, epoch, self.seed, self.balance),
            end=self.steps_an_epoch,
        )  # fmt: skip

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return shuffled batches."""
        return self._loader(self.train, self.train_order())

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return batches in order, larger ones: there is no gradient to keep."""
        return self._loader(self.val, BatchOrder(len(self.val), 2 * self.batch_size))

    def _loader(self, split: SplitPixels, order: BatchOrder) -> DataLoader[Batch]:
        dataset: Dataset[Any] = _ErrorsAsItems(split) if self.loading.workers else split
        return DataLoader(
            dataset, sampler=order, batch_size=None, collate_fn=_as_it_is, **self.loading.options()
        )

    def transfer_batch_to_device(
        self, batch: Batch | GyrusError, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move pixels and labels; the numbers of the images stay where the draws are made."""
        if isinstance(batch, GyrusError):
            raise batch
        if device.type == "cuda" and not self.loading.pin_memory:
            return Batch(to_device(batch.pixels, device), to_device(batch.labels, device), batch.numbers)
        return Batch(
            batch.pixels.to(device, non_blocking=self.loading.pin_memory),
            batch.labels.to(device, non_blocking=self.loading.pin_memory),
            batch.numbers,
        )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> tuple[Tensor, Tensor]:
        """Augment, normalise, mix: on the GPU where there is one, for the whole batch at once."""
        trainer = self.trainer
        epoch = self.epoch if trainer is not None and trainer.training else None
        look = self.look if epoch is None or not self.sides else replace(self.look, side=self._side)
        images, targets = augmented(batch, look, seed=self.seed, epoch=epoch), batch.labels
        if epoch is not None and self.look.mixing is not None:
            options, num_classes = self.look.mixing
            targets = soft_targets(targets, num_classes) if targets.ndim == 1 else targets
            # before the normalisation, where a grey image still has one channel
            images, targets = mix(images, targets, self.seed, epoch, int(batch.numbers[0]), options)
        return normalised(images, self.look), targets

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: order and draws are functions of seed and epoch."""
        return {}


def prepare(batch: Batch, look: Look, *, seed: int, epoch: int | None) -> Tensor:
    """Return the network's input (n, channels, side, side); augmented when ``epoch`` is given."""
    return normalised(augmented(batch, look, seed=seed, epoch=epoch), look)


def augmented(batch: Batch, look: Look, *, seed: int, epoch: int | None) -> Tensor:
    """Return images in [0, 1] with the channels of the pixels; as they are when ``epoch`` is None."""
    images = to_unit(batch.pixels)
    if epoch is not None:
        images = shrink(images, look.side)
    if epoch is not None and look.policy is not None:
        strength = None if look.strengths is None else look.strengths[batch.numbers % len(look.strengths)]
        images = apply(images, draw(seed, epoch, batch.numbers, look.policy, strength=strength))
    return images


def normalised(images: Tensor, look: Look) -> Tensor:
    """Return images in [0, 1] as the network takes them."""
    if look.per_image:
        images = standardise(images)
    images = normalise(images, look.mean, look.std)
    return images.contiguous(memory_format=torch.channels_last) if look.channels_last else images


class _ErrorsAsItems(Dataset[Batch | GyrusError]):
    """Hands errors of ours over as items; raised in a worker they would arrive as the text of a traceback."""

    def __init__(self, split: SplitPixels) -> None:
        self._split = split

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: npt.NDArray[np.int64]) -> Batch | GyrusError:
        try:
            return self._split[index]
        except GyrusError as error:
            return error


def _as_it_is(batch: Any) -> Any:
    """Keep the loader from turning the numbers of the images into a tensor."""
    return batch
