"""Anybody's predictions joined to the images they are about: patients, labels, copies, subgroups."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gyrus.data.manifest import Manifest, Row
from gyrus.errors import PredictionsError
from gyrus.evaluation.predictions import Predictions, default_groups


@dataclass(frozen=True, slots=True)
class Joined:
    """Predictions with what the data know of their images.

    Attributes
    ----------
    predictions : Predictions
        Labels and patients filled in; clustered by patient, else by copies.
    manifest : Manifest
        All images of the data, those without a prediction too.
    notes : tuple of str
        Sentences for the user.
    """

    predictions: Predictions
    manifest: Manifest
    notes: tuple[str, ...]


def cluster_of(row: Row) -> str:
    """Name what an image is not independent of: its patient, else its copies, else nothing but itself."""
    if row.subject_id:
        return f"subject:{row.subject_id}"
    if row.copy_group:
        return f"look:{row.copy_group}"
    if row.pixel_hash:
        return f"pixels:{row.pixel_hash}"
    return f"bytes:{row.sha256}" if row.sha256 else f"image:{row.image_id}"


def join_manifest(predictions: Predictions, manifest: Manifest, *paths: Path) -> Joined:
    """Join predictions to a manifest by ``image_id``.

    Parameters
    ----------
    predictions : Predictions
        From anybody; labels and patients may be empty.
    manifest : Manifest
        Scanned; its labels in the words of the predictions (see :mod:`gyrus.evaluation.label_map`).
    *paths : Path
        The predictions file, or those of all folds, for messages and line numbers.

    Raises
    ------
    PredictionsError
        With line numbers: images that the data do not have, labels or patients that contradict the data's.
    """
    row_of = {row.image_id: row for row in manifest.rows}
    unknown = [number for number, name in enumerate(predictions.image_ids) if name not in row_of]
    if unknown:
        raise _unknown(predictions, unknown, manifest, paths)
    rows = [row_of[name] for name in predictions.image_ids]
    labels, filled = _merged(
        predictions, predictions.labels, [row.label for row in rows], "label", paths,
        fix="correct the labels, or leave the column label empty to take the data's",
    )  # fmt: skip
    # a patient that gyrus recovered from a public set gives way to the one that the file names
    own = ["" if row.subject_source == "recovered" else row.subject_id for row in rows]
    subjects, _ = _merged(
        predictions, predictions.subject_ids, own, "subject_id", paths,
        fix="correct the patients, or leave the column subject_id empty to take the data's",
    )  # fmt: skip
    subjects = tuple(subject or row.subject_id for subject, row in zip(subjects, rows, strict=True))
    usual = default_groups(predictions.subject_ids, predictions.image_ids)
    groups = tuple(
        cluster_of(row.with_(subject_id=subject)) if given == default else given
        for given, default, row, subject in zip(predictions.group_ids, usual, rows, subjects, strict=True)
    )
    joined = replace(predictions, labels=labels, subject_ids=subjects, group_ids=groups)
    return Joined(joined, manifest, tuple(_notes(joined, manifest, rows, filled)))


def _merged(
    predictions: Predictions,
    theirs: Sequence[str],
    ours: Sequence[str],
    column: str,
    paths: Sequence[Path],
    *,
    fix: str,
) -> tuple[tuple[str, ...], int]:
    """Return the file's values with the data's where they are empty, and how many these are."""
    wrong = [
        number
        for number, (mine, other) in enumerate(zip(theirs, ours, strict=True))
        if mine and other and mine != other
    ]
    if wrong:
        lines = places(paths)
        raise PredictionsError(
            f"{len(wrong)} of {len(predictions)} images {'has' if len(wrong) == 1 else 'have'} another "
            f"{column} than the data",
            path=paths[0] if len(paths) == 1 else None,
            details=[
                f"{lines[name]}: {name}: {column} is {theirs[number]!r}, the data say {ours[number]!r}"
                for number in wrong
                for name in (predictions.image_ids[number],)
            ],
            fix=fix,
        )
    merged = tuple(mine or other for mine, other in zip(theirs, ours, strict=True))
    return merged, sum(not mine and bool(other) for mine, other in zip(theirs, ours, strict=True))


def places(paths: Sequence[Path]) -> dict[str, str]:
    """Return where each ``image_id`` stands: ``line 7``; of several files with the name of its own."""
    return {
        name: f"line {line}" if len(paths) == 1 else f"{path}, line {line}"
        for path in paths
        for name, line in line_numbers(path).items()
    }


def line_numbers(path: Path) -> dict[str, int]:
    """Return the line in which the row of each ``image_id`` ends (a quoted cell may hold line ends)."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        return {record["image_id"]: reader.line_num for record in reader}


def _unknown(
    predictions: Predictions, unknown: Sequence[int], manifest: Manifest, paths: Sequence[Path]
) -> PredictionsError:
    lines = places(paths)
    example = manifest.rows[0].image_id
    by_name: dict[str, list[str]] = {}
    for row in manifest.rows:
        by_name.setdefault(row.image_id.rpartition("/")[2], []).append(row.image_id)
    details = []
    for number in unknown:
        name = predictions.image_ids[number]
        alike = by_name.get(name.replace("\\", "/").rpartition("/")[2], [])
        meant = f" (the data have {', '.join(alike[:3])})" if alike else ""
        details.append(f"{lines[name]}: {name}{meant}")
    return PredictionsError(
        f"{len(unknown)} of {len(predictions)} images {'is' if len(unknown) == 1 else 'are'} not among the "
        f"{len(manifest)} of {manifest.root}",
        path=paths[0] if len(paths) == 1 else None,
        details=details,
        fix=f"write as image_id the path below the data folder, with /, as in {example!r}",
    )


def _notes(predictions: Predictions, manifest: Manifest, rows: Sequence[Row], filled: int) -> list[str]:
    notes = []
    if filled:
        notes.append(f"{filled} of {len(rows)} labels are taken from the data.")
    answered = set(predictions.image_ids)
    for split in sorted({row.split for row in rows}):
        missing = sum(row.split == split and row.image_id not in answered for row in manifest.rows)
        if missing:
            where = f"the split {split}" if split else "the data"
            total = missing + sum(row.split == split for row in rows)
            notes.append(f"{missing} of the {total} images of {where} have no prediction.")
    return notes
