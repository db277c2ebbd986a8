"""Small pictures of a data set's images (see :mod:`gyrus.imaging.look`) in one file, remembered by content.

A file holds a header of 4096 bytes (JSON, padded), then the looks (64 x 64 uint8 each), then the SHA-256 of
their files in the same order (32 bytes each). Its name is a hash over the sorted list, the kind of look and
the decoder, so that a file can not become stale. Another data set that shares images with it finds their
looks there and decodes only the rest. Files lie in the folder ``looks`` of the cache folder, at most 4 GiB of
them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from gyrus.data.cache_folder import keep_below, make_cache_folder, mark_used
from gyrus.data.mapped_file import HEADER_BYTES, padded_header
from gyrus.imaging.decoding import DECODER
from gyrus.imaging.look import LOOK_SIDE_PX, Looks
from gyrus.runs.atomic import atomic_writer

LOOK_VERSION = 3
MAX_LOOK_BYTES = 4 * 2**30
_LOOK_BYTES = LOOK_SIDE_PX**2
_SUFFIX = ".looks"
_WRITTEN_TOGETHER = 512  # looks: 2 MB


@dataclass(frozen=True, slots=True)
class LookCache:
    """Looks by content.

    Attributes
    ----------
    pictures : ndarray of uint8, shape (n, 64, 64)
        Usually mapped from a file.
    row_of : mapping of str to int
        Row of :attr:`pixels` for the SHA-256 of a file.
    """

    pictures: Looks
    row_of: Mapping[str, int]

    def of(self, contents: Sequence[str]) -> Looks:
        """Return the looks (len(contents), 64, 64) of files with these SHA-256."""
        return self.pictures[[self.row_of[sha256] for sha256 in contents]]


def look_path(folder: Path, contents: Sequence[str]) -> Path:
    """Return where the looks of these contents (SHA-256, in any order) lie."""
    return folder / "looks" / f"{_key(contents)[:32]}{_SUFFIX}"


def open_looks(path: Path, contents: Sequence[str]) -> LookCache | None:
    """Return the looks in ``path``; None when the file is absent, cut off, or of other contents."""
    stored = _contents_of(path)
    if stored is None or sorted(stored) != sorted(contents):
        return None
    mark_used(path)
    return LookCache(_map(path, len(stored)), {sha256: row for row, sha256 in enumerate(stored)})


def find_looks(folder: Path, contents: Sequence[str]) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the looks of those contents that any file of the cache holds (views of mapped files)."""
    wanted = set(contents)
    found: dict[str, npt.NDArray[np.uint8]] = {}
    for path in sorted((folder / "looks").glob(f"*{_SUFFIX}")):
        stored = _contents_of(path)
        here = wanted.intersection(stored or ())
        if stored is None or not here:
            continue
        pictures = _map(path, len(stored))
        for row, sha256 in enumerate(stored):
            if sha256 in here:
                found[sha256] = pictures[row]
        wanted -= here
        if not wanted:
            break
    return found


class LookWriter:
    """Takes looks, each content once.

    Parameters
    ----------
    stream : binary file
    beside : Executor
        Where the disk is waited for while further images are decoded.
    """

    def __init__(self, stream: IO[bytes], beside: Executor) -> None:
        self._stream = stream
        self._beside = beside
        self._written: list[str] = []
        self._waiting: list[bytes] = []
        self._synced: list[Future[None]] = []

    def add(self, sha256: str, look: npt.NDArray[np.uint8]) -> None:
        """Append a look (64, 64)."""
        self._waiting.append(look.tobytes())
        self._written.append(sha256)
        if len(self._waiting) == _WRITTEN_TOGETHER:
            self._write()
            self._stream.flush()
            self._synced.append(self._beside.submit(os.fsync, self._stream.fileno()))

    def _write(self) -> None:
        self._stream.write(b"".join(self._waiting))
        self._waiting.clear()

    def finish(self) -> None:
        """Write index and header, which make the file valid."""
        self._write()
        for synced in self._synced:
            synced.result()
        index = bytes.fromhex("".join(self._written))
        self._stream.write(index)
        self._stream.seek(0)
        self._stream.write(_header(len(self._written), index))


@contextmanager
def writing_looks(path: Path) -> Iterator[LookWriter]:
    """Open a file of looks for writing; it appears under its name only when it is whole.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    make_cache_folder(path.parent)
    with atomic_writer(path) as stream, ThreadPoolExecutor(1) as beside:
        stream.seek(HEADER_BYTES)
        yield LookWriter(stream, beside)
    keep_below(path.parent, _SUFFIX, MAX_LOOK_BYTES, keep=path)


def _map(path: Path, count: int) -> Looks:
    if not count:
        return np.zeros((0, LOOK_SIDE_PX, LOOK_SIDE_PX), np.uint8)
    shape = (count, LOOK_SIDE_PX, LOOK_SIDE_PX)
    mapped: Looks = np.memmap(path, np.uint8, "r", HEADER_BYTES, shape)
    return mapped


def _contents_of(path: Path) -> list[str] | None:
    """Return the SHA-256 that a file of looks holds, or None when it is not whole or not of this version."""
    try:
        with path.open("rb") as stream:
            header = stream.read(HEADER_BYTES)
            count = _count_in(header)
            stream.seek(HEADER_BYTES + count * _LOOK_BYTES)
            index = stream.read()
    except (OSError, ValueError):
        return None
    if len(index) != 32 * count or header != _header(count, index):
        return None
    digits = index.hex()
    return [digits[start : start + 64] for start in range(0, len(digits), 64)]


def _count_in(header: bytes) -> int:
    described = json.loads(header)
    count = described.get("images") if isinstance(described, dict) else None
    if not isinstance(count, int) or count < 0:
        raise ValueError("no header of looks")
    return count


def _header(count: int, index: bytes) -> bytes:
    described = {
        "format": f"gyrus-looks/{LOOK_VERSION}",
        "decoder": DECODER,
        "images": count,
        "index": hashlib.sha256(index).hexdigest(),
    }
    return padded_header(described)


def _key(contents: Sequence[str]) -> str:
    parts = [f"gyrus-looks/{LOOK_VERSION}", DECODER, *sorted(contents)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
