"""COCO's forms: a data set (object with images, annotations, categories) and results (list of boxes).

Lin et al. 2014. A box is ``[x, y, width, height]`` in pixels from the top left. Further keys of an image that
are read: ``subject_id`` (or ``patient_id``) and ``scan_id``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from gyrus.data.box_files.box_list import BoxList, Listed, Marked
from gyrus.data.box_files.image_places import image_source
from gyrus.data.box_files.problems import bad_items
from gyrus.errors import DataError

_LARGEST_BYTES = 1 << 30
_FIX = "COCO's bbox is [x, y, width, height]; see docs/reference/froc.md"


def read_coco(path: Path, images: Path | None) -> BoxList:
    """Read a data set or results; images lie in the folder ``images``, where it is given, or beside the file.

    Crowd regions (``iscrowd``) are left out, with a note.

    Raises
    ------
    DataError
        When it is no JSON of these forms; bad items are listed by number.
    """
    content = _parsed(path)
    if isinstance(content, list):
        return BoxList(path, "COCO", _results(content, path), numbered=True)
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise DataError(
            "is neither a list of boxes nor an object with images and annotations", path=path,
            fix="COCO's results are a list of {image_id, category_id, bbox, score}",
        )  # fmt: skip
    return _data_set(content, path, images)


def _parsed(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise DataError(f"has more than {_LARGEST_BYTES:,} bytes", path=path, fix="divide it")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    except RecursionError as error:
        raise DataError("is nested too deeply", path=path, fix="copy the file again") from error
    except ValueError as error:
        raise DataError(f"is no JSON: {error}", path=path, fix="copy the file again") from error


def _results(items: list[Any], path: Path) -> tuple[Marked, ...]:
    boxes, problems = [], []
    for number, item in enumerate(items):
        found = _box(item, f"item {number}")
        if isinstance(found, str):
            problems.append(f"item {number}: {found}")
        else:
            boxes.append(found)
    if problems:
        raise bad_items(problems, path, _FIX)
    return tuple(boxes)


def _data_set(content: Mapping[str, Any], path: Path, folder: Path | None) -> BoxList:
    categories = content.get("categories", [])
    items = content.get("images")
    if not isinstance(items, list) or not isinstance(categories, list):
        raise DataError("has no list 'images' or 'categories'", path=path, fix="COCO's form has both")
    problems: list[str] = []
    images = []
    for number, item in enumerate(items):
        listed = _image(item, f"image {number}", (folder, path.parent))
        problems += [f"image {number}: {listed}"] if isinstance(listed, str) else []
        images += [listed] if isinstance(listed, Listed) else []
    boxes, crowds = [], 0
    for number, item in enumerate(content["annotations"]):
        if isinstance(item, dict) and item.get("iscrowd"):
            crowds += 1
            continue
        found = _box(item, f"annotation {number}")
        if isinstance(found, str):
            problems.append(f"annotation {number}: {found}")
        else:
            boxes.append(found)
    if problems:
        raise bad_items(problems, path, _FIX)
    names = {
        str(item.get("id")): str(item.get("name", item.get("id")))
        for item in categories
        if isinstance(item, dict)
    }
    notes = [f"{path.name}: {crowds} regions of crowds (iscrowd) are left out."] if crowds else []
    return BoxList(
        path, "COCO", tuple(boxes), tuple(images), class_names=names, classes_declared=bool(names),
        numbered=True, notes=tuple(notes),
    )  # fmt: skip


def _box(item: Any, where: str) -> Marked | str:
    """Return a box, or what is wrong with it."""
    if not isinstance(item, dict):
        return f"{str(item)[:40]!r} is no object with image_id and bbox"
    missing = [name for name in ("image_id", "bbox") if name not in item]
    if missing:
        has = ", ".join(sorted(map(str, item))[:8]) or "nothing"
        return f"has no {' and no '.join(missing)}; it has {has}"
    box, score = item["bbox"], item.get("score")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        return f"bbox {str(box)[:60]} is not [x, y, width, height]"
    if score is not None and not _is_number(score):
        return f"score {str(score)[:20]!r} is no number"
    x, y, width, height = map(float, box)
    return Marked(
        str(item["image_id"]),
        _text(item.get("category_id")),
        (x, y, x + width, y + height),
        None if score is None else float(score),
        where,
    )


def _image(item: Any, where: str, folders: tuple[Path | None, ...]) -> Listed | str:
    if not isinstance(item, dict) or "id" not in item:
        return "has no id"
    name = str(item.get("file_name", ""))
    pure = PurePosixPath(name)
    size = [item.get(key) for key in ("width", "height")]
    if any(value is not None and not (_is_number(value) and value > 0) for value in size):
        return f"width and height are {size}; expected pixels, or neither"
    return Listed(
        image_id=str(item["id"]),
        names=tuple(dict.fromkeys(part for part in (name, pure.name, pure.stem) if part)),
        width_px=size[0],
        height_px=size[1],
        subject_id=_text(item.get("subject_id", item.get("patient_id"))),
        scan_id=_text(item.get("scan_id")),
        source=image_source(name, *folders),
        where=where,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
