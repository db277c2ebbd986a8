"""YOLO's form: a text file per image, ``class x y width height [score]`` as shares of the image's sides.

x and y are the box's centre. The sizes come from the images themselves, which lie in a folder of their own
(``--images``), or in ``images`` beside ``labels``. Class names come from ``classes.txt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gyrus.data.box_files.box_list import BoxList, Listed, Marked
from gyrus.data.box_files.image_sizes import Sized, sized_images
from gyrus.data.box_files.problems import bad_items
from gyrus.data.files import shown
from gyrus.errors import DataError

_NAMES = "classes.txt"
_SHOWN = 5


def read_yolo(folder: Path, images: Path | None, *, scored: bool) -> BoxList:
    """Read a folder of text files.

    Parameters
    ----------
    folder : Path
    images : Path, optional
        Folder of the images; ``images`` in the place of ``labels`` by default.
    scored : bool
        Each line must have a sixth number, the score; else it must have none.

    Raises
    ------
    DataError
        Without images, or with bad lines, which are listed.
    """
    sizes = sized_images(_images_of(folder, images))
    names = _class_names(folder)
    boxes: list[Marked] = []
    problems: list[str] = []
    without_image = []
    files = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.rglob("*.txt"))
        if path.name != _NAMES
    }
    for stem, path in files.items():
        size = sizes.get(stem)
        if size is None:
            without_image.append(f"{path.relative_to(folder).as_posix()}: there is no image {stem}")
            continue
        found, bad = _lines(path, path.relative_to(folder).as_posix(), stem, size, scored=scored)
        boxes += found
        problems += bad
    problems += without_image
    if problems:
        columns = "class x y width height score" if scored else "class x y width height"
        raise bad_items(problems, folder, f"a line is: {columns}; x to height as shares of 0 to 1")
    listed = tuple(
        Listed(stem, one.names, one.width_px, one.height_px, source=one.source, where=f"image {stem}")
        for stem, one in sizes.items()
    )
    empty = [stem for stem in sizes if stem not in files]
    notes = []
    if empty and not scored:
        notes.append(
            f"{folder.name}: {len(empty)} images have no text file and count as without a lesion, as YOLO's "
            f"form has it: {shown(empty, _SHOWN)}."
        )
    return BoxList(
        folder, "YOLO", tuple(boxes), listed, class_names=names, classes_declared=bool(names), numbered=True,
        notes=tuple(notes),
    )  # fmt: skip


def _images_of(folder: Path, images: Path | None) -> Path:
    if images is not None:
        return images
    parts = list(folder.resolve().parts)
    if "labels" in parts:
        last = len(parts) - 1 - parts[::-1].index("labels")
        beside = Path(*parts[:last], "images", *parts[last + 1 :])
        if beside.is_dir():
            return beside
    raise DataError(
        "boxes in YOLO's form are shares of the images' sides, and the images are not found", path=folder,
        fix="name their folder: --images FOLDER",
    )  # fmt: skip


def _class_names(folder: Path) -> Mapping[str, str]:
    for place in (folder / _NAMES, folder.parent / _NAMES):
        if place.is_file():
            lines = _text(place).splitlines()
            return {str(number): line.strip() for number, line in enumerate(lines) if line.strip()}
    return {}


def _lines(path: Path, name: str, image: str, size: Sized, *, scored: bool) -> tuple[list[Marked], list[str]]:
    boxes, problems = [], []
    wanted = 6 if scored else 5
    for number, line in enumerate(_text(path).splitlines(), start=1):
        cells, where = line.split(), f"{name}, line {number}"
        if not cells:
            continue
        if scored and len(cells) == 5:
            problems.append(f"{where}: has no score (5 numbers; a sixth is expected)")
            continue
        if len(cells) != wanted:
            problems.append(f"{where}: has {len(cells)} numbers; expected {wanted}")
            continue
        try:
            x, y, width, height, *score = map(float, cells[1:])
        except ValueError:
            problems.append(f"{where}: {line.strip()[:60]!r} holds what is no number")
            continue
        corners = (
            (x - width / 2) * size.width_px, (y - height / 2) * size.height_px,
            (x + width / 2) * size.width_px, (y + height / 2) * size.height_px,
        )  # fmt: skip
        boxes.append(Marked(image, cells[0], corners, score[0] if score else None, where))
    return boxes, problems


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read as text: {error}", path=path) from error
