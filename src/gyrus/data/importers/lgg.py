"""The set of lower-grade gliomas ``kaggle_3m``: a folder a patient, ``…_N.tif`` beside ``…_N_mask.tif``.

110 patients of The Cancer Imaging Archive, with masks of the abnormality on FLAIR (Buda et al. 2019). The
three channels of an image are three sequences: before contrast, FLAIR, after contrast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from gyrus.config.importing import ImportOptions
from gyrus.data.importers.cheng import box_of
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place, one_by_one
from gyrus.data.manifest import Row
from gyrus.data.table import read_table
from gyrus.errors import DataError
from gyrus.imaging import decode
from gyrus.imaging.source import read_file

LESION, NONE = "lesion", "no_lesion"
_SLICE = re.compile(r"(?P<patient>TCGA_[A-Z0-9]{2}_[A-Z0-9]+)_\d{8}_(?P<number>\d+)", re.IGNORECASE)
_MASK = "_mask"
_TABLE = "data.csv"


def _pairs(place: Place) -> dict[str, str]:
    """Return image -> mask; an image without a mask has an empty one."""
    stems = {PurePosixPath(name).with_suffix("").as_posix(): name for name in place.files.images}
    return {name: stems.get(stem + _MASK, "") for stem, name in stems.items() if not stem.endswith(_MASK)}


def _recognises(place: Place) -> bool:
    names = (PurePosixPath(name).stem for name in place.files.images)
    return any(_SLICE.fullmatch(stem.removesuffix(_MASK)) for stem in names)


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    pairs = _pairs(place)
    strangers = [name for name in pairs if not _SLICE.fullmatch(PurePosixPath(name).stem)]
    without = [name for name, mask in pairs.items() if not mask]
    if strangers or without or not pairs:
        raise DataError(
            f"{len(strangers)} of {len(pairs)} images are not named as kaggle_3m names them, "
            f"{len(without)} have no mask beside them",
            path=place.source,
            details=[*strangers, *without],
            fix="images are called TCGA_XX_NNNN_DATE_N.tif, masks TCGA_XX_NNNN_DATE_N_mask.tif",
        )
    facts = _facts(place)
    rows = tuple(_row(place.folder, name, pairs[name], facts) for name in one_by_one(list(pairs)))
    marked = sum(row.label == LESION for row in rows)
    return Imported(
        rows,
        (
            f"{len(rows)} slices of {len({row.subject_id for row in rows})} patients; gyrus reads them where "
            "they lie.",
            f"The class comes from the mask: {LESION} where it marks anything ({marked}), else {NONE}.",
            "Red, green and blue are three sequences (before contrast, FLAIR, after contrast): read with "
            "--color rgb; as grey they are mixed.",
        ),
    )


def _row(folder: Path, name: str, mask: str, facts: Mapping[str, dict[str, str]]) -> Row:
    match = _SLICE.fullmatch(PurePosixPath(name).stem)
    patient = match["patient"] if match else ""
    marked = marks(folder / mask, folder / name)
    return Row(
        image_id=name,
        path=name,
        label=LESION if marked.any() else NONE,
        subject_id=patient,
        subject_source="folder",
        mask=mask,
        boxes=box_of(marked),
        facts={
            "modality": "MR",
            "slice": match["number"] if match else "",
            **facts.get(patient, {}),
        },
    )


def marks(mask: Path, image: Path) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return what a mask file marks, bool (height, width).

    Raises
    ------
    ImageError
        When one of the two cannot be read.
    DataError
        When they have other sizes.
    """
    marked = decode(read_file(mask), name=str(mask)).pixels
    shown = decode(read_file(image), name=str(image)).pixels
    if marked.shape[:2] != shown.shape[:2]:
        raise DataError(
            f"the mask is {marked.shape[1]} x {marked.shape[0]}, its image {image.name} "
            f"{shown.shape[1]} x {shown.shape[0]}",
            path=mask,
            fix="copy both files again",
        )
    flat = marked if marked.ndim == 2 else marked.max(axis=2)
    result: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = flat != 0
    return result


def _facts(place: Place) -> dict[str, dict[str, str]]:
    """Return what ``data.csv`` tells of the patients (genomic clusters, grade …), where it lies."""
    tables = [name for name in place.files.others if PurePosixPath(name).name.lower() == _TABLE]
    if not tables:
        return {}
    table = read_table(place.folder / tables[0])
    key = next((column for column in table.columns if column.lower() == "patient"), None)
    if key is None:
        return {}
    wanted = {c for c in table.columns if c != key and ("cluster" in c.lower() or "grade" in c.lower()
              or "histological" in c.lower() or "location" in c.lower())}  # fmt: skip
    return {
        record.cells[key]: {column: record.cells[column] for column in table.columns if column in wanted}
        for record in table.records
    }


LGG = Importer("lgg", "kaggle_3m: lower-grade gliomas with masks", _recognises, _read)
