"""One pass over the files of a manifest: hashes, sizes, what cannot be read, and the pixel cache."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from gyrus.data.cache_folder import default_cache_folder, make_cache_folder
from gyrus.data.facts import Facts, FactsMemory, facts_of
from gyrus.data.files import shown
from gyrus.data.manifest import Manifest, Row
from gyrus.data.parallel import ordered_map
from gyrus.data.pixel_cache import PixelCache, cache_path, is_valid, open_cache, writing
from gyrus.errors import DataError, ImageError, StorageError
from gyrus.imaging import as_uint8, byte_hash, decode, resize
from gyrus.imaging.reading import Color, read_file

_SHOWN = 5

Item = TypeVar("Item")
Result = TypeVar("Result")
Pixels = npt.NDArray[np.uint8]


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
        Decoded pixels at ``image_size``, when it was given.
    notes : tuple of str
        Sentences for the user.
    """

    manifest: Manifest
    skipped: tuple[Skipped, ...]
    pixels: PixelCache | None
    notes: tuple[str, ...]


def scan(
    manifest: Manifest,
    *,
    on_bad_file: Literal["fail", "skip"] = "fail",
    color: Color = "grey",
    image_size: int | None = None,
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
    on_bad_file : {"fail", "skip"}
        Stop when a file cannot be read, or leave it out.
    color : {"grey", "rgb"}
        Reading policy of the pixel cache.
    image_size : int, optional
        Side in pixels; given, the images resized to it are kept in a file (see :class:`PixelCache`).
    cache_dir : Path, optional
        Where facts and pixels are remembered; see :mod:`gyrus.data.cache_folder`.
    progress : bool
        Show a bar on stderr when it takes longer than a second.

    Raises
    ------
    DataError
        When files cannot be read (all of them are listed), or none can.
    StorageError
        When the cache cannot be written.
    """
    folder, notes = _cache_folder(cache_dir, needed=image_size is not None)
    reader = _Reader(manifest, progress)
    content_of, unread = reader.hash_files()
    memory = FactsMemory(folder)
    if image_size is None:
        unknown = sorted({sha256 for sha256 in content_of.values() if sha256 not in memory.known})
        memory.remember(reader.examine(unknown))
        cached: tuple[Path, list[str]] | None = None
    else:
        assert folder is not None  # _cache_folder raises where pixels need one
        cached = _fill_pixels(reader, memory, content_of, folder, image_size, color)
    rows, skipped = _apply(manifest, content_of, unread, memory.known)
    _judge(manifest, rows, skipped, on_bad_file)
    pixels = None
    if cached is not None and image_size is not None:
        readable = {row.image_id: row.sha256 for row in rows}
        pixels = open_cache(cached[0], cached[1], image_size, color, readable)
    return Scan(manifest.with_rows(rows), skipped, pixels, (*notes, *_notes(manifest, rows, skipped)))


class _Reader:
    """Reads the files of a manifest by threads."""

    def __init__(self, manifest: Manifest, progress: bool) -> None:
        self.manifest = manifest
        self.progress = progress
        self.row_with: dict[str, Row] = {}

    def hash_files(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the SHA-256 by ``image_id`` of the files that can be read, and why the others cannot."""
        content_of: dict[str, str] = {}
        unread: dict[str, str] = {}
        rows = self.manifest.rows
        for row, (sha256, reason) in zip(rows, self._map(self._hash, rows, "Hashing files"), strict=True):
            if reason:
                unread[row.image_id] = reason
            else:
                content_of[row.image_id] = sha256
                self.row_with.setdefault(sha256, row)
        return content_of, unread

    def examine(self, contents: Sequence[str]) -> dict[str, Facts]:
        """Decode one file of each content and return its facts."""
        results = self._map(lambda sha256: self.look(sha256)[0], contents, "Reading images")
        return dict(zip(contents, results, strict=True))

    def examine_and_resize(
        self, contents: Sequence[str], size: int, color: Color
    ) -> Iterator[tuple[str, Facts, Pixels | None]]:
        """Decode one file of each content; yield its facts and its pixels at (size, size)."""
        results = self._map(lambda sha256: self.look(sha256, size, color), contents, "Reading images")
        for sha256, (facts, pixels) in zip(contents, results, strict=True):
            yield sha256, facts, pixels

    def look(
        self, sha256: str, size: int | None = None, color: Color = "grey"
    ) -> tuple[Facts, Pixels | None]:
        """Decode the first file with this content."""
        path = self.manifest.file_of(self.row_with[sha256])
        try:
            data = read_file(path)
            if byte_hash(data) != sha256:
                raise DataError("changed while it was being read", path=path, fix="start again")
            decoded = decode(data, name=str(path))
            pixels = None
            if size is not None:
                pixels = resize(as_uint8(decoded, color), height_px=size, width_px=size)
            return facts_of(decoded), pixels
        except ImageError as error:
            return Facts(error=error.message), None

    def _hash(self, row: Row) -> tuple[str, str]:
        try:
            return byte_hash(read_file(self.manifest.file_of(row))), ""
        except ImageError as error:
            return "", error.message

    def _map(self, work: Callable[[Item], Result], items: Sequence[Item], what: str) -> Iterator[Result]:
        bar = tqdm(
            ordered_map(work, items), total=len(items), desc=what, unit="image", file=sys.stderr,
            disable=not self.progress, delay=1.0, mininterval=0.5, leave=False,
        )  # fmt: skip
        yield from bar


def _cache_folder(cache_dir: Path | None, *, needed: bool) -> tuple[Path | None, list[str]]:
    folder = cache_dir if cache_dir is not None else default_cache_folder()
    try:
        return make_cache_folder(folder), []
    except StorageError as error:
        if needed or cache_dir is not None:
            raise
        return None, [f"Nothing is remembered for the next time: {error.message} ({folder})."]


def _fill_pixels(
    reader: _Reader,
    memory: FactsMemory,
    content_of: Mapping[str, str],
    folder: Path,
    size: int,
    color: Color,
) -> tuple[Path, list[str]]:
    """Make sure of facts and pixels of all contents; return the cache file and the contents in it."""
    unread = {sha256 for sha256, facts in memory.known.items() if facts.error}
    candidates = sorted(set(content_of.values()) - unread)
    path = cache_path(folder, candidates, size, color)
    if is_valid(path, candidates, size, color):
        unknown = [sha256 for sha256 in candidates if sha256 not in memory.known]
        memory.remember(reader.examine(unknown))
        return path, candidates
    new: dict[str, Facts] = {}
    with writing(path, size, color) as writer:
        for sha256, facts, pixels in reader.examine_and_resize(candidates, size, color):
            new[sha256] = facts
            if pixels is not None:
                writer.add(sha256, pixels)
        contents = writer.finish()
    memory.remember(new)
    final = cache_path(folder, contents, size, color)
    if final != path:  # some could not be decoded: the file is that of the others
        path.replace(final)
    return final, contents


def _apply(
    manifest: Manifest,
    content_of: Mapping[str, str],
    unread: Mapping[str, str],
    known: Mapping[str, Facts],
) -> tuple[list[Row], tuple[Skipped, ...]]:
    """Return the readable rows with what is known of them, and the others."""
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for row in manifest.rows:
        sha256 = content_of.get(row.image_id, "")
        reason = unread.get(row.image_id) or known[sha256].error
        if reason:
            skipped.append(Skipped(row.image_id, row.path, reason))
        else:
            rows.append(_with_facts(row, sha256, known[sha256]))
    return rows, tuple(skipped)


def _with_facts(row: Row, sha256: str, facts: Facts) -> Row:
    notes = row.notes
    if facts.notes and facts.notes not in notes:
        notes = f"{notes}; {facts.notes}" if notes else facts.notes
    return row.with_(
        sha256=sha256,
        pixel_hash=facts.pixel_hash,
        perceptual_hash=facts.perceptual_hash,
        width_px=facts.width_px,
        height_px=facts.height_px,
        notes=notes,
    )


def _judge(manifest: Manifest, rows: Sequence[Row], skipped: Sequence[Skipped], on_bad_file: str) -> None:
    if skipped and (on_bad_file == "fail" or not rows):
        raise DataError(
            f"{len(skipped)} of {len(manifest)} images cannot be read",
            path=manifest.root,
            details=[f"{bad.image_id}: {bad.reason}" for bad in skipped],
            fix="mend or remove these files, or go on without them: --on-bad-file skip",
        )


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
