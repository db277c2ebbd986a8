"""Masks of a data set at the network's size, in one file that is mapped into memory, beside the pixel cache.

A file holds a header of 4096 bytes (JSON, padded), the masks (side x side uint8 each), then how many pixels
of the original mask each class has (int64). Its name is a hash over the files' SHA-256, the geometry, the
classes and the decoder, so that a file can not become stale. They lie in the folder ``masks`` of the cache
folder.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from gyrus.data.cache_folder import default_cache_folder, keep_below, make_cache_folder, mark_used
from gyrus.data.files import natural_key
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mapped_file import HEADER_BYTES, is_whole, map_pixels, padded_header, rows_in
from gyrus.data.mask_classes import MARKED_PX, MaskClasses, class_of
from gyrus.data.masks import Mask, absent_file, read_mask
from gyrus.data.parallel import ordered_map
from gyrus.errors import DataError
from gyrus.imaging.decoding import DECODER
from gyrus.imaging.geometry import Geometry, Placement
from gyrus.imaging.reading import Color, read_image
from gyrus.imaging.source import read_file
from gyrus.runs.atomic import atomic_writer

_FORMAT = "gyrus-masks/1"
_SUFFIX = ".masks"
MAX_CACHE_BYTES = 8 * 2**30


@dataclass(frozen=True)
class MaskCache:
    """Masks of the images of a manifest.

    Attributes
    ----------
    path : Path
        The file.
    classes : MaskClasses
        What the numbers mean.
    areas : ndarray of int64
        (n, K) pixels of each class in each original mask.
    row_of : mapping of str to int
        Row of :attr:`masks` for each ``image_id``.
    """

    path: Path
    shape: tuple[int, int, int]
    classes: MaskClasses
    areas: npt.NDArray[np.int64]
    row_of: Mapping[str, int]
    _mapped: list[npt.NDArray[np.uint8]] = field(default_factory=list, repr=False, compare=False)

    @property
    def masks(self) -> npt.NDArray[np.uint8]:
        """(n, size, size) uint8, read-only: 0 background, i the class ``classes.names[i - 1]``."""
        return map_pixels(self.path, self.shape, self._mapped)

    def rows_of(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the rows of :attr:`masks` and :attr:`areas` that belong to these images.

        Raises
        ------
        DataError
            When images are not in the cache; names them.
        """
        absent = "the masks of {count} images are not in the cache"
        return rows_in(self.row_of, image_ids, absent, "scan the masks again")

    def with_areas(self, manifest: Manifest) -> Manifest:
        """Return the manifest with the fact ``mask_px``: how many pixels of each mask are marked."""
        totals = self.areas.sum(axis=1)
        return manifest.with_rows(
            row.with_(facts={**row.facts, MARKED_PX: str(int(totals[self.row_of[row.image_id]]))})
            for row in manifest
        )


def scan_masks(
    manifest: Manifest,
    geometry: Geometry,
    classes: MaskClasses,
    *,
    color: Color = "grey",
    cache_dir: Path | None = None,
    progress: bool = True,
) -> MaskCache:
    """Read the masks of all images of a scanned manifest, bring them to the network's square, remember them.

    A mask goes where its image goes; its pixels are chosen by the nearest centre, never mixed.

    Parameters
    ----------
    manifest : Manifest
        Scanned: with the sizes and hashes of its images.
    geometry : Geometry
        As of the pixel cache.
    classes : MaskClasses
        What the values mean.
    color : {"grey", "rgb"}
        How images are read; with ``brain_crop`` the image decides where its mask lies.
    cache_dir : Path, optional
        Where masks are remembered; see :mod:`gyrus.data.cache_folder`.
    progress : bool
        Show a bar on stderr when it takes longer than a second.

    Raises
    ------
    DataError
        With every mask that cannot be used, and why.
    StorageError
        When the cache cannot be written.
    """
    gone = [error for row in manifest if (error := absent_file(row, manifest)) is not None]
    if gone:
        raise unusable_masks(gone, len(manifest), manifest)
    folder = make_cache_folder((cache_dir or default_cache_folder()) / "masks")
    keys = list(ordered_map(lambda row: _key(row, manifest, classes), manifest.rows))
    contents = sorted(set(keys))
    path = folder / f"{_file_key(contents, geometry, color)[:32]}{_SUFFIX}"
    side, count = geometry.size_px, len(classes.names)
    if not is_whole(path, _header(contents, side, count), len(contents) * (side * side + 8 * count)):
        first = {key: row for row, key in reversed(list(zip(manifest.rows, keys, strict=True)))}
        rows = [first[key] for key in contents]
        _fill(path, rows, manifest, geometry, classes, color, contents, progress)
        keep_below(folder, _SUFFIX, MAX_CACHE_BYTES, keep=path)
    mark_used(path)
    areas = np.fromfile(
        path, np.int64, len(contents) * count, offset=HEADER_BYTES + len(contents) * side * side
    )
    place = {key: number for number, key in enumerate(contents)}
    return MaskCache(
        path, (len(contents), side, side), classes, areas.reshape(-1, count),
        {row.image_id: place[key] for row, key in zip(manifest.rows, keys, strict=True)},
    )  # fmt: skip


