"""The metrics file: exactly one row an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from gyrus.runs.atomic import write_text


class EpochRow(TypedDict):
    """What is known of an epoch when it has ended.

    ``epoch`` counts from 1 over all stages. Losses are plain mean cross-entropies; see
    :mod:`gyrus.training.judging` for both tasks.
    """

    epoch: int
    stage: str
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


COLUMNS = tuple(EpochRow.__annotations__)
_NUMBERS = COLUMNS[2:]


def epoch_row(epoch: int, stage: str, values: Mapping[str, Any]) -> EpochRow:
    """Return a row with the numbers that ``values`` holds under the names of the columns."""
    return EpochRow(
        epoch=int(epoch),
        stage=stage,
        train_loss=float(values["train_loss"]),
        train_accuracy=float(values["train_accuracy"]),
        val_loss=float(values["val_loss"]),
        val_accuracy=float(values["val_accuracy"]),
        learning_rate=float(values["learning_rate"]),
        seconds=float(values["seconds"]),
    )


def write_metrics(path: Path, rows: Iterable[EpochRow]) -> None:
    """Write all rows, atomically.

    Raises
    ------
    StorageError
        When the file cannot be written; the former one is intact.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        numbers = (f"{row[name]:.6g}" for name in _NUMBERS)  # type: ignore[literal-required]
        writer.writerow([row["epoch"], row["stage"], *numbers])
    write_text(path, buffer.getvalue())
