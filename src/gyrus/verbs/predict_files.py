"""Which images ``gyrus predict`` is asked about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gyrus.config.options import VolumeOptions
from gyrus.data import read_manifest
from gyrus.data.files import list_files, shown
from gyrus.data.layouts import in_mask_folder
from gyrus.data.manifest import Row
from gyrus.data.mask_pairs import masks_beside
from gyrus.data.scans import patients_by_file, with_scans
from gyrus.data.spacing import Spacing, spacing_of
from gyrus.errors import DataError, ImageError, ManifestError, UsageError
from gyrus.imaging import IMAGE_SUFFIXES
from gyrus.imaging.idx import holds_many, read_frames
from gyrus.imaging.series import image_members, series_of
from gyrus.imaging.source import Source
from gyrus.inference.evidence import Asked

logger = logging.getLogger("gyrus")

By = Literal["patient", "folder"]


def asked_of(given: tuple[Path, ...], by: By | None, volumes: VolumeOptions | None = None) -> list[Asked]:
    """Return every image that a command names, with the group that it is taken together with.

    Parameters
    ----------
    given : tuple of Path
        Images, folders, zip archives, volumes, IDX files, manifests.
    by : {"patient", "folder"} or None
    volumes : VolumeOptions, optional
        Which slices of a volume are asked about.

    Raises
    ------
    UsageError
        When nothing is named, or patients are asked for and not known.
    DataError
        For a folder without an image, or a manifest that cannot be read.
    """
    if not given:
        raise UsageError("no file was named", fix="gyrus predict SCAN.png --model model.gyrus")
    images = [image for path in given for image in _images(path, volumes or VolumeOptions())]
    if by == "patient":
        return _by_patient(images)
    if by == "folder":
        return [replace(image, group=str(image.source.path.parent)) for image in images]
    return images


def _images(path: Path, volumes: VolumeOptions) -> Iterator[Asked]:
    if path.is_dir():
        yield from _in_folder(path, volumes)
    elif path.suffix.lower() == ".zip":
        yield from _in_archive(path)
    elif path.suffix.lower() == ".csv":
        manifest = read_manifest(path)
        for row in manifest:
            yield Asked(
                manifest.source_of(row), row.image_id, row.subject_id, row.label, spacing=spacing_of(row)
            )
    elif holds_many(path):
        for number in range(len(read_frames(path))):
            source = Source(path, str(number))
            yield Asked(source, str(source))
    else:
        yield from _from_files([str(path)], Path(), volumes)


def _in_folder(folder: Path, volumes: VolumeOptions) -> Iterator[Asked]:
    files = list_files(folder)
    if not files.images:
        raise DataError(
            "holds no image", path=folder, fix=f"known endings: {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    if files.others:
        logger.info(
            "note: Passed over in %s, by their endings no images: %d of %d files (%s).",
            folder, len(files.others), len(files.others) + len(files.images), shown(files.others, 5),
        )  # fmt: skip
    beside = masks_beside(files.images)
    names = [name for name in files.images if name not in beside and not in_mask_folder(name)] or files.images
    if len(names) < len(files.images):
        masks = len(files.images) - len(names)
        logger.info("note: Passed over in %s: %d masks, in masks/ or called so.", folder, masks)
    yield from _from_files([str(folder / name) for name in names], Path(), volumes)


def _from_files(names: list[str], root: Path, volumes: VolumeOptions) -> Iterator[Asked]:
    """Yield the images of files: slices of volumes, DICOM files in the order of their series."""
    rows, notes = with_scans([Row(image_id=name, path=name) for name in names], root, volumes)
    rows, more_notes = patients_by_file(rows)
    for note in (*notes, *more_notes):
        logger.info("note: %s", note)
    for row in rows:
        source = Source(Path(row.path), row.frame)
        yield Asked(source, row.image_id, row.subject_id, spacing=_stated(row))


def _stated(row: Row) -> Spacing | None:
    """Return what a scan's header tells; one that tells nonsense tells nothing."""
    try:
        return spacing_of(row)
    except ManifestError as error:
        logger.info("note: %s; its sizes are told in pixels.", error.message)
        return None


def _in_archive(archive: Path) -> Iterator[Asked]:
    """Yield the images of a zip archive: its DICOM series in order, else its images as they are named."""
    try:
        found = series_of(archive)
    except ImageError:  # none, or some that cannot be read: each is told by itself
        names = sorted(image_members(archive))
        if not names:
            raise
        for name in names:
            yield Asked(Source(archive, name), f"{archive}#{name}")
        return
    described = "; ".join(series.describe() for series in found)
    logger.info("note: %s holds %d series: %s.", archive, len(found), described)
    for series in found:
        for one in series.slices:
            yield Asked(one.source, str(one.source), one.facts.subject)


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
