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

Labels = npt.NDArray[np.integer[Any]]


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
    network: Sequential, x: Array, labels: Labels, *, epochs: int, optimiser: Optimiser, batch_size: int = 64,
    schedule: Schedule = constant, loss: Callable[[Array, Any], tuple[float, Array]] = softmax_cross_entropy,
    augment: Callable[[Array, np.random.Generator], Array] | None = None,
    validation: tuple[Array, Labels] | None = None, random_state: int = 0,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:  # fmt: skip
    """Train a classifier on ``x`` (n, *network.input_shape) and labels (n,) from 0 to classes - 1.

    ``augment`` changes a batch, ``validation`` is answered after every epoch, which ``on_epoch`` is told;
    ``random_state`` orders the images and drives ``augment``.

    Raises DataError for images or labels that do not fit, or a loss that is no longer a number.
    """
    x, labels = np.asarray(x), np.asarray(labels)
    if len(x) == 0 or epochs < 1 or batch_size < 1:
        raise UsageError(f"nothing to do: {len(x)} images, epochs {epochs}, batch_size {batch_size}")
    check_labels(labels, (len(x), network.output_shape[0]))
    generator, layers, course = np.random.default_rng(random_state), list(network.inside()), []
    starts = range(0, len(x), batch_size)
    for number in range(epochs):
        began, order = time.perf_counter(), generator.permutation(len(x))
        loss_sum, right = 0.0, 0
        for batch, start in enumerate(starts):
            chosen = order[start : start + batch_size]
            images, wanted = x[chosen], labels[chosen]
            logits = network.forward(augment(images, generator) if augment else images, training=True)
            value, gradient = loss(logits, wanted)
            if not np.isfinite(value):
                raise DataError(f"the loss is {value} in epoch {number + 1}", fix="a lower learning rate")
            network.backward(gradient)
            optimiser.step(layers, schedule((number + batch / len(starts)) / epochs))
            loss_sum += value * len(chosen)
            right += int((logits.argmax(axis=1) == wanted).sum())
        val_loss = val_accuracy = float("nan")
        if validation is not None:
            logits = network.predict_logits(validation[0])
            val_loss, _ = loss(logits, validation[1])
            val_accuracy = float((logits.argmax(axis=1) == validation[1]).mean())
        seconds = time.perf_counter() - began
        course.append(Epoch(number + 1, loss_sum / len(x), right / len(x), val_loss, val_accuracy, seconds))
        if on_epoch:
            on_epoch(course[-1])
    return course
