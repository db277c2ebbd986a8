"""The metrics file: exactly one row an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

from gyrus.runs.atomic import write_text


class EpochRow(TypedDict):
    """What is known of an epoch when it has ended.

    ``epoch`` counts from 1 over all stages. Losses are plain mean cross-entropies, and the score is the
    accuracy; see :mod:`gyrus.training.judging` for both tasks. Of masks it is the Dice; see
    :mod:`gyrus.training.segmentation.judging`.
    """

    epoch: int
    stage: str
    train_loss: float
    train_accuracy: NotRequired[float]
    train_dice: NotRequired[float]
    val_loss: float
    val_accuracy: NotRequired[float]
    val_dice: NotRequired[float]
    learning_rate: float
    seconds: float


Score = Literal["accuracy", "dice"]
"""What answers are judged by beside their loss."""
_BEGINNING = ("epoch", "stage")


def columns_of(score: Score = "accuracy") -> tuple[str, ...]:
    """Return the columns of the metrics file of a training that is judged by ``score``."""
    return (
        *_BEGINNING,
        "train_loss",
        f"train_{score}",
        "val_loss",
        f"val_{score}",
        "learning_rate",
        "seconds",
    )


COLUMNS = columns_of()


def epoch_row(epoch: int, stage: str, values: Mapping[str, Any]) -> EpochRow:
    """Return a row with the numbers that ``values`` holds under the names of the columns."""
    score: Score = "dice" if "val_dice" in values else "accuracy"
    numbers = {name: float(values[name]) for name in columns_of(score)[len(_BEGINNING) :]}
    return cast(EpochRow, {"epoch": int(epoch), "stage": stage, **numbers})


def write_metrics(path: Path, rows: Iterable[EpochRow], score: Score = "accuracy") -> None:
    """Write all rows, atomically; ``score``: what they are judged by beside the loss.

    Raises
    ------
    StorageError
        When the file cannot be written; the former one is intact.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = columns_of(score)
    writer.writerow(columns)
    for row in rows:
        numbers = (f"{row[name]:.6g}" for name in columns[len(_BEGINNING) :])  # type: ignore[literal-required]
        writer.writerow([row["epoch"], row["stage"], *numbers])
    write_text(path, buffer.getvalue())
