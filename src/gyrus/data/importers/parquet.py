"""Images in Parquet files, as data hubs store them: a column of files, one of classes.

A column of images holds structures with ``bytes`` and ``path``, or the files' bytes themselves. Classes are
text, or numbers whose names the file's metadata tells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from gyrus.config.importing import ImportOptions
from gyrus.data.files import natural_key
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place
from gyrus.data.manifest import Row
from gyrus.errors import DataError, UsageError, require
from gyrus.imaging import DEFAULT_LIMITS

_LABELS = ("label", "labels", "class", "fine_label")
_ROWS_AT_ONCE = 64
_MOST_UNPACKED = 1 << 36
_SPLIT = re.compile(r"(?:^|[-_./])(train|validation|valid|val|test)(?=$|[-_./])")
_SPLITS = {"train": "train", "validation": "val", "valid": "val", "val": "val", "test": "test"}
_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"II*\0", ".tif"), (b"MM\0*", ".tif"),
            (b"BM", ".bmp"))  # fmt: skip


def _files(place: Place) -> list[str]:
    return sorted((n for n in place.files.others if n.lower().endswith(".parquet")), key=natural_key)


def _recognises(place: Place) -> bool:
    return bool(_files(place))


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    require("pyarrow", "readers", "reading Parquet files")
    parquet = require("pyarrow.parquet", "readers", "reading Parquet files")
    names = _files(place)
    if not names:
        raise DataError("holds no .parquet files", path=place.source)
    rows = [row for name in names for row in _rows(parquet, place.folder, name, store, options)]
    notes = (
        f"{len(rows)} images of {len(names)} Parquet files, which gyrus does not read: the image files in "
        "them are written out byte by byte.",
    )
    return Imported(tuple(rows), notes)


def _rows(
    parquet: ModuleType, folder: Path, name: str, store: ImageStore, options: ImportOptions
) -> Iterator[Row]:
    import pyarrow

    path = folder / name
    try:
        with parquet.ParquetFile(path) as opened:
            table = _Columns(opened, path, options)
            number = 0
            for batch in opened.iter_batches(batch_size=_ROWS_AT_ONCE, columns=table.wanted):
                for cells in batch.to_pylist():
                    yield table.row(cells, name, number, store)
                    number += 1
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, (DataError, UsageError)):
            raise
        raise DataError(
            f"is damaged or no Parquet file ({type(error).__name__})", path=path, fix="fetch it again"
        ) from error


class _Columns:
    """Which columns of a file are images, classes and patients."""

    def __init__(self, opened: Any, path: Path, options: ImportOptions) -> None:
        self._path = path
        unpacked = sum(
            opened.metadata.row_group(number).total_byte_size
            for number in range(opened.metadata.num_row_groups)
        )
        largest = max(
            (
                opened.metadata.row_group(number).total_byte_size
                for number in range(opened.metadata.num_row_groups)
            ),
            default=0,
        )
        if largest > 1 << 32 or unpacked > _MOST_UNPACKED:
            raise DataError(
                f"unpacks to {unpacked:,} bytes", path=path, fix="divide it into smaller row groups"
            )
        schema = opened.schema_arrow
        self._all = list(schema.names)
        self._image = options.image_column or self._image_column(schema)
        self._label = options.label_column or next((n for n in _LABELS if n in self._all), None)
        self._subject = options.subject_column
        self.wanted = [self._known(c) for c in (self._image, self._label, self._subject) if c is not None]
        self._names = _class_names(schema, self._label)
        self._split = _split_of(path.name)

    def row(self, cells: dict[str, Any], name: str, number: int, store: ImageStore) -> Row:
        data, stated = _image_of(cells[self._image])
        where = f"{name}#{number}"
        if not isinstance(data, bytes) or not data:
            raise DataError(f"row {number} holds no image", path=self._path)
        DEFAULT_LIMITS.check_bytes(len(data), where)
        label = self._name_of(cells.get(self._label) if self._label else None, number)
        stem = f"{PurePosixPath(name).with_suffix('').as_posix()}/{number:06d}"
        written = store.file(f"{stem}{_ending(data, stated)}", data)
        subject = "" if self._subject is None else _text(cells[self._subject])
        return Row(
            image_id=where,
            path=written,
            label=label,
            subject_id=subject,
            subject_source="column" if subject else "",
            split=self._split,
        )

    def _name_of(self, value: Any, number: int) -> str:
        if value is None:
            return ""
        if not self._names:
            return _text(value)
        if not isinstance(value, int) or not 0 <= value < len(self._names):
            raise DataError(f"row {number} has the class {value!r} of {len(self._names)}", path=self._path)
        return self._names[value]

    def _image_column(self, schema: Any) -> str:
        found = [field.name for field in schema if _holds_images(field.type)]
        if len(found) != 1:
            raise UsageError(
                f"{self._path}: which column holds the images? It has {', '.join(schema.names)}",
                fix="--image-column COLUMN",
            )
        return str(found[0])

    def _known(self, column: str) -> str:
        if column not in self._all:
            raise UsageError(f"{self._path} has no column {column!r}; it has {', '.join(self._all)}")
        return column


def _holds_images(kind: Any) -> bool:
    text = str(kind)
    return text in ("binary", "large_binary") or (text.startswith("struct<") and "bytes: binary" in text)


def _image_of(cell: Any) -> tuple[Any, str]:
    """Return the bytes of an image file and the name that it had."""
    if isinstance(cell, dict):
        return cell.get("bytes"), str(cell.get("path") or "")
    return cell, ""


def _ending(data: bytes, stated: str) -> str:
    known = next((ending for start, ending in _ENDINGS if data.startswith(start)), "")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        known = ".webp"
    return known or PurePosixPath(stated).suffix.lower() or ".bin"


def _class_names(schema: Any, column: str | None) -> Sequence[str]:
    """Return the names of numbered classes, which hubs keep in the file's metadata; or none."""
    text = (schema.metadata or {}).get(b"huggingface", b"")
    if not text or column is None:
        return ()
    try:
        names = json.loads(text)["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):
        return ()
    return [str(name) for name in names] if isinstance(names, list) else ()


def _split_of(name: str) -> str:
    match = _SPLIT.search(name.casefold())
    return _SPLITS[match[1]] if match else ""


def _text(value: Any) -> str:
    return (
        value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
    )


PARQUET = Importer("parquet", "images in Parquet files", _recognises, _read)
