"""Boxes in the form of COCO: a JSON file with images, annotations and categories (Lin et al. 2014).

A box is ``[x, y, width, height]`` in pixels from the top left; the manifest's are ``x0 y0 x1 y1``, half-open.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from gyrus.config.importing import ImportOptions
from gyrus.data.files import Files, list_files, shown
from gyrus.data.importers.coco_masks import draw_masks, values_of, write_values
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place
from gyrus.data.label_names import label_of
from gyrus.data.manifest import CLASSIFY, MULTILABEL, SEGMENT, Row
from gyrus.errors import DataError

_LARGEST_BYTES = 1 << 30
_LOOKED_AT = 1 << 16
_PARTS = ("images", "annotations", "categories")
_SPLITS = {"train": "train", "val": "val", "test": "test"}
_SHOWN = 5
_Content = Mapping[str, list[Mapping[str, Any]]]


def _recognises(place: Place) -> bool:
    return bool(_tables(place)[:1])


def _tables(place: Place) -> list[str]:
    """Return the files that begin as COCO's do: JSON whose first part is one of COCO's."""
    return [
        name
        for name in place.files.others
        if name.lower().endswith(".json") and _looks_like_coco(place.folder / name)
    ]


def _looks_like_coco(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(_LOOKED_AT).lstrip()
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _LOOKED_AT))
            whole = start + stream.read()
    except OSError:
        return False
    return start.startswith(b"{") and sum(f'"{part}"'.encode() in whole for part in _PARTS) >= 2


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    tables = [place.source.name] if place.source.is_file() else _tables(place)
    if not tables:
        raise DataError("holds no JSON of COCO's form", path=place.source, fix="name the JSON file itself")
    files = list_files(place.folder) if place.source.is_file() else place.files
    by_name: dict[str, list[str]] = defaultdict(list)
    for image in files.images:
        by_name[PurePosixPath(image).name].append(image)
    rows: list[Row] = []
    notes: list[str] = []
    contents = {table: _content(place.folder / table) for table in tables}
    values = values_of([_name(item) for content in contents.values() for item in content["categories"]])
    for table, content in contents.items():
        finder = _Finder(place.folder, table, files, by_name)
        found, said = _rows(content, finder, _split_of(table, tables))
        if options.with_masks:
            found = _masked(found, content, finder, values, store)
        rows += found
        notes += said
    if options.with_masks:
        notes.append(
            "Masks were drawn from the outlines; train on them with --mask-classes values --mask-values "
            f"{write_values(values, store)}."
        )
    several = any("|" in row.label for row in rows)
    notes.append(
        f"{len(rows)} images; gyrus reads them where they lie. Boxes are written as x0 y0 x1 y1, their "
        "classes in the column box_labels."
    )
    task = SEGMENT if options.with_masks else MULTILABEL if several else CLASSIFY
    return Imported(tuple(rows), tuple(notes), task)


def _name(category: Mapping[str, Any]) -> str:
    return str(category.get("name", category.get("id")))


def _masked(
    rows: Sequence[Row], content: _Content, finder: _Finder, values: Mapping[str, int], store: ImageStore
) -> list[Row]:
    """Return the rows with their masks, drawn from the outlines of the annotations."""
    prefix = f"masks/{PurePosixPath(finder.table).stem}"
    masks = draw_masks(content, values, store, finder.path, prefix)
    of_path = {finder.find(str(item.get("file_name", ""))): item.get("id") for item in content["images"]}
    return [row.with_(mask=masks[of_path[row.path]]) for row in rows]


def _content(path: Path) -> _Content:
    """Return the three parts of a file, each a list of objects.

    Raises
    ------
    DataError
        When it is no JSON, or a part is missing or of another form.
    """
    if path.stat().st_size > _LARGEST_BYTES:
        raise DataError(f"has more than {_LARGEST_BYTES:,} bytes", path=path, fix="divide it")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError("is no JSON", path=path, fix="copy the file again") from error
    if not isinstance(content, dict):
        raise DataError("holds no object with images and annotations", path=path)
    for part in _PARTS:
        items = content.get(part)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DataError(
                f"has no list {part!r}", path=path, fix="COCO's form has images, annotations, categories"
            )
    return content


class _Finder:
    """Finds an image by the name that the table gives it: by its path, or by a file name that is unique."""

    def __init__(self, folder: Path, table: str, files: Files, by_name: Mapping[str, Sequence[str]]) -> None:
        self.table = table
        self.path = folder / table
        self._beside = PurePosixPath(table).parent
        self._all = frozenset(files.images)
        self._by_name = by_name

    def find(self, name: str) -> str:
        for candidate in (
            name,
            (self._beside / name).as_posix(),
            (self._beside / "images" / name).as_posix(),
        ):
            if candidate in self._all:
                return candidate
        same = self._by_name.get(PurePosixPath(name).name, ())
        return same[0] if len(same) == 1 else ""


def _rows(content: _Content, finder: _Finder, split: str) -> tuple[list[Row], list[str]]:
    names = {item.get("id"): _name(item) for item in content["categories"]}
    boxes, crowds = _boxes(content["annotations"], names, finder.path)
    rows, missing, problems = [], [], []
    for item in content["images"]:
        path = finder.find(str(item.get("file_name", "")))
        if not path:
            missing.append(str(item.get("file_name", "(without a name)")))
            continue
        marked = boxes.pop(item.get("id"), [])
        try:
            told = [_corners(box, item) for box, _ in marked]
        except ValueError as error:
            problems.append(f"{item.get('file_name')}: {error}")
            continue
        labels = [label for _, label in marked]
        rows.append(
            Row(
                image_id=path,
                path=path,
                label=label_of(sorted(set(labels))) if labels else "",
                split=split,
                boxes=";".join(told),
                facts={"box_labels": ";".join(labels)},
            )
        )
    if missing or problems or not rows:
        raise DataError(
            f"{len(missing)} images of the table are not there, {len(problems)} have bad boxes",
            path=finder.path,
            details=[*missing[:20], *problems[:20]],
            fix="put the images below the folder that the JSON lies in",
        )
    return rows, _notes(finder.table, rows, crowds, len(boxes))


def _notes(table: str, rows: Sequence[Row], crowds: int, orphans: int) -> list[str]:
    empty = [row.image_id for row in rows if not row.boxes]
    notes = []
    if empty:
        notes.append(f"{table}: {len(empty)} images have no box, and no class: {shown(empty, _SHOWN)}.")
    if crowds:
        notes.append(f"{table}: {crowds} boxes of crowds (iscrowd) are left out.")
    if orphans:
        notes.append(f"{table}: annotations of {orphans} images that the table does not list are left out.")
    return notes


def _boxes(
    annotations: Sequence[Mapping[str, Any]], names: Mapping[Any, str], path: Path
) -> tuple[dict[Any, list[tuple[list[float], str]]], int]:
    """Return the boxes of each image with their classes, and how many crowds were left out."""
    found: dict[Any, list[tuple[list[float], str]]] = defaultdict(list)
    problems, crowds = [], 0
    for number, item in enumerate(annotations):
        box, category = item.get("bbox"), item.get("category_id")
        if item.get("iscrowd"):
            crowds += 1
        elif category not in names:
            problems.append(f"annotation {number}: category_id {category!r} is no category")
        elif not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
            problems.append(f"annotation {number}: bbox {str(box)[:60]} is not [x, y, width, height]")
        else:
            found[item.get("image_id")].append(([float(value) for value in box], names[category]))
    if problems:
        raise DataError(f"{len(problems)} bad annotations", path=path, details=problems[:20], fix="mend them")
    return found, crowds


def _corners(box: Sequence[float], item: Mapping[str, Any]) -> str:
    """Return a box as ``x0 y0 x1 y1``; one that is empty or lies outside its image raises ValueError."""
    x, y, width, height = box
    right, bottom = item.get("width", math.inf), item.get("height", math.inf)
    if width <= 0 or height <= 0:
        raise ValueError(f"the box {_told(box)} is empty")
    # half a pixel: tables round
    if x < -0.5 or y < -0.5 or x + width > right + 0.5 or y + height > bottom + 0.5:
        raise ValueError(f"the box {_told(box)} lies outside the image of {right} x {bottom}")
    return _told((max(x, 0.0), max(y, 0.0), min(x + width, right), min(y + height, bottom)))


def _told(numbers: Sequence[float]) -> str:
    return " ".join(f"{number:.10g}" for number in numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _split_of(table: str, tables: Sequence[str]) -> str:
    """Return the split that the name of a table tells, where there are several tables."""
    stem = PurePosixPath(table).stem.casefold()
    return next((split for word, split in _SPLITS.items() if word in stem), "") if len(tables) > 1 else ""


COCO = Importer("coco", "boxes in COCO's form: a JSON file and its images", _recognises, _read)
