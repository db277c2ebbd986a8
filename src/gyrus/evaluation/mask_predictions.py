"""The predictions file of a segmentation: a row per image, naming the predicted mask.

::

    image_id,subject_id,mask,classes,task
    a.png,P7,masks-test/a.png.png,edema|tumour,segment

``mask`` is the path of an 8-bit image, relative to the file: 0 background, ``i`` the class number ``i`` in
the order of ``classes`` (joined by ``|``, the same in every row). A column ``fold`` is written for pooled
predictions of a cross-validation, ``group_id`` where images are grouped otherwise than by patient.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from gyrus.data.masks import stored_values
from gyrus.data.table import Record, Table, read_table
from gyrus.errors import LeakageError, PredictionsError
from gyrus.evaluation.predictions import LABEL_SEPARATOR, default_groups
from gyrus.imaging.source import Source
from gyrus.runs.atomic import write_text

SEGMENT = "segment"
_NEEDED = ("image_id", "mask", "classes")


@dataclass(frozen=True, slots=True)
class MaskPredictions:
    """Where the predicted masks of a set of images lie.

    Attributes
    ----------
    image_ids : tuple of str
        (n,) names of the images, each once.
    subject_ids : tuple of str
        (n,) patients; empty where unknown.
    masks : tuple of Path
        (n,) files.
    classes : tuple of str
        The class ``classes[i]`` has the number ``i + 1`` in the masks.
    folds : tuple of str
        (n,) fold of a cross-validation that each image was held out in; () where there is none.
    group_ids : tuple of str
        (n,) what intervals cluster by; () for the patient, or the image where that is unknown.

    Raises
    ------
    PredictionsError
        When the lengths differ, or an image stands twice.
    """

    image_ids: tuple[str, ...]
    subject_ids: tuple[str, ...]
    masks: tuple[Path, ...]
    classes: tuple[str, ...]
    folds: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = len(self.image_ids)
        wrong = [
            f"{name} has {len(values)}"
            for name, values in (
                ("subject_ids", self.subject_ids), ("masks", self.masks),
                ("folds", self.folds or self.image_ids), ("group_ids", self.group_ids or self.image_ids),
            )
            if len(values) != size
        ]  # fmt: skip
        if wrong:
            raise PredictionsError(f"of {size} images, {', '.join(wrong)} entries")
        if len(set(self.image_ids)) < size:
            twice = sorted({name for name in self.image_ids if self.image_ids.count(name) > 1})
            raise PredictionsError(
                f"{len(twice)} images stand twice", details=twice, fix="give each image one predicted mask"
            )
        if not self.group_ids:
            object.__setattr__(self, "group_ids", default_groups(self.subject_ids, self.image_ids))

    def __len__(self) -> int:
        return len(self.image_ids)


def mask_file_name(image_id: str) -> str:
    """Return the name of a predicted mask's file: the image's, written so that no folder is in it.

    >>> mask_file_name("glioma/a 1.png")
    'glioma%2Fa%201.png.png'
    """
    return quote(image_id, safe="") + ".png"


def write_mask_predictions(predictions: MaskPredictions, path: Path) -> None:
    """Write the file; paths of masks become relative to it.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    folder = path.resolve().parent
    usual = predictions.group_ids == default_groups(predictions.subject_ids, predictions.image_ids)
    head = ["image_id", "subject_id", "mask", *(["fold"] if predictions.folds else []),
            *([] if usual else ["group_id"]), "classes", "task"]  # fmt: skip
    joined = LABEL_SEPARATOR.join(predictions.classes)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    for number, image_id in enumerate(predictions.image_ids):
        place = os.path.relpath(predictions.masks[number].resolve(), folder).replace(os.sep, "/")
        row = [image_id, predictions.subject_ids[number], place]
        row += [predictions.folds[number]] if predictions.folds else []
        row += [] if usual else [predictions.group_ids[number]]
        writer.writerow([*row, joined, SEGMENT])
    write_text(path, buffer.getvalue())


def is_mask_predictions(path: Path) -> bool:
    """Tell the predictions file of a segmentation by its header."""
    if not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline(65_536)
    except (OSError, UnicodeDecodeError):
        return False
    columns = {cell.strip().strip('"') for cell in header.split(",")}
    return columns.issuperset(_NEEDED) and "path" not in columns


def read_mask_predictions(path: Path) -> MaskPredictions:
    """Read the predictions file of a segmentation.

    Raises
    ------
    PredictionsError
        When columns are absent, rows name no image or no mask, or the classes differ between rows.
    DataError
        When the file cannot be read.
    """
    table = read_table(path)
    absent = [name for name in _NEEDED if name not in table.columns]
    if absent:
        raise PredictionsError(
            f"has no column {' and '.join(absent)}; its columns are {', '.join(table.columns)}",
            path=path,
            fix="predicted masks are listed with image_id, mask and classes",
        )
    _check_rows(table, path)
    records = table.records
    return MaskPredictions(
        image_ids=_column(records, "image_id"),
        subject_ids=_column(records, "subject_id"),
        masks=tuple(path.parent / record.cells["mask"].strip() for record in records),
        classes=tuple(records[0].cells["classes"].split(LABEL_SEPARATOR)),
        folds=_column(records, "fold") if "fold" in table.columns else (),
        group_ids=_column(records, "group_id") if "group_id" in table.columns else (),
    )


