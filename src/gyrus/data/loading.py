"""From a folder or a table to a manifest: what is where, of which class, of which patient."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gyrus.config.options import DataOptions
from gyrus.data.class_names import join_class_names
from gyrus.data.files import Files, list_files
from gyrus.data.idx_layout import arrange_idx, holds_idx
from gyrus.data.layouts import KNOWN_LAYOUTS, Arrangement, arrange
from gyrus.data.manifest import Manifest, Row, read_manifest
from gyrus.data.side_table import join_side_table
from gyrus.data.subject_names import subjects_from_names
from gyrus.data.subjects import (
    check_subject_options,
    describe_replaced,
    describe_subjects,
    subjects_from_folder,
    subjects_from_pattern,
    take_columns,
)
from gyrus.data.table import read_table
from gyrus.errors import DataError, LayoutError

MANIFEST_NAME = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set as it was found.

    Attributes
    ----------
    manifest : Manifest
        A row per image; no image was opened yet.
    notes : tuple of str
        Sentences for the user: joined class names, files left aside, where patients come from.
    layout : str
        ``manifest``, ``class folders``, ``yes/no folders``, ``split folders``, ``images and table`` or
        ``IDX files``.
    joined : mapping of str to str
        Class names as they were found -> what they were joined into, where that is another.
    """

    manifest: Manifest
    notes: tuple[str, ...]
    layout: str
    joined: Mapping[str, str]


def load(source: Path, options: DataOptions | None = None, *, files: Files | None = None) -> Loaded:
    """Recognise a data set: a manifest (CSV), or a folder arranged in one of the known ways.

    Class folders (``CLASS/image``, ``yes/`` and ``no/``), split folders (``Training/CLASS/image`` …), a
    folder ``images/`` with a side table, pairs of IDX files (MNIST), or a folder with a ``manifest.csv`` that
    gyrus wrote. ``image_id`` is the path below ``source`` with ``/``; rows are in natural order.

    Parameters
    ----------
    source : Path
        A table or a folder.
    options : DataOptions, optional
        How to read it.
    files : Files, optional
        What is to be taken for the content of the folder; listed when not given.

    Raises
    ------
    DataError
        When ``source`` does not exist, or images and side table do not fit together.
    LayoutError
        When the arrangement is not known.
    ManifestError
        When a table has bad rows.
    UsageError
        When options contradict each other or name absent columns or classes.
    """
    options = options or DataOptions()
    source = Path(source)
    _check_exists(source)
    table_path, notes = manifest_in(source)
    check_subject_options(options, has_table=table_path is not None)
    if table_path is not None:
        manifest = read_manifest(table_path)
        found = Arrangement("manifest", manifest.rows, 0, ())
        root, task = manifest.root, manifest.task
    else:
        labels_from_table = options.subjects is not None and options.label_column is not None
        files = files or list_files(source)
        if holds_idx(files):
            found = arrange_idx(source, files)
        else:
            found = arrange(source, files, labels_from_table=labels_from_table)
        root, task = source.absolute(), "classify"
    rows, joined, row_notes = _describe_rows(found, options)
    manifest = Manifest(tuple(rows), root, task)
    return Loaded(manifest, (*notes, *found.notes, *row_notes), found.layout, joined)


def _check_exists(source: Path) -> None:
    if source.exists():
        return
    siblings = [entry.name for entry in source.parent.iterdir()] if source.parent.is_dir() else []
    near = difflib.get_close_matches(source.name, siblings, n=1)
    fix = f"did you mean {source.parent / near[0]}?" if near else "check the path"
    raise DataError("does not exist", path=source, fix=fix)


def manifest_in(source: Path) -> tuple[Path | None, list[str]]:
    """Return the manifest that ``source`` is or holds, if any, and what to say about it."""
    if source.is_file():
        if source.suffix.lower() not in (".csv", ".tsv"):
            raise LayoutError("is neither a folder nor a table (CSV)", path=source, fix=KNOWN_LAYOUTS)
        return source, []
    if not source.is_dir():
        raise LayoutError("is neither a folder nor a table (CSV)", path=source, fix=KNOWN_LAYOUTS)
    inside = source / MANIFEST_NAME
    if not inside.is_file():
        return None, []
    if "manifest_version" in read_table(inside).columns:
        return inside, [f"The folder holds a manifest of gyrus, {MANIFEST_NAME}; it is used."]
    return None, [
        f"{MANIFEST_NAME} in the folder was not written by gyrus and is not used;"
        f" to use it, give {inside} as the source."
    ]


def _describe_rows(found: Arrangement, options: DataOptions) -> tuple[list[Row], dict[str, str], list[str]]:
    """Add patients and classes from where the options say, and join spellings of classes."""
    rows, notes = list(found.rows), list[str]()
    if options.subjects is not None:
        joined = join_side_table(rows, options)
        rows, notes = list(joined.rows), list(joined.notes)
    elif found.layout == "manifest":
        rows = take_columns(rows, options)
    if options.subject_pattern is not None:
        rows, pattern_notes = subjects_from_pattern(rows, options.subject_pattern)
        notes += pattern_notes
    if options.subject_folder:
        rows = subjects_from_folder(rows, found.class_depth)
    if not any(row.subject_id for row in rows):
        rows, name_notes = subjects_from_names(rows)
        notes += name_notes
    notes += describe_replaced(found.rows, rows)
    labels, join_notes = join_class_names([row.label for row in rows], options.join_classes)
    spellings = {row.label: label for row, label in zip(rows, labels, strict=True) if row.label != label}
    rows = [
        row if row.label == label else row.with_(label=label) for row, label in zip(rows, labels, strict=True)
    ]
    return rows, spellings, [*notes, *join_notes, describe_subjects(rows)]
