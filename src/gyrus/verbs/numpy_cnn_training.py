"""The network, the recipe and the training of ``gyrus learn numpy-cnn``."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data import Manifest, PixelCache
from gyrus.numpy_nn import Epoch, Sequential, fit, layers
from gyrus.numpy_nn.layer import Layer
from gyrus.numpy_nn.optimisers import SGD, one_cycle
from gyrus.runs.atomic import write_text

logger = logging.getLogger("gyrus")

Floats = npt.NDArray[np.float32]

BATCH_SIZE = 64
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
WARM_UP = 0.25
MOST_SHIFT_PX = 1
SEEN_IMAGES, FEWEST_EPOCHS, MOST_EPOCHS = 240_000, 4, 20
_LARGEST_FLAT_PX = (
    28  # where a digit's stroke lies tells which it is; of larger pictures it is learnt by heart
)
_SMALLEST_MAP_PX = 10  # images are halved until their side is at most so long


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one split as numbers.

    Attributes
    ----------
    x : ndarray of float32
        (n, size, size, channels), normalised.
    labels : ndarray of int64
        (n,), indices of classes sorted by name.
    """

    x: Floats
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trained:
    """A network and how it came about; ``mean`` and ``std`` by channel, of pixels in [0, 1]."""

    network: Sequential
    course: list[Epoch]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def small_cnn(side: int, channels: int, num_classes: int, seed: int = 0) -> Sequential:
    """Return the network: convolutions of 3 x 3, halved by pooling; pooled before they are normalised.

    Pooling first leaves a quarter of the numbers to normalise; ReLU and the larger of two numbers may change
    places. Pictures of up to 28 pixels end flattened, larger ones in the mean over space.

    Parameters
    ----------
    side : int
        Height and width of the images, in pixels.
    channels : int
        1 (grey) or 3 (colour).
    """
    shape, width = (side, side, channels), 16
    row: list[Layer] = []
    while side > _SMALLEST_MAP_PX:
        row += [layers.Conv2d(width, padding=1, bias=False), layers.MaxPool2d()]
        row += [layers.BatchNorm(), layers.ReLU()]
        side, width = side // 2, min(2 * width, 64)
    row += [layers.Conv2d(64, padding=1, bias=False), layers.BatchNorm(), layers.ReLU()]
    row += [layers.Flatten() if shape[0] <= _LARGEST_FLAT_PX else layers.GlobalAvgPool()]
    row += [layers.Linear(num_classes)]
    return Sequential(row, shape, random_state=seed)


def epochs_for(images: int) -> int:
    """Return how often so many training images are shown where nobody says it."""
    return min(max(round(SEEN_IMAGES / images), FEWEST_EPOCHS), MOST_EPOCHS)


def train_network(
    manifest: Manifest, pixels: PixelCache, *, epochs: int | None, seed: int, metrics: Path
) -> Trained:
    """Train on the split ``train``; the last epoch is kept, so that nothing is chosen on ``val``.

    Parameters
    ----------
    manifest : Manifest
        With splits and labels.
    pixels : PixelCache
        At the network's size.
    epochs : int, optional
        Default: :func:`epochs_for`.
    metrics : Path
        Gets an epoch a row, as ``metrics.csv`` of every run.
    """
    classes = manifest.classes
    train = raw_pixels(manifest, "train", pixels)
    unit = train.astype(np.float32) / 255
    mean, std = unit.mean(axis=(0, 1, 2), dtype=np.float64), unit.std(axis=(0, 1, 2), dtype=np.float64)
    del unit
    std = np.maximum(std, 1 / 255)  # black images would else be divided by 0
    own, held = (
        Images(normalised(raw_pixels(manifest, split, pixels), mean, std), labels_of(manifest, split))
        for split in ("train", "val")
    )
    network = small_cnn(own.x.shape[1], own.x.shape[3], len(classes), seed)
    epochs = epochs_for(len(own.x)) if epochs is None else epochs

    def told(epoch: Epoch) -> None:
        logger.info(
            "epoch %d of %d: loss %.3f, right %.1f %%; validation %.3f, %.1f %%; %.1f s, %d images a second",
            epoch.number, epochs, epoch.loss, 100 * epoch.accuracy, epoch.val_loss, 100 * epoch.val_accuracy,
            epoch.seconds, len(own.x) / epoch.seconds,
        )  # fmt: skip

    course = fit(
        network,
        own.x,
        own.labels,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        optimiser=SGD(LEARNING_RATE, weight_decay=WEIGHT_DECAY, momentum=MOMENTUM, nesterov=True),
        schedule=one_cycle(WARM_UP),
        augment=lambda images, generator: shifted(images, generator, MOST_SHIFT_PX),
        validation=(held.x, held.labels),
        random_state=seed,
        on_epoch=told,
    )
    write_course(metrics, course)
    return Trained(network, course, tuple(mean.tolist()), tuple(std.tolist()))


def shifted(images: Floats, generator: np.random.Generator, most: int = 2) -> Floats:
    """Move each image by up to ``most`` pixels along both axes; the edge repeats. One gather, no loop."""
    n, height, width, _ = images.shape
    around = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    down, across = generator.integers(0, 2 * most + 1, (2, n, 1, 1))
    rows, columns = np.arange(height)[:, None], np.arange(width)
    return np.asarray(around[np.arange(n)[:, None, None], down + rows, across + columns])


def raw_pixels(manifest: Manifest, split: str, pixels: PixelCache) -> npt.NDArray[np.uint8]:
    """Return the images of a split, uint8 (n, size, size, channels)."""
    rows = pixels.rows_of([row.image_id for row in manifest.select(split)])
    found: npt.NDArray[np.uint8] = pixels.pixels[rows]
    return found


def normalised(
    raw: npt.NDArray[np.uint8],
    mean: Sequence[float] | npt.NDArray[Any],
    std: Sequence[float] | npt.NDArray[Any],
) -> Floats:
    """Return ``(raw / 255 - mean) / std`` in float32, with no larger array on the way."""
    result = raw.astype(np.float32)
    result *= (1 / (255 * np.asarray(std))).astype(np.float32)
    result -= (np.asarray(mean) / np.asarray(std)).astype(np.float32)
    return result


def labels_of(manifest: Manifest, split: str) -> npt.NDArray[np.int64]:
    """Return indices into the classes of the manifest, (n,)."""
    index = {name: number for number, name in enumerate(manifest.classes)}
    return np.array([index[row.label] for row in manifest.select(split)], dtype=np.int64)


def write_course(path: Path, course: Sequence[Epoch]) -> None:
    """Write ``metrics.csv`` with the columns of every run; the learning rate is that of the recipe's peak."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "epoch",
            "stage",
            "train_loss",
            "train_accuracy",
            "val_loss",
            "val_accuracy",
            "learning_rate",
            "seconds",
        ]
    )
    for epoch in course:
        numbers = (
            epoch.loss,
            epoch.accuracy,
            epoch.val_loss,
            epoch.val_accuracy,
            LEARNING_RATE,
            epoch.seconds,
        )
        writer.writerow([epoch.number, "numpy", *(f"{number:.6g}" for number in numbers)])
    write_text(path, buffer.getvalue())
