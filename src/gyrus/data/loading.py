"""From a folder or a table to a manifest: what is where, of which class, of which patient."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gyrus.config.options import DataOptions
from gyrus.data.class_names import join_class_names
from gyrus.data.files import Files, list_files
from gyrus.data.idx_layout import arrange_idx, holds_idx
from gyrus.data.label_names import NONE, SEPARATOR, label_of, names_of
from gyrus.data.layouts import KNOWN_LAYOUTS, Arrangement, arrange
from gyrus.data.manifest import CLASSIFY, MULTILABEL, SEGMENT, Manifest, Row, read_manifest
from gyrus.data.mask_layouts import arrange_masks, masks_of_manifest
from gyrus.data.scans import patients_by_file, with_scans
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
from gyrus.errors import DataError, LayoutError, UsageError

MANIFEST_NAME = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data set as it was found.

    Attributes
    ----------
    manifest : Manifest
        A row per image; of DICOM and NIfTI files the headers were read, else no image was opened yet.
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
        if options.task == SEGMENT:
            found = arrange_masks(source.absolute(), files, options)
        elif holds_idx(files):
            found = arrange_idx(source, files)
        else:
            found = arrange(source, files, labels_from_table=labels_from_table)
        root, task = source.absolute(), CLASSIFY
    task = task if options.task == "auto" else options.task
    if task == SEGMENT and table_path is not None:
        found = masks_of_manifest(found, root, options)
    elif task != SEGMENT and options.mask_options_given:
        given = ", ".join("--" + name.replace("_", "-") for name in options.mask_options_given)
        raise UsageError(f"{given}: the task is {task}, which has no masks", fix="add --task segment")
    loaded = described(found, root, options, task)
    return replace(loaded, notes=(*notes, *loaded.notes))


def described(found: Arrangement, root: Path, options: DataOptions, task: str) -> Loaded:
    """Give what was recognised its patients, its classes and the slices of its volumes."""
    rows, joined, notes = _describe_rows(found, root, options, task)
    return Loaded(Manifest(tuple(rows), root, task), (*found.notes, *notes), found.layout, joined)


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


def _describe_rows(
    found: Arrangement, root: Path, options: DataOptions, task: str
) -> tuple[list[Row], dict[str, str], list[str]]:
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
    rows, scan_notes = with_scans(rows, root, options)
    notes += scan_notes
    if not any(row.subject_id for row in rows):
        rows, name_notes = subjects_from_names(rows)
        notes += name_notes
    rows, file_notes = patients_by_file(rows)
    notes += file_notes
    notes += describe_replaced(found.rows, rows)
    given = [row.label for row in rows]
    if task == MULTILABEL:
        labels, spellings, label_notes = _joined_sets(given, options.join_classes)
    else:
        labels, label_notes = join_class_names(given, options.join_classes)
        spellings = {old: new for old, new in zip(given, labels, strict=True) if old != new}
        label_notes += _taken_whole(labels)
    rows = [
        row if row.label == label else row.with_(label=label) for row, label in zip(rows, labels, strict=True)
    ]
    return rows, spellings, [*notes, *label_notes, describe_subjects(rows)]


def _joined_sets(labels: Sequence[str], joins: Sequence[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """Return labels of several names, each in its one order, with spellings of single names joined."""
    sets = [names_of(label) for label in labels]
    flat = [name for names in sets for name in names]
    joined, notes = join_class_names(flat, joins)
    target = dict(zip(flat, joined, strict=True))
    # a name may have been joined into "|", none of the classes
    found = [
        label_of(name for old in names for name in names_of(target[old])) if label else ""
        for label, names in zip(labels, sets, strict=True)
    ]
    several, none = sum("|" in label.strip("|") for label in found), sum(label == NONE for label in found)
    notes.append(
        f"An image may show several classes (task multilabel): {several} of {len(found)} show two or more, "
        f"{none} show none."
    )
    return found, {old: new for old, new in target.items() if old != new}, notes


def _taken_whole(labels: Sequence[str]) -> list[str]:
    """Say it where labels look like several names, and each is taken for the name of one class."""
    several = sorted({label for label in labels if SEPARATOR in label})
    if not several:
        return []
    count = sum(SEPARATOR in label for label in labels)
    return [
        f"{count} of {len(labels)} labels hold {SEPARATOR!r}, for example {several[0]!r}: each is taken for "
        "the name of one class. --task multilabel takes them for several classes that an image shows."
    ]


def task_of(source: Path, options: DataOptions) -> str:
    """Return the task of a data set: as asked, else as its manifest says, else ``classify``.

    Raises
    ------
    DataError
        When ``source`` does not exist.
    """
    if options.task != "auto":
        return options.task
    _check_exists(Path(source))
    table, _ = manifest_in(Path(source))
    return CLASSIFY if table is None else read_manifest(table).task
