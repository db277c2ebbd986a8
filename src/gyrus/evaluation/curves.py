"""A training's history as curves without gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Curves:
    """Losses by epoch; epochs in which a loss is undefined are left out of its curve.

    Attributes
    ----------
    rows : mapping of float to mapping
        Epoch -> its row.
    train_epochs, train_loss, val_epochs, val_loss : tuple of float
        Equally long pairs.
    lost_at : float or None
        First epoch whose training loss is not a finite number.
    """

    rows: Mapping[float, Row]
    train_epochs: tuple[float, ...]
    train_loss: tuple[float, ...]
    val_epochs: tuple[float, ...]
    val_loss: tuple[float, ...]
    lost_at: float | None

    @classmethod
    def of(cls, history: Sequence[Row]) -> Curves:
        """Read rows of ``metrics.csv``."""
        rows = {float(row["epoch"]): row for row in sorted(history, key=lambda row: float(row["epoch"]))}
        train, val = ([(e, r[name]) for e, r in rows.items() if number(r.get(name)) is not None]
                      for name in ("train_loss", "val_loss"))  # fmt: skip
        has_training = any("train_loss" in row for row in history)
        lost = [e for e, row in rows.items() if has_training and number(row.get("train_loss")) is None]
        return cls(
            rows=rows,
            train_epochs=tuple(e for e, _ in train),
            train_loss=tuple(float(loss) for _, loss in train),
            val_epochs=tuple(e for e, _ in val),
            val_loss=tuple(float(loss) for _, loss in val),
            lost_at=lost[0] if lost else None,
        )

    @property
    def lowest(self) -> float:
        """Lowest validation loss."""
        return min(self.val_loss)

    @property
    def kept(self) -> float:
        """Epoch of the lowest validation loss: its weights are kept, unless the last were asked for."""
        return self.val_epochs[self.val_loss.index(self.lowest)]

    @property
    def train_when_kept(self) -> float | None:
        """Training loss of the kept epoch."""
        return number(self.rows[self.kept].get("train_loss"))

    @property
    def gap_when_kept(self) -> float | None:
        """Training accuracy less validation accuracy in the kept epoch."""
        train, val = self.accuracy("train"), self.accuracy("val")
        return None if train is None or val is None else train - val

    @property
    def peak_rate(self) -> float | None:
        """Highest learning rate."""
        rates = [rate for row in self.rows.values() if (rate := number(row.get("learning_rate")))]
        return max(rates, default=None)

    def accuracy(self, split: str) -> float | None:
        """Return ``train`` or ``val`` accuracy of the kept epoch."""
        return number(self.rows[self.kept].get(f"{split}_accuracy"))


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