def pool_masks(parts: Sequence[MaskPredictions], names: Sequence[str]) -> MaskPredictions:
    """Put the out-of-fold masks of a cross-validation together; ``folds`` tells where each comes from.

    Raises
    ------
    PredictionsError
        When the classes differ, or an image stands in two folds.
    LeakageError
        When a patient stands in two folds: each of their models has seen images of the patient.
    """
    first = parts[0]
    for name, part in zip(names, parts, strict=True):
        if part.classes != first.classes:
            raise PredictionsError(
                f"fold {name} has the classes {', '.join(part.classes)}, fold {names[0]} "
                f"{', '.join(first.classes)}",
                fix="pool folds of one segmentation",
            )
    whose: dict[str, set[str]] = {}
    for name, part in zip(names, parts, strict=True):
        for subject in filter(None, part.subject_ids):
            whose.setdefault(subject, set()).add(name)
    shared = [f"{subject}: {', '.join(sorted(folds))}" for subject, folds in whose.items() if len(folds) > 1]
    if shared:
        raise LeakageError(
            f"{len(shared)} patients stand in several folds: the models that answered have seen them",
            details=shared,
            fix="divide by patient (gyrus split DATA) and train again",
        )
    return MaskPredictions(
        image_ids=tuple(one for part in parts for one in part.image_ids),
        subject_ids=tuple(one for part in parts for one in part.subject_ids),
        masks=tuple(one for part in parts for one in part.masks),
        classes=first.classes,
        folds=tuple(name for name, part in zip(names, parts, strict=True) for _ in range(len(part))),
        group_ids=tuple(one for part in parts for one in part.group_ids),
    )


def select_images(predictions: MaskPredictions, keep: Callable[[str], bool]) -> MaskPredictions:
    """Return the predictions of the images whose ``image_id`` is to be kept."""
    chosen = [number for number, image_id in enumerate(predictions.image_ids) if keep(image_id)]
    return MaskPredictions(
        image_ids=tuple(predictions.image_ids[number] for number in chosen),
        subject_ids=tuple(predictions.subject_ids[number] for number in chosen),
        masks=tuple(predictions.masks[number] for number in chosen),
        classes=predictions.classes,
        folds=tuple(predictions.folds[number] for number in chosen) if predictions.folds else (),
        group_ids=tuple(predictions.group_ids[number] for number in chosen),
    )


def read_predicted(path: Path, size: tuple[int, int], n_classes: int) -> npt.NDArray[np.uint8]:
    """Return a predicted mask: class numbers, (height, width).

    Of one class any number but 0 is the class, so that masks of others (0 and 255) can be read.

    Parameters
    ----------
    path : Path
    size : tuple of int
        Height and width of the true mask.
    n_classes : int

    Raises
    ------
    PredictionsError
        When the mask is absent, has another size, or holds numbers that are no class.
    """
    if not path.is_file():
        raise PredictionsError("does not exist", path=path, fix="predict the masks again")
    stored = stored_values(Source(path))
    if stored.shape != size:
        raise PredictionsError(
            f"the predicted mask is {stored.shape[1]} x {stored.shape[0]}, the true one "
            f"{size[1]} x {size[0]}",
            path=path,
            fix="masks are predicted at the size of the original image",
        )
    if n_classes == 1:
        marked: npt.NDArray[np.uint8] = (stored != 0).astype(np.uint8)
        return marked
    if int(stored.max(initial=0)) > n_classes:
        raise PredictionsError(
            f"holds {int(stored.max())}; with {n_classes} classes a mask holds 0 to {n_classes}", path=path
        )
    return stored.astype(np.uint8)


def _check_rows(table: Table, path: Path) -> None:
    problems = [
        f"line {record.line}: no {name}"
        for record in table.records
        for name in _NEEDED
        if not record.cells.get(name, "").strip()
    ]
    if problems:
        raise PredictionsError(
            f"{len(problems)} bad rows", path=path, details=problems, fix="fill in these cells"
        )
    if not table.records:
        raise PredictionsError("has no row", path=path, fix="predict the masks again")
    told = {record.cells["classes"] for record in table.records}
    if len(told) > 1:
        raise PredictionsError(
            f"has {len(told)} different lists of classes", path=path, details=sorted(told),
            fix="all masks of a file have the same classes",
        )  # fmt: skip


def _column(records: Sequence[Record], name: str) -> tuple[str, ...]:
    return tuple(record.cells.get(name, "").strip() for record in records)
