"""The LightningModule: a network, its loss, its optimiser and schedule."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional

from gyrus.errors import UsageError


class Classifier(lightning.LightningModule):
    """Trains any network that maps images to logits.

    Usable with a plain ``lightning.Trainer`` and any loader of ``(images, labels)``. It logs, once an epoch,
    ``train_loss`` and ``train_accuracy`` (on the batches as they were trained on), ``val_loss`` and
    ``val_accuracy``, ``learning_rate`` (mean of the epoch's steps) and ``seconds``. Both losses are the plain
    mean cross-entropy, without class weights and smoothing, so that the two can be compared.

    Parameters
    ----------
    network : nn.Module
        (batch, channels, height, width) -> logits (batch, num_classes).
    learning_rate : float
        Peak of the schedule.
    weight_decay : float
        AdamW's (Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization); biases and norms are
        spared.
    warmup_epochs : float
        Epochs of linear warm-up, before a cosine down to zero.
    class_weights : sequence of float, optional
        (num_classes,) weight of each class in the loss.
    label_smoothing : float
        Share of the target spread over the other classes.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        *,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        warmup_epochs: float = 1.0,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["network", "class_weights"])
        self.network = network
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_epochs = warmup_epochs
        self.label_smoothing = label_smoothing
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights, persistent=False)
        self._epoch_began = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, num_classes)."""
        logits: Tensor = self.network(x)
        return logits

    def on_train_epoch_start(self) -> None:
        """Note the time."""
        self._epoch_began = time.perf_counter()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss that is minimised.

        Raises
        ------
        UsageError
            When the loss is no longer a number.
        """
        images, labels = batch
        logits = self(images).float()
        loss = functional.cross_entropy(
            logits, labels, weight=self.class_weights, label_smoothing=self.label_smoothing
        )
        if not torch.isfinite(loss):
            raise UsageError(
                f"the loss became {loss.item()} in epoch {self.current_epoch + 1}, step {batch_idx + 1}, "
                f"at a learning rate of {self._current_rate():.2g}",
                fix="try a lower --learning-rate, or --precision float32",
            )
        self._log_metrics("train", logits.detach(), labels)
        self.log("learning_rate", self._current_rate(), on_step=False, on_epoch=True, batch_size=1)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log loss and accuracy of a validation batch."""
        images, labels = batch
        self._log_metrics("val", self(images).float(), labels)

    def on_train_epoch_end(self) -> None:
        """Log how long the epoch took, its validation included."""
        self.log("seconds", time.perf_counter() - self._epoch_began)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW with linear warm-up and cosine decay, a step at a time."""
        decayed = [parameter for parameter in self.parameters() if parameter.ndim > 1]
        spared = [parameter for parameter in self.parameters() if parameter.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.weight_decay},
            {"params": spared, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self.learning_rate)
        total = self.trainer.estimated_stepping_batches
        epochs = self.trainer.max_epochs or 0
        warmup = self.warmup_epochs * total / epochs if epochs > 0 else 0.0
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: warmup_cosine(step, warmup, total)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _log_metrics(self, split: str, logits: Tensor, labels: Tensor) -> None:
        values: dict[str, Any] = {
            f"{split}_loss": functional.cross_entropy(logits, labels),
            f"{split}_accuracy": (logits.argmax(1) == labels).float().mean(),
        }
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))

    def _current_rate(self) -> float:
        optimizer = self.trainer.optimizers[0]
        return float(optimizer.param_groups[0]["lr"])


def warmup_cosine(step: int, warmup: float, total: float) -> float:
    """Return the share of the peak learning rate at ``step`` of ``total``, from 0.

    It rises linearly over ``warmup`` steps (at most half of all) and falls as a half cosine to zero; it stays
    at 1 when the training has no set end.
    """
    warmup = min(warmup, total / 2)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if math.isinf(total):
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warmup) / (total - warmup))))


def balanced_weights(labels: Sequence[int], num_classes: int) -> list[float]:
    """Return weights inverse to the number of images of each class, with mean 1 over the images.

    Raises
    ------
    ZeroDivisionError
        When a class has no image; the fit refuses that before.
    """
    counts = [0] * num_classes
    for label in labels:
        counts[label] += 1
    return [len(labels) / (num_classes * count) for count in counts]
