"""One pass over the files of a manifest: hashes, sizes, looks, what cannot be read, and the pixel cache."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.data.cache_folder import default_cache_folder, make_cache_folder
from gyrus.data.files import shown
from gyrus.data.manifest import Manifest, Row
from gyrus.data.pixel_cache import PixelCache, open_cache
from gyrus.data.reader import Reader
from gyrus.data.remembering import Recalled, recall
from gyrus.errors import DataError, StorageError
from gyrus.imaging.decoding import quiet_pillow
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.hashes import perceptual_hashes
from gyrus.imaging.look import Looks
from gyrus.imaging.nuisance import Nuisance, nuisance_of_files
from gyrus.imaging.reading import Color
from gyrus.imaging.seeing import Facts

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image that could not be read and was left out."""

    image_id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a pass over the files found.

    Attributes
    ----------
    manifest : Manifest
        The readable images, with hashes and sizes.
    skipped : tuple of Skipped
        The others (with ``on_bad_file="skip"``).
    pixels : PixelCache or None
        Decoded pixels, when ``image_size`` was given.
    notes : tuple of str
        Sentences for the user.
    looks : ndarray of uint8, shape (n, 64, 64)
        Small picture of each row of ``manifest``; see :func:`gyrus.imaging.look.look`.
    nuisance : mapping of str to Nuisance
        Facts of each file by ``image_id``; see :mod:`gyrus.imaging.nuisance`.
    """

    manifest: Manifest
    skipped: tuple[Skipped, ...]
    pixels: PixelCache | None
    notes: tuple[str, ...]
    looks: Looks
    nuisance: Mapping[str, Nuisance]


def scan(
    manifest: Manifest,
    *,
    on_bad_file: Literal["fail", "skip", "list"] = "fail",
    color: Color = "grey",
    image_size: int | Geometry | None = None,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> Scan:
    """Read every file of a manifest and fill in hashes and sizes.

    Each content is decoded at most once, and not at all where an earlier scan remembered it. Full-size
    images are never held but for a few at a time.

    Parameters
    ----------
    manifest : Manifest
        What to read.
    on_bad_file : {"fail", "skip", "list"}
        Stop when a file cannot be read; leave it out, but stop when none can be read; or never stop.
    color : {"grey", "rgb"}
        Reading policy of the pixel cache.
    image_size : int or Geometry, optional
        Side in pixels, or how else an image becomes a square; given, the squares are kept in a file (see
        :class:`PixelCache`).
    cache_dir : Path, optional
        Where facts and pixels are remembered; see :mod:`gyrus.data.cache_folder`.
    progress : bool
        Show a bar on stderr when it takes longer than a second.

    Raises
    ------
    DataError
        When files cannot be read (all of them are listed), or none can.
    StorageError
        When the cache cannot be written, and pixels are wanted (they lie nowhere else).
    """
    geometry = Geometry(image_size) if isinstance(image_size, int) else image_size
    folder, notes = _cache_folder(cache_dir, needed=geometry is not None)
    with quiet_pillow:
        recalled, more_notes = _recall(manifest, folder, geometry, color, progress)
    rows, skipped = _apply(manifest, recalled)
    _judge(manifest, rows, skipped, on_bad_file)
    looks = recalled.looks.of([row.sha256 for row in rows])
    pixels = None
    if recalled.pixels is not None and geometry is not None:
        readable = {row.image_id: row.sha256 for row in rows}
        pixels = open_cache(*recalled.pixels, geometry, color, readable)
    return Scan(
        manifest.with_rows(rows),
        skipped,
        pixels,
        (*notes, *more_notes, *_notes(manifest, rows, skipped)),
        looks,
        _nuisance(rows, recalled, looks),
    )


def _nuisance(rows: Sequence[Row], recalled: Recalled, looks: Looks) -> dict[str, Nuisance]:
    traces = [recalled.facts[row.sha256].traces for row in rows]
    known = nuisance_of_files([trace for trace in traces if trace is not None], looks)
    return {row.image_id: facts for row, facts in zip(rows, known, strict=True)}


def _cache_folder(cache_dir: Path | None, *, needed: bool) -> tuple[Path | None, list[str]]:
    folder = cache_dir if cache_dir is not None else default_cache_folder()
    try:
        return make_cache_folder(folder), []
    except StorageError as error:
        if needed or cache_dir is not None:
            raise
        return None, [_forgetful(error, folder)]


def _forgetful(error: StorageError, folder: Path) -> str:
    return f"Nothing is remembered for the next time: {error.message} ({folder}; another: --cache-dir)."


def _recall(
    manifest: Manifest, folder: Path | None, geometry: Geometry | None, color: Color, progress: bool
) -> tuple[Recalled, list[str]]:
    """Recall what is known; anew without the cache where its disk is full and nothing but memory is lost."""
    try:
        return recall(Reader(manifest, progress=progress), folder, geometry, color), []
    except StorageError as error:
        if folder is None or error.path is None or not Path(error.path).is_relative_to(folder):
            raise
        if geometry is not None:
            fix = "free some space, or name another cache folder: --cache-dir, or GYRUS_CACHE"
            raise StorageError(error.message, path=error.path, fix=fix) from error
        return recall(Reader(manifest, progress=progress), None, None, color), [_forgetful(error, folder)]


def _apply(manifest: Manifest, recalled: Recalled) -> tuple[list[Row], tuple[Skipped, ...]]:
    """Return the readable rows with what is known of them, and the others."""
    look_hashes = dict(zip(recalled.looks.row_of, perceptual_hashes(recalled.looks.pictures), strict=True))
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for row in manifest.rows:
        sha256 = recalled.content_of.get(row.image_id, "")
        reason = recalled.unread.get(row.image_id) or recalled.facts[sha256].error
        if reason:
            skipped.append(Skipped(row.image_id, row.path, reason))
        else:
            rows.append(_with_facts(row, sha256, recalled.facts[sha256], look_hashes[sha256]))
    return rows, tuple(skipped)


def _with_facts(row: Row, sha256: str, facts: Facts, look_hash: str) -> Row:
    notes = row.notes
    if facts.notes and facts.notes not in notes:
        notes = f"{notes}; {facts.notes}" if notes else facts.notes
    return row.with_(
        sha256=sha256,
        pixel_hash=facts.pixel_hash,
        perceptual_hash=look_hash,
        width_px=facts.width_px,
        height_px=facts.height_px,
        notes=notes,
    )


def _judge(manifest: Manifest, rows: Sequence[Row], skipped: Sequence[Skipped], on_bad_file: str) -> None:
    if skipped and (on_bad_file == "fail" or (on_bad_file == "skip" and not rows)):
        raise DataError(
            f"{len(skipped)} of {len(manifest)} images cannot be read",
            path=manifest.root,
            details=[f"{_name(bad)}: {bad.reason}" for bad in skipped],
            fix=_way_out(manifest, rows),
        )


def _name(bad: Skipped) -> str:
    """Return what the image is called, and where it was looked for when that is another name."""
    return bad.image_id if bad.path == bad.image_id else f"{bad.image_id} ({bad.path})"


def _way_out(manifest: Manifest, rows: Sequence[Row]) -> str:
    if rows:
        return "mend or remove these files, or go on without them: --on-bad-file skip"
    if not any(manifest.file_of(row).exists() for row in manifest):
        return "paths in a manifest count from the folder that it lies in; move it back, or write it anew"
    return "mend these files; none is left without them"


def _notes(manifest: Manifest, rows: Sequence[Row], skipped: Sequence[Skipped]) -> list[str]:
    notes = []
    if skipped:
        listed = shown([f"{bad.image_id} ({bad.reason})" for bad in skipped])
        notes.append(f"{len(skipped)} of {len(manifest)} images cannot be read and are left out: {listed}.")
    former = {row.image_id: row for row in manifest.rows}
    changed = [row.image_id for row in rows if former[row.image_id].sha256 not in ("", row.sha256)]
    if changed:
        notes.append(
            f"{len(changed)} files are not those that the manifest was made from: {shown(changed, _SHOWN)}."
        )
    peculiar: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.notes != former[row.image_id].notes:
            peculiar[row.notes].append(row.image_id)
    notes += [f"{len(ids)} images: {note} ({shown(ids, _SHOWN)})." for note, ids in peculiar.items()]
    return notes
