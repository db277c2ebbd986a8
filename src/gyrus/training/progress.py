"""The progress bar, and one line an epoch that stays."""

from __future__ import annotations

import sys
import time
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint
from tqdm import tqdm


class EpochBar(Checkpoint):
    """One bar over all steps on stderr, with the running loss; above it a line for each finished epoch.

    A ``Checkpoint``, so that Lightning calls it when the epoch's means are known.

    Parameters
    ----------
    show : bool
        False keeps silent.
    """

    def __init__(self, show: bool = True) -> None:
        self.show = show
        self._bar: tqdm[Any] | None = None
        self._loss: torch.Tensor | None = None
        self._interval = 0.5
        self._told = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Open the bar."""
        if not self.show:
            return
        # a log file wants a line now and then, a terminal a moving bar
        self._interval = 0.5 if sys.stderr.isatty() else 15.0
        total = int(trainer.num_training_batches * (trainer.max_epochs or 1))
        self._bar = tqdm(
            total=total, file=sys.stderr, mininterval=self._interval, dynamic_ncols=True, unit="batch"
        )

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Name the epoch."""
        self._loss = None
        if self._bar is not None:
            self._bar.set_description(
                f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", refresh=False
            )

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the bar and smooth the loss."""
        if self._bar is None:
            return
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            value = loss.detach()
            self._loss = value if self._loss is None else torch.lerp(self._loss, value, 0.1)
        # on a GPU reading the loss waits for all work that is queued: no more often than it is shown
        if self._loss is not None and time.monotonic() - self._told >= self._interval:
            self._bar.set_postfix_str(f"loss {float(self._loss):.3f}", refresh=False)
            self._told = time.monotonic()
        self._bar.update()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the epoch's line."""
        if self._bar is None:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        told = [
            f"{split} loss {values[f'{split}_loss']:.3f} {shown}"
            for split in ("train", "val")
            if f"{split}_loss" in values and (shown := _score(values, split))
        ]
        line = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  " + "   ".join(told)
        self._bar.write(line, file=sys.stderr)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Close the bar."""
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Close the bar, so that the error stands on a line of its own."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _score(values: dict[str, float], split: str) -> str:
    if f"{split}_dice" in values:
        return f"Dice {values[f'{split}_dice']:.3f}"
    return f"accuracy {values[f'{split}_accuracy']:.1%}" if f"{split}_accuracy" in values else ""
