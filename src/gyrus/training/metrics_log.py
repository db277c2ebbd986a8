"""The metrics file: exactly one row an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from gyrus.runs.atomic import write_text

COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


class EpochLogger(Logger):
    """A CSV logger that joins what Lightning reports of one epoch in several calls into one row.

    Lightning's own CSVLogger writes a row a call, so training and validation of one epoch stand in different
    rows with holes. Here a row is written, atomically with all rows before it, when its last value has come.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._rows: dict[int, dict[str, float]] = {}

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "metrics"

    @property
    def version(self) -> str:
        """There is one version: the run folder is the version."""
        return ""

    @property
    def rows(self) -> tuple[dict[str, float], ...]:
        """The complete rows so far, in order; ``epoch`` counts from 1."""
        return tuple(row for _, row in sorted(self._rows.items()) if len(row) == len(COLUMNS))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the run's config.json holds them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take some values of one epoch; write the file when the epoch is complete."""
        if "epoch" not in metrics:
            return
        epoch = int(metrics["epoch"]) + 1
        row = self._rows.setdefault(epoch, {"epoch": epoch})
        row.update({name: float(metrics[name]) for name in COLUMNS[1:] if name in metrics})
        if len(row) == len(COLUMNS):
            self._write()

    def _write(self) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in self.rows:
            writer.writerow([int(row["epoch"]), *(f"{row[name]:.6g}" for name in COLUMNS[1:])])
        write_text(self.path, buffer.getvalue())
