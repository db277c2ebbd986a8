"""Boxes in a CSV table, a row per box, and in the manifest of gyrus.

::

    image_id,label,x0,y0,x1,y1,score
    scan-1.png,glioma,12,30,55,71,0.93

Columns ``width_px``, ``height_px``, ``subject_id``, ``scan_id`` and ``path`` are read where they stand. An
image without a lesion has a row whose corners are empty.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath

from gyrus.data.box_files.box_list import BoxList, Listed, Marked
from gyrus.data.box_files.image_places import image_source
from gyrus.data.box_files.problems import bad_items
from gyrus.data.manifest import read_manifest
from gyrus.data.table import Record, Table, read_table
from gyrus.errors import DataError

CORNERS = ("x0", "y0", "x1", "y1")
_OTHER_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
)
_FIX = "columns image_id,label,x0,y0,x1,y1,score; an image without a lesion has a row with empty corners"


def read_table_boxes(path: Path, images_in: Path | None = None) -> BoxList:
    """Read a CSV table of boxes, or a manifest (it has the columns ``path`` and ``boxes``).

    The images of a table lie in ``images_in`` or beside it, by the column ``path`` or by their ids.

    Raises
    ------
    DataError
        For missing columns, and for bad rows, which are listed by line.
    """
    table = read_table(path)
    if {"path", "boxes"} <= set(table.columns):
        return _manifest(path)
    corners = _corner_columns(table)
    boxes: list[Marked] = []
    images: dict[str, Listed] = {}
    problems: list[str] = []
    for record in table.records:
        where = f"line {record.line}"
        image = record.cells["image_id"].strip()
        if not image:
            problems.append(f"{where}: image_id is empty")
            continue
        listed = _listed(record, image, (images_in, path.parent), where)
        if isinstance(listed, str):
            problems.append(f"{where}: {listed}")
            continue
        former = images.setdefault(image, listed)
        if _facts(former) != _facts(listed):
            problems.append(f"{where}: says otherwise of image {image!r} than {former.where}")
        found = _box(record, image, corners, where)
        if isinstance(found, str):
            problems.append(f"{where}: {found}")
        elif found is not None:
            boxes.append(found)
    if problems:
        raise bad_items(problems, path, _FIX)
    return BoxList(path, "CSV", tuple(boxes), tuple(images.values()))


def _corner_columns(table: Table) -> tuple[str, ...]:
    columns = set(table.columns)
    named = [names for names in (CORNERS, *_OTHER_CORNERS) if set(names) <= columns]
    if len(named) > 1 or (named and {"width", "height"} <= columns):
        raise DataError(
            f"gives corners in more than one way; its columns are {', '.join(table.columns)}",
            path=table.path, fix="leave one: x0, y0, x1, y1",
        )  # fmt: skip
    missing = [] if named else [name for name in CORNERS if name not in columns]
    missing = ["image_id", *missing] if "image_id" not in columns else missing
    if missing:
        raise DataError(
            f"has no column {', '.join(missing)}; its columns are {', '.join(table.columns)}",
            path=table.path, fix=_FIX,
        )  # fmt: skip
    return named[0]


def _box(record: Record, image: str, corners: tuple[str, ...], where: str) -> Marked | str | None:
    cells = [record.cells[name].strip() for name in corners]
    score = record.cells.get("score", "").strip()
    if not any(cells):
        return "has a score but no corners" if score else None
    numbers = []
    for name, cell in zip((*corners, "score"), (*cells, score), strict=True):
        if name == "score" and not cell:
            continue
        try:
            numbers.append(float(cell))
        except ValueError:
            return f"{name} is {cell!r}, which is no number"
    return Marked(
        image, record.cells.get("label", record.cells.get("class", "")).strip(),
        (numbers[0], numbers[1], numbers[2], numbers[3]), numbers[4] if score else None, where,
    )  # fmt: skip


def _listed(record: Record, image: str, folders: tuple[Path | None, ...], where: str) -> Listed | str:
    sides: list[float | None] = []
    for name in ("width_px", "height_px"):
        cell = record.cells.get(name, "").strip()
        try:
            side = float(cell) if cell else None
        except ValueError:
            return f"{name} is {cell!r}, which is no number"
        if side is not None and not 0 < side < math.inf:
            return f"{name} is {cell!r}; expected pixels, above 0"
        sides.append(side)
    file = record.cells.get("path", "").strip() or image
    pure = PurePosixPath(image)
    return Listed(
        image, tuple(dict.fromkeys((pure.name, pure.stem))), sides[0], sides[1],
        subject_id=record.cells.get("subject_id", "").strip(),
        scan_id=record.cells.get("scan_id", "").strip(),
        source=image_source(file, *folders), where=where,
    )  # fmt: skip


def _facts(listed: Listed) -> tuple[object, ...]:
    return listed.width_px, listed.height_px, listed.subject_id, listed.scan_id


def _manifest(path: Path) -> BoxList:
    manifest = read_manifest(path)
    boxes, problems, images = [], [], []
    for number, row in enumerate(manifest):
        where = f"row {number + 1} ({row.image_id})"
        pure = PurePosixPath(row.image_id)
        source = manifest.source_of(row)
        images.append(
            Listed(
                row.image_id, tuple(dict.fromkeys((pure.name, pure.stem))), row.width_px, row.height_px,
                subject_id=row.subject_id, scan_id=row.facts.get("scan_id", ""),
                source=source if source.path.is_file() else None, where=where,
            )
        )  # fmt: skip
        parts = [part for part in row.boxes.split(";") if part.strip()]
        labels = row.facts.get("box_labels", "").split(";") if row.facts.get("box_labels") else []
        if labels and len(labels) != len(parts):
            problems.append(f"{where}: {len(parts)} boxes, {len(labels)} box_labels")
            continue
        for place, part in enumerate(parts):
            try:
                x0, y0, x1, y1 = map(float, part.split())
            except ValueError:
                problems.append(f"{where}: box {part.strip()[:60]!r} is not x0 y0 x1 y1")
                continue
            boxes.append(
                Marked(row.image_id, labels[place] if labels else row.label, (x0, y0, x1, y1), None, where)
            )
    if problems:
        raise bad_items(problems, path, "a manifest's boxes are x0 y0 x1 y1, joined by ;")
    return BoxList(path, "manifest", tuple(boxes), tuple(images))
