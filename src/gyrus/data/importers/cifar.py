"""CIFAR-10 and CIFAR-100 as published for Python: pickles of 32 x 32 colour images (Krizhevsky 2009).

``data_batch_1`` … ``data_batch_5``, ``test_batch``, ``batches.meta``; or ``train``, ``test``, ``meta``. They
are read without unpickling.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.config.importing import ImportOptions
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place, one_by_one
from gyrus.data.importers.plain_pickle import read_plain_pickle
from gyrus.data.manifest import Row
from gyrus.errors import DataError
from gyrus.imaging.source import read_file

SIDE = 32
_NUMBERS = 3 * SIDE * SIDE
_TEN = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}
_HUNDRED = {"train": "train", "test": "test"}
_META_TEN, _META_HUNDRED = "batches.meta", "meta"
_AGAIN = "fetch the set again: gyrus import FOLDER --download cifar10"


def _folder_of(place: Place, meta: str) -> str | None:
    """Return the folder (with ``/`` at its end, or empty) that holds the names of the classes."""
    return next((name[: -len(meta)] for name in place.files.others if PurePosixPath(name).name == meta), None)


def _recognises(place: Place) -> bool:
    ten = _folder_of(place, _META_TEN)
    if ten is not None and any(f"{ten}{batch}" in place.files.others for batch in _TEN):
        return True
    hundred = _folder_of(place, _META_HUNDRED)
    return hundred is not None and all(f"{hundred}{batch}" in place.files.others for batch in _HUNDRED)


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    ten = _folder_of(place, _META_TEN)
    meta, batches, label = (
        (_META_TEN, _TEN, "label") if ten is not None else (_META_HUNDRED, _HUNDRED, "fine_label")
    )
    inside = ten if ten is not None else _folder_of(place, _META_HUNDRED)
    if inside is None:
        raise DataError(f"holds neither {_META_TEN} nor {_META_HUNDRED}", path=place.source, fix=_AGAIN)
    names = _class_names(place.folder / f"{inside}{meta}", f"{label}_names")
    found = {batch: split for batch, split in batches.items() if f"{inside}{batch}" in place.files.others}
    rows = [
        row
        for batch, split in found.items()
        for row in _batch(place.folder / f"{inside}{batch}", batch, split, f"{label}s", names, store)
    ]
    notes = [
        f"{len(rows)} images of {len(names)} classes; Python's batches are no format that gyrus reads: the "
        "images are written as PNG with their numbers unchanged.",
        "test_batch (test) is kept as the test set; the set names no subjects.",
    ]
    missing = sorted(batches.keys() - found.keys())
    if missing:
        notes.append(f"Missing, and left out: {', '.join(missing)}.")
    return Imported(tuple(rows), tuple(notes))


def _class_names(path: Path, key: str) -> list[str]:
    names = _value(read_plain_pickle(read_file(path), str(path)), key, path)
    if not isinstance(names, list) or not names:
        raise DataError(f"holds no list {key}", path=path, fix=_AGAIN)
    return [_text(name) for name in names]


def _batch(
    path: Path, batch: str, split: str, key: str, names: list[str], store: ImageStore
) -> Iterator[Row]:
    content = read_plain_pickle(read_file(path), str(path))
    labels = _value(content, key, path)
    pixels = _pixels(_value(content, "data", path), path)
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise DataError(
            f"holds {len(pixels)} images and {len(labels) if isinstance(labels, list) else 'no'} labels",
            path=path,
            fix=_AGAIN,
        )
    for number in one_by_one(range(len(pixels))):
        label, image = labels[number], pixels[number]
        if not isinstance(label, int) or not 0 <= label < len(names):
            raise DataError(f"image {number} has the label {label!r} of {len(names)} classes", path=path)
        name = names[label]
        written = store.pixels(f"{split}/{name}/{batch}-{number:05d}", image)
        yield Row(f"{batch}#{number}", written, name, split=split)


def _pixels(data: Any, path: Path) -> npt.NDArray[np.uint8]:
    """Return images (n, 32, 32, 3); they are stored as all red, then all green, then all blue."""
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != _NUMBERS:
        found = "x".join(map(str, data.shape)) if isinstance(data, np.ndarray) else type(data).__name__
        raise DataError(f"holds {found}; expected n x {_NUMBERS} bytes", path=path, fix=_AGAIN)
    return data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)


def _value(content: Any, key: str, path: Path) -> Any:
    """Return a value by its key, which is text in files of Python 3 and bytes in those of Python 2."""
    if isinstance(content, dict):
        for spelling in (key, key.encode()):
            if spelling in content:
                return content[spelling]
    raise DataError(f"holds no {key!r}", path=path, fix=_AGAIN)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


CIFAR = Importer("cifar", "CIFAR-10 and CIFAR-100: batches for Python", _recognises, _read)
