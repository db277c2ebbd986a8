"""The manifest: a table with a row per image, the first of the four nouns.

A manifest is a CSV file that any spreadsheet opens. Paths in it are relative to the file's own folder.
The columns of :class:`Row` are written first; every further column is a *fact* (scanner, modality, …)
and travels along untouched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from gyrus.data.label_names import names_of
from gyrus.data.table import Table, bad_rows, read_table
from gyrus.errors import ManifestError
from gyrus.imaging.source import Source
from gyrus.runs.atomic import write_text

MANIFEST_VERSION = 1
SPLITS = ("train", "val", "cal", "test")
CLASSIFY, MULTILABEL, SEGMENT = "classify", "multilabel", "segment"
TASKS = (CLASSIFY, MULTILABEL, SEGMENT, "detect")


@dataclass(frozen=True, slots=True)
class Row:
    """One image.

    Attributes
    ----------
    image_id : str
        Unique name within the manifest: the path from the data folder, with ``/`` (``PATH#FRAME`` where the
        file holds several images).
    path : str
        Where the file lies, relative to :attr:`Manifest.root`, with ``/``.
    label : str
        Class name as the data set spells it; empty when unknown. With the task ``multilabel`` any number of
        names joined by ``|``; a single ``|`` where the image shows none of the classes.
    subject_id : str
        Patient; empty when unknown.
    subject_source : str
        Where the patient came from: ``column``, ``folder``, ``pattern``, ``table``, ``phantom``, ``name``,
        ``recovered`` (the image is a slice of a public set whose patients are known); else empty.
    split : str
        ``train``, ``val``, ``cal``, ``test``, or empty (not used).
    fold : int or None
        Cross-validation fold in which the image is tested.
    frame, plane : str
        Frame number and plane where a file holds several; see :class:`gyrus.imaging.source.Source`.
    mask, boxes : str
        Path of the mask (relative to root) and boxes as ``x0 y0 x1 y1;…`` in pixels, half-open.
    synthetic : bool
        Generated image: for training only.
    sha256, pixel_hash, perceptual_hash : str
        Hashes of the file's bytes, of its decoded pixels, and of its look; empty before a scan.
    copy_group : str
        Name shared by images that show the same picture (re-encoded, resized, mirrored, turned); else empty.
    recovered_subject : str
        Patient of the public set that the image is a slice of (``cheng:101``); it stands beside
        ``subject_id`` where the data bring their own patients.
    width_px, height_px : int or None
        Size of the decoded image; None before a scan.
    notes : str
        What gyrus or its user has to say about the image.
    facts : mapping of str to str
        All further columns.
    """

    image_id: str
    path: str
    label: str = ""
    subject_id: str = ""
    subject_source: str = ""
    split: str = ""
    fold: int | None = None
    frame: str = ""
    plane: str = ""
    mask: str = ""
    boxes: str = ""
    synthetic: bool = False
    sha256: str = ""
    pixel_hash: str = ""
    perceptual_hash: str = ""
    copy_group: str = ""
    recovered_subject: str = ""
    width_px: int | None = None
    height_px: int | None = None
    notes: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Row:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


ROW_COLUMNS = tuple(f.name for f in fields(Row) if f.name != "facts")
_FILE_COLUMNS = ("image_id", "path", "mask")
_HEADER_COLUMNS = ("manifest_version", "task")  # last two columns, the same in every row


@dataclass(frozen=True, slots=True)
class Manifest:
    """A data set: rows, the folder that their paths start from, and the task.

    Raises
    ------
    ManifestError
        When an ``image_id`` occurs twice or a split has an unknown name.
    """

    rows: tuple[Row, ...]
    root: Path
    task: str = CLASSIFY

    def __post_init__(self) -> None:
        seen: dict[str, int] = {}
        problems = []
        for index, row in enumerate(self.rows):
            first = seen.setdefault(row.image_id, index)
            if first != index:
                problems.append(f"row {index + 1}: image_id {row.image_id!r} also in row {first + 1}")
            if row.split and row.split not in SPLITS:
                problems.append(f"row {index + 1}: split {row.split!r} is none of {', '.join(SPLITS)}")
        if problems:
            raise ManifestError(
                f"{len(problems)} bad rows",
                details=problems,
                fix="give every image one row, and a split from the list or none",
            )
        if self.task not in TASKS:
            raise ManifestError(f"task {self.task!r} is none of {', '.join(TASKS)}")

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in their one order: by name."""
        return tuple(sorted({name for row in self.rows for name in self.names_of(row)}))

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none of them."""
        return self.task == MULTILABEL

    def names_of(self, row: Row) -> tuple[str, ...]:
        """Return the classes that an image shows; none where its label is empty."""
        if self.several:
            return names_of(row.label)
        return (row.label,) if row.label else ()

    @property
    def fingerprint(self) -> str:
        """Hash over what training and testing depend on: content, label, patient, split, fold.

        Where the files lie and in which order does not matter.
        """
        lines = sorted(
            "\x1f".join(
                (
                    row.pixel_hash or row.sha256 or row.image_id,
                    row.frame,
                    row.label,
                    row.subject_id,
                    row.split,
                    "" if row.fold is None else str(row.fold),
                    row.mask.rpartition("/")[2],  # its folder is written relative to where the table lies
                    row.boxes,
                    str(row.synthetic),
                )
            )
            for row in self.rows
        )
        digest = hashlib.sha256("\x1e".join([self.task, *lines]).encode())
        return digest.hexdigest()

    def file_of(self, row: Row) -> Path:
        """Return the path of a row's image file."""
        return self.root / row.path

    def source_of(self, row: Row) -> Source:
        """Return where a row's image lies: the file and, where that holds several, which of them."""
        return Source(self.root / row.path, row.frame)

    def select(self, split: str) -> Manifest:
        """Return the rows of one split, in manifest order."""
        return replace(self, rows=tuple(row for row in self.rows if row.split == split))

    def with_rows(self, rows: Iterable[Row]) -> Manifest:
        """Return a copy with other rows."""
        return replace(self, rows=tuple(rows))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return images by split and class; rows without a split are counted under ``""``.

        An image that shows several classes is counted under each of them.
        """
        classes = self.classes  # sorted anew at every call
        table: dict[str, dict[str, int]] = {}
        for row in self.rows:
            of_split = table.setdefault(row.split, dict.fromkeys(classes, 0))
            for name in self.names_of(row):
                of_split[name] += 1
        return table

    def sizes(self) -> dict[str, int]:
        """Return images with a label by split; one that shows several classes is one image.

        Of the task ``segment`` all images count: what they are trained with is a mask.
        """
        sizes: dict[str, int] = {}
        for row in self.rows:
            sizes[row.split] = sizes.get(row.split, 0) + (bool(row.label) or self.task == SEGMENT)
        return sizes


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write ``manifest`` as CSV; its paths become relative to the folder of ``path``."""
    folder = path.resolve().parent
    root = manifest.root.resolve()
    facts = sorted({name for row in manifest.rows for name in row.facts})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*ROW_COLUMNS, *facts, *_HEADER_COLUMNS])
    values_of = attrgetter(*ROW_COLUMNS)
    places = [ROW_COLUMNS.index(name) for name in ("path", "mask")]
    moved_to: dict[str, str] = {}  # thousands of images may lie in one file
    for row in manifest.rows:
        cells = [_to_cell(value) for value in values_of(row)]
        for place in places:
            path_here = cells[place]
            if path_here not in moved_to:
                moved_to[path_here] = _moved(path_here, root, folder)
            cells[place] = moved_to[path_here]
        writer.writerow(
            [*cells, *(row.facts.get(name, "") for name in facts), MANIFEST_VERSION, manifest.task]
        )
    write_text(path, buffer.getvalue())


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, ours or a hand-written one with at least the column ``path``.

    Raises
    ------
    ManifestError
        With the line numbers of all bad rows.
    """
    table = read_table(path)
    if "path" not in table.columns:
        raise ManifestError(
            f"has no column 'path'; its columns are {', '.join(table.columns)}",
            path=path,
            fix="a manifest needs the columns path and label; subject_id and split are read when present",
        )
    versions = {record.cells.get("manifest_version") or str(MANIFEST_VERSION) for record in table.records}
    if versions != {str(MANIFEST_VERSION)}:
        raise ManifestError(
            f"manifest_version is {', '.join(sorted(versions))}; this gyrus reads {MANIFEST_VERSION}",
            path=path,
            fix="update gyrus: pip install -U gyrus",
        )
    tasks = {record.cells.get("task") or CLASSIFY for record in table.records}
    if len(tasks) > 1 or not tasks <= set(TASKS):
        raise ManifestError(
            f"column task holds {', '.join(sorted(tasks))}; expected one of {', '.join(TASKS)}",
            path=path,
            fix="one task a file",
        )
    return Manifest(rows=_rows_of(table), root=path.resolve().parent, task=tasks.pop())


def _rows_of(table: Table) -> tuple[Row, ...]:
    problems: list[str] = []
    rows: list[Row] = []
    line_of: dict[str, int] = {}
    for record in table.records:
        try:
            row = _row_from_cells(record.cells)
        except ValueError as error:
            problems.append(f"line {record.line}: {error}")
            continue
        first = line_of.setdefault(row.image_id, record.line)
        if first != record.line:
            problems.append(f"line {record.line}: image_id {row.image_id!r} stands already in line {first}")
        rows.append(row)
    if problems:
        raise bad_rows(problems, table.path)
    return tuple(rows)


def _row_from_cells(cells: dict[str, str]) -> Row:
    # a table written by hand has stray blanks; in one of ours a blank belongs to the file's name
    exact = _FILE_COLUMNS if "manifest_version" in cells else ()
    known: dict[str, Any] = {
        name: cells[name] if name in exact else cells[name].strip() for name in ROW_COLUMNS if name in cells
    }
    if not known["path"]:
        raise ValueError("path is empty")
    known["image_id"] = known.get("image_id") or "#".join(filter(None, (known["path"], known.get("frame"))))
    if known.get("subject_id") and not known.get("subject_source"):
        known["subject_source"] = "column"
    if known.get("split") and known["split"] not in SPLITS:
        raise ValueError(f"split {known['split']!r} is none of {', '.join(SPLITS)}")
    for name in ("fold", "width_px", "height_px"):
        known[name] = _to_int(name, known.get(name, ""))
    known["synthetic"] = _to_bool("synthetic", known.get("synthetic", ""))
    own = {*ROW_COLUMNS, *_HEADER_COLUMNS}
    known["facts"] = {name: value for name, value in cells.items() if name not in own}
    return Row(**known)


def _to_cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value)


def _to_int(name: str, text: str) -> int | None:
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a whole number") from None
    if number < 0:
        raise ValueError(f"{name} {text!r} is negative")
    return number


def _to_bool(name: str, text: str) -> bool:
    lowered = text.lower()
    if lowered in ("", "0", "false", "no"):
        return False
    if lowered in ("1", "true", "yes"):
        return True
    raise ValueError(f"{name} {text!r} is neither 1/true/yes nor 0/false/no")


def _moved(path: str, root: Path, folder: Path) -> str:
    if not path:
        return ""
    target = root / path
    try:
        return Path(os.path.relpath(target, folder)).as_posix()
    except ValueError:  # another drive on Windows: no relative path exists
        return target.as_posix()
