"""Cheng's brain tumour set as published: a folder of ``.mat`` files, one slice each."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from gyrus.config.importing import ImportOptions
from gyrus.data.files import natural_key
from gyrus.data.importers.cheng_file import ChengSlice, looks_like_matlab, read_cheng
from gyrus.data.importers.image_store import ImageStore, unsigned
from gyrus.data.importers.imported import Imported, Importer, Place, one_by_one
from gyrus.data.manifest import Row
from gyrus.errors import DataError

_EXAM = re.compile(r"(MR\d+)[A-Z]")
_ASIDE = frozenset({"cvind.mat"})  # the publication's folds: by slice numbers of the whole set


def _files(place: Place) -> list[str]:
    names = [name for name in place.files.others if name.lower().endswith(".mat")]
    return [name for name in names if PurePosixPath(name).name.lower() not in _ASIDE]


def _recognises(place: Place) -> bool:
    names = _files(place)
    return bool(names) and looks_like_matlab(place.folder / names[0])


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    names = sorted(_files(place), key=natural_key)
    if not names:
        raise DataError("holds no .mat files", path=place.source, fix="name the folder of Cheng's files")
    rows = [_row(name, read_cheng(place.folder / name), store) for name in one_by_one(names)]
    exams = len({row.facts["exam_id"] for row in rows})
    patients = len({row.subject_id for row in rows})
    notes = [
        f"{len(rows)} slices of {patients} patients; MATLAB v7.3 is no format that gyrus reads: images are "
        "written as 16-bit PNG with the numbers of the files, masks as 8-bit PNG."
    ]
    if exams != patients:
        notes.append(
            f"{exams} ids of exams belong to {patients} patients: MR…B, MR…C are taken for exams of one "
            "(column exam_id keeps the id as published)."
        )
    return Imported(tuple(rows), tuple(notes))


def _row(name: str, found: ChengSlice, store: ImageStore) -> Row:
    stem = PurePosixPath(name).with_suffix("").as_posix()
    pixels, shifted = unsigned(found.image, name)
    mask, boxes = "", ""
    if found.mask is not None:
        mask = store.pixels(f"masks/{stem}", found.mask.astype(np.uint8) * 255)
        boxes = box_of(found.mask)
    return Row(
        image_id=name,
        path=store.pixels(f"images/{stem}", pixels),
        label=found.label,
        subject_id=patient_of(found.patient),
        subject_source="column",
        mask=mask,
        boxes=boxes,
        notes=shifted,
        facts={
            "exam_id": found.patient,
            "modality": "MR",
            "sequence": "T1 with contrast",
            "tumor_border": " ".join(f"{value:g}" for value in found.border),
        },
    )


def patient_of(exam: str) -> str:
    """Return the patient of an id of Cheng's: ``MR040240B`` and ``MR040240C`` are exams of ``MR040240``."""
    match = _EXAM.fullmatch(exam)
    return match[1] if match else exam


def box_of(mask: npt.NDArray[np.bool_]) -> str:
    """Return the box around what a mask marks, ``x0 y0 x1 y1`` half-open; empty where it marks nothing."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return ""
    return f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}"


CHENG = Importer("cheng", "Cheng's brain tumour set: MATLAB v7.3 files", _recognises, _read)
