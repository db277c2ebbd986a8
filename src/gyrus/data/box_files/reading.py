"""Which form a file or folder of boxes has, by what it is, and reading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.data.box_files.box_list import BoxList
from gyrus.data.box_files.coco import read_coco
from gyrus.data.box_files.mask_boxes import read_predicted_masks, read_true_masks
from gyrus.data.box_files.table_boxes import read_table_boxes
from gyrus.data.box_files.voc import read_voc
from gyrus.data.box_files.yolo import read_yolo
from gyrus.data.files import list_files, shown
from gyrus.errors import DataError
from gyrus.metrics.detection.components import Connectivity

_FORMS = "a COCO file (.json), a table (.csv), a folder of YOLO's .txt or Pascal VOC's .xml files"
_NOT_BOXES = frozenset({"classes.txt", "readme.txt", "license.txt", "notes.txt"})
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """How boxes are read.

    Attributes
    ----------
    images : Path or None
        Folder of the images, for sizes (YOLO) and pictures.
    masks : bool
        A folder of images is masks; of a manifest the masks are taken, not the boxes.
    mask_level : float
        Probability from which on a pixel of a predicted mask belongs to a part.
    connectivity : {4, 8}
    """

    images: Path | None = None
    masks: bool = False
    mask_level: float = 0.5
    connectivity: Connectivity = 8


def read_boxes(path: Path, role: Literal["predictions", "truth"], reading: Reading) -> BoxList:
    """Read boxes of any known form.

    Raises
    ------
    DataError
        When the form is not known or several are mixed, and as the readers say.
    """
    if not path.exists():
        raise DataError("does not exist", path=path, fix=f"name the {role}: {_FORMS}")
    if path.is_file():
        return _file(path, role, reading)
    return _folder(path, role, reading)


def _file(path: Path, role: str, reading: Reading) -> BoxList:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_coco(path, reading.images)
    if suffix in (".csv", ".tsv"):
        if reading.masks and role == "truth":
            return read_true_masks(path, reading.images, reading.connectivity)
        return read_table_boxes(path, reading.images)
    raise DataError(
        f"ends in {suffix or 'nothing'!r}; boxes are {_FORMS}", path=path, fix="name one of these"
    )


def _folder(path: Path, role: str, reading: Reading) -> BoxList:
    files = list_files(path)
    by_form = {
        "YOLO (.txt)": [name for name in files.others if _is(name, ".txt")],
        "Pascal VOC (.xml)": [name for name in files.others if _is(name, ".xml")],
        "COCO (.json)": [name for name in files.others if _is(name, ".json")],
    }
    found = {form: names for form, names in by_form.items() if names}
    if reading.masks and files.images and not found:
        if role == "truth":
            return read_true_masks(path, reading.images, reading.connectivity)
        return read_predicted_masks(path, reading.mask_level, reading.connectivity)
    if len(found) > 1:
        raise DataError(
            f"mixes {' and '.join(found)}", path=path,
            details=[f"{form}: {shown(names, _SHOWN)}" for form, names in found.items()],
            fix="a folder holds boxes in one form",
        )  # fmt: skip
    if "YOLO (.txt)" in found:
        return read_yolo(path, reading.images, scored=role == "predictions")
    if "Pascal VOC (.xml)" in found:
        return read_voc(path, reading.images)
    if "COCO (.json)" in found:
        fix = f"name the file itself: {path / found['COCO (.json)'][0]}"
    else:
        fix = "masks are read with --masks" if files.images else f"name {_FORMS}"
    raise DataError("holds no boxes of a known form", path=path, fix=fix)


def _is(name: str, suffix: str) -> bool:
    path = Path(name)
    return path.suffix.lower() == suffix and path.name.lower() not in _NOT_BOXES
