"""A loss that is no longer a number: where it happened, what is still good, what to try."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gyrus.errors import UsageError
from gyrus.training.journal import Journal

# on a GPU; each look makes the processor wait until the GPU has caught up
_STEPS_BETWEEN_LOOKS = 50


class _Step(NamedTuple):
    loss: Tensor
    epoch: int
    step: int
    rate: float


class LossWatch:
    """Ends a training whose loss is no longer a number.

    On the CPU each loss is looked at when it comes. On a GPU, where a look waits for all work that is queued,
    they are looked at fifty at a time, and :meth:`check` looks at the rest: before anything is saved, so that
    weights that are no numbers are never written.

    Parameters
    ----------
    journal : Journal, optional
        Tells which weights are still good.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal
        self._unseen: list[_Step] = []

    def see(self, loss: Tensor, epoch: int, step: int, rate: float) -> None:
        """Take the loss of a step (0-d); ``epoch`` and ``step`` count from 1.

        Raises
        ------
        UsageError
            When it, or one before it, is no number.
        """
        self._unseen.append(_Step(loss.detach(), epoch, step, rate))
        if loss.device.type != "cuda" or len(self._unseen) >= _STEPS_BETWEEN_LOOKS:
            self.check()

    def check(self) -> None:
        """Look at all losses that were not looked at yet.

        Raises
        ------
        UsageError
            For the first that is no number.
        """
        if not self._unseen:
            return
        seen, self._unseen = self._unseen, []
        values = torch.stack([step.loss for step in seen]).tolist()
        for value, step in zip(values, seen, strict=True):
            if not math.isfinite(value):
                raise diverged(value, step.epoch, step.step, step.rate, self.journal)


def diverged(loss: float, epoch: int, step: int, rate: float, journal: Journal | None = None) -> UsageError:
    """Return the error; ``epoch`` and ``step`` count from 1."""
    fix = "try a lower --learning-rate, --clip-norm 1, or --precision float32"
    if journal is not None and journal.kept_epoch:
        journal.write_kept()
        fix += f"; the weights of epoch {journal.kept_epoch} are whole in {journal.kept_path}"
    return UsageError(
        f"the loss became {loss} in epoch {epoch}, step {step}, at a learning rate of {rate:.2g}",
        fix=fix,
    )
