"""The loop: batches in a new order every epoch, forward, loss, backward, step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn.layer import Array
from gyrus.numpy_nn.losses import check_labels, softmax_cross_entropy
from gyrus.numpy_nn.network import Sequential
from gyrus.numpy_nn.optimisers import Optimiser, Schedule, constant

Loss = Callable[[Array, Any], tuple[float, Array]]
Change = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images: mean loss and accuracy while it went, and where asked afterwards."""

    number: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def fit(
    network: Sequential,
    x: Array,
    labels: npt.NDArray[np.integer[Any]],
    *,
    epochs: int,
    optimiser: Optimiser,
    batch_size: int = 64,
    schedule: Schedule = constant,
    loss: Loss = softmax_cross_entropy,
    augment: Change | None = None,
    validation: tuple[Array, npt.NDArray[np.integer[Any]]] | None = None,
    random_state: int = 0,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train a classifier.

    Parameters
    ----------
    x : ndarray
        (n, *network.input_shape), the network's type.
    labels : ndarray of int
        (n,), from 0 to classes - 1.
    augment : callable, optional
        Changes a batch: (images, generator) -> images.
    validation : tuple, optional
        Images and labels that are answered after every epoch.
    random_state : int
        Orders the images and drives ``augment``.
    on_epoch : callable, optional
        Told each epoch as it ends.

    Raises
    ------
    DataError
        For images or labels that do not fit, or a loss that is no longer a number.
    """
    if len(x) == 0 or epochs < 1 or batch_size < 1:
        raise UsageError(f"nothing to do: {len(x)} images, epochs {epochs}, batch_size {batch_size}")
    check_labels(labels, (len(x), network.output_shape[0]))
    generator = np.random.default_rng(random_state)
    layers, course = list(network.inside()), []
    total, done = epochs * -(-len(x) // batch_size), 0
    for number in range(1, epochs + 1):
        began, order = time.perf_counter(), generator.permutation(len(x))
        loss_sum, right = 0.0, 0
        for start in range(0, len(x), batch_size):
            chosen = order[start : start + batch_size]
            images, wanted = x[chosen], labels[chosen]
            logits = network.forward(images if augment is None else augment(images, generator), training=True)
            value, gradient = loss(logits, wanted)
            if not np.isfinite(value):
                raise DataError(f"the loss is {value} in epoch {number}", fix="a lower learning rate")
            network.backward(gradient)
            optimiser.step(layers, schedule(done / total))
            done += 1
            loss_sum += value * len(chosen)
            right += int((logits.argmax(axis=1) == wanted).sum())
        val_loss, val_accuracy = _judge(network, validation, loss)
        seconds = time.perf_counter() - began
        course.append(Epoch(number, loss_sum / len(x), right / len(x), val_loss, val_accuracy, seconds))
        if on_epoch is not None:
            on_epoch(course[-1])
    return course


def shifted(images: Array, generator: np.random.Generator, most: int = 2) -> Array:
    """Move each image by up to ``most`` pixels along both axes; the edge repeats. One gather, no loop."""
    n, height, width, _ = images.shape
    around = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    down, across = generator.integers(0, 2 * most + 1, (2, n))
    rows = (down[:, None] + np.arange(height))[:, :, None]
    columns = (across[:, None] + np.arange(width))[:, None, :]
    result: Array = around[np.arange(n)[:, None, None], rows, columns]
    return result


def _judge(network: Sequential, validation: tuple[Array, Any] | None, loss: Loss) -> tuple[float, float]:
    if validation is None:
        return float("nan"), float("nan")
    logits = network.predict_logits(validation[0])
    return loss(logits, validation[1])[0], float((logits.argmax(axis=1) == validation[1]).mean())