def placed_mask(mask: Mask, placement: Placement) -> Mask:
    """Return a mask (height, width) as it lies in the network's square; by the nearest centre."""
    target, side = placement.target, placement.side_px
    shown = Image.fromarray(np.ascontiguousarray(mask[placement.source.slices])).resize(
        (target.width_px, target.height_px), Image.Resampling.NEAREST
    )
    square = np.zeros((side, side), np.uint8)
    square[target.slices] = np.asarray(shown)
    return square


def _fill(
    path: Path,
    rows: Sequence[Row],
    manifest: Manifest,
    geometry: Geometry,
    classes: MaskClasses,
    color: Color,
    contents: Sequence[str],
    progress: bool,
) -> None:
    """Read all masks and write the file; all that cannot be used are told together."""

    def work(row: Row) -> tuple[Mask, npt.NDArray[np.int64]] | DataError:
        try:
            mask = read_mask(row, manifest, classes)
            return _square(mask, row, manifest, geometry, color), _areas(mask, len(classes.names))
        except DataError as error:
            return error

    problems: list[DataError] = []
    areas: list[npt.NDArray[np.int64]] = []
    with (
        atomic_writer(path) as stream,
        tqdm(total=len(rows), desc="Reading masks", unit="mask", file=sys.stderr, disable=not progress,
             delay=1.0, mininterval=0.5, leave=False) as bar,
    ):  # fmt: skip
        stream.seek(HEADER_BYTES)
        for found in ordered_map(work, rows):
            bar.update()
            if isinstance(found, DataError):
                problems.append(found)
            elif not problems:
                stream.write(np.ascontiguousarray(found[0]).data)
                areas.append(found[1])
        if problems:
            raise unusable_masks(problems, len(rows), manifest)
        stream.write(np.stack(areas).tobytes())
        stream.seek(0)
        stream.write(_header(contents, geometry.size_px, len(classes.names)))


def unusable_masks(problems: Sequence[DataError], total: int, manifest: Manifest) -> DataError:
    """Return one error that tells every mask that cannot be used; of a single one its own."""
    if len(problems) == 1:
        return problems[0]
    listed = sorted(problems, key=lambda problem: natural_key(str(problem.path)))  # they came by content
    fixes = list(dict.fromkeys(problem.fix for problem in problems if problem.fix))
    return DataError(
        f"{len(problems)} of {total} masks cannot be used",
        path=manifest.root,
        details=[f"{problem.path}: {problem.message}" for problem in listed],
        fix="; ".join(fixes[:3]),
    )


def _square(mask: Mask, row: Row, manifest: Manifest, geometry: Geometry, color: Color) -> Mask:
    if geometry.brain_crop:  # where the head is, only the image tells
        return placed_mask(mask, geometry.placement(read_image(manifest.source_of(row), color=color)))
    height, width = mask.shape
    return placed_mask(mask, geometry.placement(np.broadcast_to(np.uint8(0), (height, width, 1))))


def _areas(mask: Mask, count: int) -> npt.NDArray[np.int64]:
    areas: npt.NDArray[np.int64] = np.bincount(mask.reshape(-1), minlength=count + 1)[1:].astype(np.int64)
    return areas


def _key(row: Row, manifest: Manifest, classes: MaskClasses) -> str:
    """Return what a mask at the network's size depends on, but for geometry and classes."""
    size = f"{row.width_px} x {row.height_px}"
    parts = [row.sha256 or row.image_id, size, row.frame]
    if row.mask:
        number = class_of(row, classes) if classes.kind == "label" and row.label in classes.names else 0
        parts += [hashlib.sha256(read_file(manifest.root / row.mask)).hexdigest(), str(number)]
    return hashlib.sha256("\x1f".join([*parts, json.dumps(classes.to_json())]).encode()).hexdigest()


def _file_key(contents: Sequence[str], geometry: Geometry, color: str) -> str:
    parts = [_FORMAT, DECODER, str(geometry), color if geometry.brain_crop else "", *contents]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _header(contents: Sequence[str], side: int, count: int) -> bytes:
    described: dict[str, Any] = {
        "format": _FORMAT,
        "masks": len(contents),
        "size_px": side,
        "classes": count,
        "index": hashlib.sha256("".join(contents).encode()).hexdigest(),
    }
    return padded_header(described)
