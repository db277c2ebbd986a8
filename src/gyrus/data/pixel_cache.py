"""Decoded, resized pixels of a data set in one file that is mapped into memory.

A file of the cache holds a header of 4096 bytes (JSON, padded) and then the images, uint8, one after the
other, in the order of their files' SHA-256. Its name is a hash over that list, the geometry, the reading
policy and the decoder: other data, another geometry or another Pillow never meet an old file. Files lie in
the folder ``pixels`` of the cache folder, at most 16 GiB of them; those used longest ago are deleted first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gyrus.data.cache_folder import keep_below, make_cache_folder, mark_used
from gyrus.data.mapped_file import HEADER_BYTES, is_whole, map_pixels, padded_header, rows_in
from gyrus.imaging import READING_POLICIES
from gyrus.imaging.decoding import DECODER
from gyrus.imaging.geometry import Geometry
from gyrus.runs.atomic import atomic_writer

_FORMAT = "gyrus-pixels/1"
_SUFFIX = ".pixels"
MAX_CACHE_BYTES = 16 * 2**30


@dataclass(frozen=True)
class PixelCache:
    """Pixels of the images of a manifest.

    Attributes
    ----------
    path : Path
        The file.
    shape : tuple of int
        (n_contents, size, size, channels); identical files are stored once.
    row_of : mapping of str to int
        Row of :attr:`pixels` for each ``image_id``.
    """

    path: Path
    shape: tuple[int, int, int, int]
    row_of: Mapping[str, int]
    _mapped: list[npt.NDArray[np.uint8]] = field(default_factory=list, repr=False, compare=False)

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """(n_contents, size, size, channels) uint8, read-only, mapped from the file."""
        return map_pixels(self.path, self.shape, self._mapped)

    def rows_of(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the rows of :attr:`pixels` that hold these images.

        Raises
        ------
        DataError
            When images are not in the cache; names them.
        """
        return rows_in(
            self.row_of, image_ids, "{count} images are not in the pixel cache", "scan the data again"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process by path: the file is mapped there again, not copied."""
        return {"path": self.path, "shape": self.shape, "row_of": dict(self.row_of), "_mapped": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def cache_path(folder: Path, contents: Sequence[str], geometry: Geometry, color: str) -> Path:
    """Return where the pixels of these contents (sorted SHA-256 of the files) lie."""
    key = _key(contents, geometry, color)
    return folder / "pixels" / f"{key[:32]}{_SUFFIX}"


def is_valid(path: Path, contents: Sequence[str], geometry: Geometry, color: str) -> bool:
    """Tell whether a file of the cache is there, whole, and made for these contents."""
    body = len(contents) * _image_bytes(geometry, color)
    return is_whole(path, _header(contents, geometry, color), body)


def open_cache(
    path: Path, contents: Sequence[str], geometry: Geometry, color: str, content_of: Mapping[str, str]
) -> PixelCache:
    """Return the cache in ``path``.

    Parameters
    ----------
    path : Path
        A file for which :func:`is_valid` holds.
    contents : sequence of str
        Sorted SHA-256 of the files.
    geometry : Geometry
        How they became squares.
    color : str
        ``grey`` or ``rgb``.
    content_of : mapping of str to str
        SHA-256 of the file of each ``image_id``.
    """
    mark_used(path)
    row_of_content = {sha256: row for row, sha256 in enumerate(contents)}
    rows = {image_id: row_of_content[sha256] for image_id, sha256 in content_of.items()}
    return PixelCache(path, (len(contents), geometry.size_px, geometry.size_px, _channels(color)), rows)


class CacheWriter:
    """Takes images in the order of ``candidates`` and writes those that came."""

    def __init__(self, stream: IO[bytes], geometry: Geometry, color: str) -> None:
        self._stream = stream
        self._geometry = geometry
        self._color = color
        self._written: list[str] = []

    def add(self, sha256: str, pixels: npt.NDArray[np.uint8]) -> None:
        """Append an image (size, size, channels); SHA-256 must come in ascending order."""
        self._stream.write(np.ascontiguousarray(pixels).data)
        self._written.append(sha256)

    def finish(self) -> list[str]:
        """Write the header, which makes the file valid, and return the contents."""
        self._stream.seek(0)
        self._stream.write(_header(self._written, self._geometry, self._color))
        return self._written


@contextmanager
def writing(path: Path, geometry: Geometry, color: str) -> Iterator[CacheWriter]:
    """Open a file of the cache for writing; it appears under its name only when it is whole.

    The images go through ``write`` rather than through a mapping: on a full disk a write fails with an
    error, a mapping kills the process.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    make_cache_folder(path.parent)
    with atomic_writer(path) as stream:
        stream.seek(HEADER_BYTES)
        yield CacheWriter(stream, geometry, color)
    keep_below(path.parent, _SUFFIX, MAX_CACHE_BYTES, keep=path)


def _channels(color: str) -> int:
    return 1 if color == "grey" else 3


def _image_bytes(geometry: Geometry, color: str) -> int:
    return geometry.size_px**2 * _channels(color)


def _key(contents: Sequence[str], geometry: Geometry, color: str) -> str:
    parts = [_FORMAT, DECODER, READING_POLICIES[color], str(geometry), *contents]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _header(contents: Sequence[str], geometry: Geometry, color: str) -> bytes:
    described = {
        "format": _FORMAT,
        "decoder": DECODER,
        "reading_policy": READING_POLICIES[color],
        "images": len(contents),
        "size_px": geometry.size_px,
        "channels": _channels(color),
        "key": _key(contents, geometry, color),
    }
    return padded_header(described)
