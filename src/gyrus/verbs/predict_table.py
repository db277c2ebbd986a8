"""The table of ``gyrus predict --csv``: a predictions file, with further columns behind its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

from gyrus.evaluation.predictions import PROBABILITY_PREFIX
from gyrus.inference.evidence import Evidence
from gyrus.inference.spread import Spread


class Table:
    """Writes a row per image as it comes.

    Parameters
    ----------
    stream : binary file
    classes : sequence of str
        Of the model.
    points : sequence of str
        Names of its operating points.
    """

    def __init__(self, stream: IO[bytes], classes: Sequence[str], points: Sequence[str]) -> None:
        self._stream, self._classes, self._points = stream, tuple(classes), tuple(points)
        self._line(columns(classes, points))

    def write(self, evidence: Evidence) -> None:
        """Add an image; what there is not (of a refused image nearly all) stays empty."""
        given, asked = evidence.answer, evidence.asked
        answered = evidence.refused is None
        decided = given.decided if answered else None
        first = evidence.nearest[0] if evidence.nearest else None
        stored = given.stored
        gate = "" if not given.gate else "passed" if answered else "refused"
        self._line(
            [asked.image_id, asked.subject_id, asked.label, given.task,
             *(_share(value) if answered else "" for value in given.probabilities),
             given.label if answered else "",
             "" if decided is None else _yes(decided.refer),
             "" if decided is None or decided.set is None else "|".join(decided.set),
             *("" if decided is None else _yes(decided.points[name]) for name in self._points),
             gate, evidence.refused or "",
             *_spread(evidence.spread, len(self._classes)),
             evidence.in_training.match or ("" if evidence.in_training.known else "unknown"),
             "" if first is None else first.image_id, "" if first is None else first.label,
             "" if first is None else _share(first.distance),
             given.height_px, given.width_px, given.sha256, "" if stored is None else stored.pixel_hash,
             evidence.model.model_digest, f"{sum(evidence.seconds.values()):.4g}", "; ".join(given.notes)]
        )  # fmt: skip

    def _line(self, cells: Sequence[object]) -> None:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow(cells)
        self._stream.write(buffer.getvalue().encode("utf-8", "backslashreplace"))


def columns(classes: Sequence[str], points: Sequence[str] = ()) -> list[str]:
    """Return the columns: the same for the same model, whatever the other options."""
    return [
        "image_id", "subject_id", "label", "task",
        *(PROBABILITY_PREFIX + name for name in classes),
        "prediction", "refer", "set",
        *(f"point:{name}" for name in points),
        "gate", "gate_reason",
        *(f"{number}:{name}" for number in ("mean", "sd") for name in classes),
        "in_training", "nearest_image_id", "nearest_label", "nearest_distance",
        "height_px", "width_px", "sha256", "pixel_hash", "model_digest", "seconds", "notes",
    ]  # fmt: skip


def _spread(spread: Spread | None, classes: int) -> list[str]:
    """Return mean and standard deviation of each class, empty without a spread."""
    if spread is None:
        return [""] * (2 * classes)
    return [_share(value) for value in (*spread.mean.tolist(), *spread.sd.tolist())]


def _share(value: float) -> str:
    return f"{value:.9g}"


def _yes(value: bool) -> str:
    return "1" if value else "0"
