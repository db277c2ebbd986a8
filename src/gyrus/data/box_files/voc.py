"""Pascal VOC's form: an XML file per image (Everingham et al. 2010).

Corners are pixel numbers from 1, both included: ``xmin`` 1 and ``xmax`` 10 is ten pixels, 0 to 10 half-open.
VOC knows no score; an element ``score`` (or ``confidence``) of an object is read as one. Objects marked
``difficult`` are left out, as in VOC's own evaluation, with a note.
"""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

from gyrus.data.box_files.box_list import BoxList, Listed, Marked
from gyrus.data.box_files.image_places import image_source
from gyrus.data.box_files.problems import bad_items
from gyrus.errors import DataError

_LARGEST_BYTES = 16 << 20
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(folder: Path, images: Path | None) -> BoxList:
    """Read a folder of XML files.

    Raises
    ------
    DataError
        With bad objects, which are listed.
    """
    boxes: list[Marked] = []
    listed: list[Listed] = []
    problems: list[str] = []
    difficult = 0
    for path in sorted(folder.rglob("*.xml")):
        name = path.relative_to(folder).as_posix()
        root = _parsed(path)
        if isinstance(root, str):
            problems.append(f"{name}: {root}")
            continue
        image = path.relative_to(folder).with_suffix("").as_posix()
        listed.append(_image(root, image, name, (images, folder.parent / "JPEGImages", folder)))
        for number, element in enumerate(root.iter("object")):
            where = f"{name}, object {number}"
            if (element.findtext("difficult") or "").strip() == "1":
                difficult += 1
                continue
            found = _box(element, image, where)
            if isinstance(found, str):
                problems.append(f"{where}: {found}")
            else:
                boxes.append(found)
    if problems:
        raise bad_items(problems, folder, "an object has bndbox with xmin, ymin, xmax, ymax, and a name")
    notes = (f"{folder.name}: {difficult} objects marked difficult are left out.",) if difficult else ()
    return BoxList(folder, "Pascal VOC", tuple(boxes), tuple(listed), notes=notes)


def _parsed(path: Path) -> ElementTree.Element | str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    if len(data) > _LARGEST_BYTES:
        return f"has more than {_LARGEST_BYTES:,} bytes"
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # with which a small file can grow without bounds
        return "declares entities or a document type, which VOC's form has no use for"
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        return f"is no XML: {error}"


def _image(root: ElementTree.Element, image: str, name: str, folders: tuple[Path | None, ...]) -> Listed:
    file_name = (root.findtext("filename") or "").strip()
    sides = [_number(root.findtext(f"size/{side}")) for side in ("width", "height")]
    width, height = (side if side and side > 0 else None for side in sides)
    names = dict.fromkeys((file_name, Path(file_name).stem, Path(image).name)) if file_name else {}
    return Listed(
        image, tuple(part for part in names if part), width, height,
        source=image_source(file_name, *folders), where=name,
    )  # fmt: skip


def _box(element: ElementTree.Element, image: str, where: str) -> Marked | str:
    corners = [_number(element.findtext(f"bndbox/{name}")) for name in _CORNERS]
    missing = [name for name, value in zip(_CORNERS, corners, strict=True) if value is None]
    if missing:
        return f"bndbox has no number {', '.join(missing)}"
    text = element.findtext("score") or element.findtext("confidence")
    score = _number(text)
    if text is not None and score is None:
        return f"score {text.strip()[:20]!r} is no number"
    x0, y0, x1, y1 = (math.nan if value is None else value for value in corners)
    label = (element.findtext("name") or "").strip()
    return Marked(image, label, (x0 - 1, y0 - 1, x1, y1), score, where)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
