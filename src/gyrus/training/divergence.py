"""A loss that is no longer a number: where it happened, what is still good, what to try."""

from __future__ import annotations

from torch import Tensor

from gyrus.errors import UsageError
from gyrus.training.journal import Journal


def diverged(loss: Tensor, epoch: int, step: int, rate: float, journal: Journal | None = None) -> UsageError:
    """Return the error; ``epoch`` and ``step`` count from 1."""
    fix = "try a lower --learning-rate, --clip-norm 1, or --precision float32"
    if journal is not None and journal.kept_epoch:
        journal.write_kept()
        fix += f"; the weights of epoch {journal.kept_epoch} are whole in {journal.kept_path}"
    return UsageError(
        f"the loss became {loss.item()} in epoch {epoch}, step {step}, at a learning rate of {rate:.2g}",
        fix=fix,
    )
