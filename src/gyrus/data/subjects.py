"""Where patients come from: a column, a folder, a pattern in the name, or a side table."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from gyrus.config.options import DataOptions
from gyrus.data.class_names import spelling_key
from gyrus.data.files import shown
from gyrus.data.manifest import ROW_COLUMNS, Row
from gyrus.errors import DataError, UsageError

_SHOWN = 5


def check_subject_options(options: DataOptions, *, has_table: bool) -> None:
    """Raise UsageError when options on patients contradict each other.

    Parameters
    ----------
    options : DataOptions
        The options.
    has_table : bool
        Whether the source itself is a table whose columns can be named.
    """
    if options.subjects is None:
        if options.on is not None:
            raise UsageError(
                "--on names a column of a side table", fix="give the table: --subjects TABLE.csv"
            )
        if not has_table and (options.subject_column or options.label_column):
            raise UsageError(
                "--subject-column and --label-column name columns of a table",
                fix="give the table: --subjects TABLE.csv --on COLUMN",
            )
    given = [name for name, value in (("--subject-column", options.subject_column),
             ("--subject-pattern", options.subject_pattern), ("--subject-folder", options.subject_folder))
             if value]  # fmt: skip
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} both tell the patient", fix="give one of them")


def take_columns(rows: Sequence[Row], options: DataOptions) -> list[Row]:
    """Take patient and class from the columns of a manifest that the options name."""
    taken = list(rows)
    if options.label_column is not None:
        taken = [row.with_(label=_cell(row, options.label_column, "--label-column")) for row in taken]
    if options.subject_column is not None:
        subjects = [_cell(row, options.subject_column, "--subject-column") for row in taken]
        taken = [
            row.with_(subject_id=subject, subject_source="column" if subject else "")
            for row, subject in zip(taken, subjects, strict=True)
        ]
    return taken


def _cell(row: Row, column: str, option: str) -> str:
    if column in row.facts:
        return row.facts[column].strip()
    if column in ROW_COLUMNS:
        return str(getattr(row, column))
    columns = [*ROW_COLUMNS, *row.facts]
    near = difflib.get_close_matches(column, columns, n=1)
    raise UsageError(
        f"{option} {column!r} is no column of the manifest, whose further columns are "
        f"{', '.join(row.facts) or 'none'}",
        fix=f"did you mean {near[0]!r}?" if near else "name a column of the manifest",
    )


def subjects_from_pattern(rows: Sequence[Row], pattern: str) -> tuple[list[Row], list[str]]:
    """Find each image's patient by a regular expression searched in its ``image_id``.

    The group named ``subject``, or else the first group, is the patient. Images that do not match have no
    patient; a note says how many.

    Raises
    ------
    UsageError
        When the expression is invalid, has no group, or matches no image.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--subject-pattern {pattern!r} is no regular expression: {error}") from error
    if not compiled.groups:
        raise UsageError(
            f"--subject-pattern {pattern!r} has no group",
            fix="put the part that is the patient into parentheses, for example 'person([0-9]+)_'",
        )
    group: int | str = "subject" if "subject" in compiled.groupindex else 1
    found = [(match[group] or "") if (match := compiled.search(row.image_id)) else "" for row in rows]
    missed = [row.image_id for row, subject in zip(rows, found, strict=True) if not subject]
    if len(missed) == len(rows):
        raise UsageError(
            f"--subject-pattern {pattern!r} matches no image",
            fix=f"it is searched in names like {missed[0]!r}",
        )
    notes = []
    if missed:
        notes.append(
            f"{len(missed)} of {len(rows)} images do not match --subject-pattern and have no patient: "
            f"{shown(missed, _SHOWN)}."
        )
    return [
        row.with_(subject_id=subject, subject_source="pattern" if subject else "")
        for row, subject in zip(rows, found, strict=True)
    ], notes


def subjects_from_folder(rows: Sequence[Row], class_depth: int) -> list[Row]:
    """Take the folder directly above each image as its patient.

    Parameters
    ----------
    rows : sequence of Row
        The images.
    class_depth : int
        Number of folders (split, class) that an image lies in before the patient's.

    Raises
    ------
    DataError
        When images lie directly in the class folder; lists them.
    """
    shallow = [
        row.image_id
        for row in rows
        # of a manifest nothing tells which folders are those of classes but their names
        if row.image_id.count("/") <= class_depth
        or (class_depth == 0 and row.label and spelling_key(_above(row)) == spelling_key(row.label))
    ]
    if shallow:
        raise DataError(
            f"--subject-folder: {len(shallow)} images do not lie in a folder of their patient",
            details=shallow,
            fix="arrange them as CLASS/PATIENT/image, or tell the patient in another way",
        )
    return [row.with_(subject_id=_above(row), subject_source="folder") for row in rows]


def _above(row: Row) -> str:
    """Return the name of the folder directly above an image."""
    return row.image_id.split("/")[-2]


def describe_replaced(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    """Say that patients which the manifest names were set aside for those that the options tell."""
    named = {row.image_id: row.subject_id for row in before if row.subject_id}
    replaced = sum(named.get(row.image_id, row.subject_id) != row.subject_id for row in after)
    if not replaced:
        return []
    return [f"The manifest's own patients of {replaced} images are set aside: the options tell others."]


def describe_subjects(rows: Sequence[Row]) -> str:
    """Return one sentence on how many patients are known and where from."""
    known = [row for row in rows if row.subject_id]
    if not known:
        return "No patients are known: whether patients stand on both sides of a split cannot be told."
    sources = ", ".join(sorted({row.subject_source or "unknown source" for row in known}))
    sentence = f"{len({row.subject_id for row in known})} patients are known (from: {sources})"
    unknown = len(rows) - len(known)
    return sentence + (f"; {unknown} of {len(rows)} images have none." if unknown else ".")
