"""Recognising pairs of IDX files: ``train-images-idx3-ubyte[.gz]`` with ``train-labels-idx1-ubyte[.gz]`` …"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gyrus.data.files import Files, shown
from gyrus.data.layouts import Arrangement
from gyrus.data.manifest import Row
from gyrus.errors import DataError, LayoutError
from gyrus.imaging.idx import read_frames, read_labels

_IMAGES = re.compile(r"(?P<stem>(?:.*/)?[^/]*?)[-_.]?images[-_.]idx3-ubyte(?P<packed>\.gz)?", re.IGNORECASE)
_LABELS = re.compile(r"(?P<stem>(?:.*/)?[^/]*?)[-_.]?labels[-_.]idx1-ubyte(?P<packed>\.gz)?", re.IGNORECASE)
_SHOWN = 10
_SPLITS = (("train", "train"), ("t10k", "test"), ("test", "test"), ("val", "val"))


@dataclass(frozen=True, slots=True)
class _Pair:
    images: str
    labels: str
    split: str


def holds_idx(files: Files) -> bool:
    """Tell whether a folder without image files holds IDX files of images."""
    return not files.images and any(_IMAGES.fullmatch(name) for name in files.others)


def arrange_idx(folder: Path, files: Files) -> Arrangement:
    """Return a row for each image of the IDX files; those of ``train`` and ``t10k`` keep their split.

    Each file is unpacked once, here: one that is bad is told before anything else is done.

    Raises
    ------
    ImageError
        When a file is damaged, cut off, or not what its header says.
    DataError
        When images and labels are not as many.
    LayoutError
        When a file of labels is missing, or two files of images are for the same split.
    """
    pairs, notes = _pairs(folder, files.others)
    rows: list[Row] = []
    described = []
    for pair in pairs:
        count = len(rows)
        rows.extend(_rows(folder, pair))
        described.append(f"{pair.images} is {pair.split or 'without a split'}: {len(rows) - count} images")
    notes.append(f"The images lie in IDX files and are numbered from 0 ({'; '.join(described)}).")
    used = {name for pair in pairs for name in (pair.images, pair.labels)}
    others = [name for name in files.others if name not in used and not _named_like_idx(name)]
    if others:
        notes.append(f"{len(others)} other files are ignored: {shown(others, _SHOWN)}.")
    return Arrangement("IDX files", tuple(rows), 0, tuple(notes))


def _rows(folder: Path, pair: _Pair) -> Iterator[Row]:
    count = len(read_frames(folder / pair.images))
    labels = read_labels(folder / pair.labels).tolist()
    if len(labels) != count:
        raise DataError(
            f"holds {count:,} images, and {pair.labels} {len(labels):,} labels",
            path=folder / pair.images,
            fix="copy or download both files again",
        )
    for number, label in enumerate(labels):
        frame = str(number)
        yield Row(f"{pair.images}#{frame}", pair.images, str(label), split=pair.split, frame=frame)


def _pairs(folder: Path, names: Sequence[str]) -> tuple[list[_Pair], list[str]]:
    images, notes = _plain_first(_IMAGES, names)
    labels, _ = _plain_first(_LABELS, names)
    pairs = []
    for stem, name in images.items():
        if stem not in labels:
            wanted = re.sub("images([-_.])idx3", r"labels\1idx1", name, flags=re.IGNORECASE)
            raise LayoutError(f"holds {name}, but not its labels", path=folder, fix=f"add {wanted}")
        pairs.append(_Pair(name, labels[stem], _split_of(stem)))
    by_split: dict[str, str] = {}
    for pair in pairs:
        other = by_split.setdefault(pair.split, pair.images)
        if pair.split and other != pair.images:
            raise LayoutError(
                f"holds two IDX files of {pair.split} images: {other} and {pair.images}",
                path=folder,
                fix="keep one data set a folder",
            )
    return pairs, notes


def _plain_first(pattern: re.Pattern[str], names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return names by what stands before ``images``; of a file and its gzipped copy, the file."""
    found: dict[str, str] = {}
    notes = []
    for name in names:
        match = pattern.fullmatch(name)
        if match is None:
            continue
        former = found.setdefault(match["stem"].casefold(), name)
        if former != name:
            plain, packed = sorted((former, name), key=lambda one: one.lower().endswith(".gz"))
            found[match["stem"].casefold()] = plain
            notes.append(f"{plain} and {packed} are taken for the same images; the former is read.")
    return found, notes


def _split_of(stem: str) -> str:
    last = stem.rpartition("/")[2]
    return next((split for word, split in _SPLITS if word in last), "")


def _named_like_idx(name: str) -> bool:
    return bool(_IMAGES.fullmatch(name) or _LABELS.fullmatch(name))
