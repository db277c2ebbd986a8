"""Which images ``gyrus predict`` is asked about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gyrus.data import read_manifest
from gyrus.data.files import list_files, shown
from gyrus.errors import DataError, UsageError
from gyrus.imaging import IMAGE_SUFFIXES
from gyrus.imaging.idx import holds_many, read_frames
from gyrus.imaging.source import Source
from gyrus.inference.evidence import Asked

logger = logging.getLogger("gyrus")

By = Literal["patient", "folder"]


def asked_of(given: tuple[Path, ...], by: By | None) -> list[Asked]:
    """Return every image that a command names, with the group that it is taken together with.

    Parameters
    ----------
    given : tuple of Path
        Images, folders, IDX files, manifests.
    by : {"patient", "folder"} or None

    Raises
    ------
    UsageError
        When nothing is named, or patients are asked for and not known.
    DataError
        For a folder without an image, or a manifest that cannot be read.
    """
    if not given:
        raise UsageError("no file was named", fix="gyrus predict SCAN.png --model model.gyrus")
    images = [image for path in given for image in _images(path)]
    if by == "patient":
        return _by_patient(images)
    if by == "folder":
        return [replace(image, group=str(image.source.path.parent)) for image in images]
    return images


def _images(path: Path) -> Iterator[Asked]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.suffix.lower() == ".csv":
        manifest = read_manifest(path)
        for row in manifest:
            yield Asked(manifest.source_of(row), row.image_id, row.subject_id, row.label)
    elif holds_many(path):
        for number in range(len(read_frames(path))):
            source = Source(path, str(number))
            yield Asked(source, str(source))
    else:
        yield Asked(Source(path), str(path))


def _in_folder(folder: Path) -> Iterator[Asked]:
    files = list_files(folder)
    if not files.images:
        raise DataError(
            "holds no image", path=folder, fix=f"known endings: {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    if files.others:
        logger.info(
            "note: %d files in %s do not end like images and were passed over (%s).",
            len(files.others), folder, shown(files.others, 5),
        )  # fmt: skip
    for name in files.images:
        yield Asked(Source(folder / name), str(folder / name))


def _by_patient(images: list[Asked]) -> list[Asked]:
    unknown = [image.image_id for image in images if not image.subject_id]
    if unknown:
        raise UsageError(
            f"{len(unknown)} of {len(images)} images have no patient",
            details=unknown[:20],
            fix="name a manifest with the column subject_id instead of the files, or --by folder where a "
            "folder is a patient",
        )
    return [replace(image, group=image.subject_id) for image in images]
