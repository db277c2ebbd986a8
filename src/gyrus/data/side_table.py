"""A side table: patients and classes of images that lie elsewhere, joined by file name."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gyrus.config.options import DataOptions
from gyrus.data.files import natural_key, shown
from gyrus.data.manifest import Row
from gyrus.data.table import Record, Table, bad_rows, read_table
from gyrus.errors import DataError, UsageError

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows with what the table told, and sentences for the user."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def join_side_table(rows: Sequence[Row], options: DataOptions) -> Joined:
    """Give each image the patient and class that the side table tells.

    The column ``options.on`` names the image by its path, its file name, or its file name without the
    ending; upper and lower case count.

    Raises
    ------
    UsageError
        When columns are not told or do not exist.
    ManifestError
        When rows of the table name an image twice, several images at once, or no class.
    DataError
        When images have no row (unless ``on_bad_file`` is ``skip``); lists them and the rows without image.
    """
    path = options.subjects
    if path is None:
        raise UsageError("no side table is given", fix="--subjects TABLE.csv")
    if not path.is_file():
        raise DataError("the side table does not exist", path=path, fix="check --subjects")
    table = read_table(path)
    on = _column(table, options.on, "--on", "names the image")
    if options.subject_column is None and options.label_column is None:
        raise UsageError(
            f"{path}: give --subject-column, --label-column or both; it has {', '.join(table.columns)}",
            fix="say which column holds the patient, the class, or both",
        )
    for option, column in (
        ("--subject-column", options.subject_column),
        ("--label-column", options.label_column),
    ):
        if column is not None:
            _column(table, column, option, "")
    record_of, orphans = _match(rows, table, on)
    without = [row.image_id for row in rows if row.image_id not in record_of]
    if without and options.on_bad_file == "fail":
        raise _unmatched(without, orphans, len(rows), table, on)
    matched = tuple(
        _told(row, record_of[row.image_id].cells, options) for row in rows if row.image_id in record_of
    )
    if not matched:
        raise _unmatched(without, orphans, len(rows), table, on)
    _check_labels(record_of.values(), options.label_column, table)
    return Joined(matched, tuple(_notes(without, orphans, matched, options, table)))


def _column(table: Table, name: str | None, option: str, purpose: str) -> str:
    listed = ", ".join(table.columns)
    if name is None:
        raise UsageError(f"{table.path}: which column {purpose}? It has {listed}", fix=f"{option} COLUMN")
    if name not in table.columns:
        near = difflib.get_close_matches(name, table.columns, n=1)
        raise UsageError(
            f"{table.path}: {option} {name!r} is no column; it has {listed}",
            fix=f"did you mean {near[0]!r}?" if near else "name a column of the table",
        )
    return name


def _names_of(image_id: str) -> tuple[str, ...]:
    """Return the names under which a table may call an image, the most exact first."""
    path = PurePosixPath(image_id)
    if path.name.lower().endswith(".nii.gz"):
        return image_id, image_id[: -len(".nii.gz")], path.name, path.name[: -len(".nii.gz")]
    return image_id, path.with_suffix("").as_posix(), path.name, path.stem


def _match(rows: Sequence[Row], table: Table, on: str) -> tuple[dict[str, Record], list[str]]:
    images_called: dict[str, set[str]] = defaultdict(set)
    exact: dict[str, str] = {}
    for row in rows:
        exact[row.image_id] = row.image_id
        for name in _names_of(row.image_id):
            images_called[name].add(row.image_id)
    record_of: dict[str, Record] = {}
    orphans: list[str] = []
    problems: list[str] = []
    for record in table.records:
        value = record.cells[on].strip().replace("\\", "/")
        images = {exact[value]} if value in exact else images_called.get(value, set())
        if not value:
            problems.append(f"line {record.line}: {on} is empty")
        elif len(images) > 1:
            listed = ", ".join(sorted(images, key=natural_key))
            problems.append(f"line {record.line}: {on} {value!r} names several images: {listed}")
        elif not images:
            orphans.append(f"line {record.line}: {value}")
        else:
            image = next(iter(images))
            first = record_of.setdefault(image, record)
            if first.cells != record.cells:  # a row that merely stands there twice does no harm
                problems.append(f"line {record.line}: {image} has a row already, line {first.line}")
    if problems:
        raise bad_rows(problems, table.path)
    return record_of, orphans


def _unmatched(without: list[str], orphans: list[str], total: int, table: Table, on: str) -> DataError:
    nothing = len(without) == total and len(orphans) == len(table.records)
    details = [f"image without a row: {image}" for image in without]
    details += [f"row without an image: {orphan}" for orphan in orphans]
    return DataError(
        f"{len(without)} of {total} images have no row in which {on} is their name,"
        f" and {len(orphans)} of {len(table.records)} rows have no image"
        + (_both_sides(without, table, on) if nothing else ""),
        path=table.path,
        details=details,
        fix=f"name the column that holds file names (--on); the table has {', '.join(table.columns)}"
        if nothing
        else "complete the table, or leave these images out: --on-bad-file skip",
    )


def _both_sides(images: list[str], table: Table, on: str) -> str:
    """Show what names look like on both sides, where no row names any image."""
    called = " or ".join(repr(name) for name in dict.fromkeys(_names_of(images[0])))
    held = ", ".join(repr(record.cells[on].strip()) for record in table.records[:_EXAMPLES])
    return f". Images are called {called}, and {on} holds {held}"


def _told(row: Row, cells: dict[str, str], options: DataOptions) -> Row:
    if options.subject_column is not None:
        subject = cells[options.subject_column].strip()
        row = row.with_(subject_id=subject, subject_source="table" if subject else "")
    if options.label_column is not None:
        row = row.with_(label=cells[options.label_column].strip())
    return row


def _check_labels(records: Iterable[Record], label_column: str | None, table: Table) -> None:
    if label_column is None:
        return
    problems = [
        f"line {record.line}: {label_column} is empty"
        for record in records
        if not record.cells[label_column].strip()
    ]
    if problems:
        raise bad_rows(problems, table.path)


def _notes(
    without: list[str], orphans: list[str], rows: Sequence[Row], options: DataOptions, table: Table
) -> list[str]:
    notes = []
    if options.label_column is not None:
        notes.append(f"Classes come from column {options.label_column!r} of {table.path.name}.")
    if without:
        notes.append(
            f"{len(without)} images without a row in {table.path.name} are left out: {shown(without)}."
        )
    if orphans:
        notes.append(f"{len(orphans)} rows of {table.path.name} have no image: {shown(orphans)}.")
    return notes


def tables_beside(folder: Path) -> list[str]:
    """Return the names of the tables that lie directly in ``folder``."""
    names = [entry.name for entry in folder.iterdir() if entry.suffix.lower() in (".csv", ".tsv")]
    return sorted(names, key=natural_key)
