"""Reading the files of a manifest by threads: each file is hashed, each content decoded once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from gyrus.data.facts import Facts, facts_of
from gyrus.data.manifest import Manifest, Row
from gyrus.data.parallel import ordered_map
from gyrus.errors import DataError, ImageError
from gyrus.imaging import as_uint8, byte_hash, decode, resize
from gyrus.imaging.look import look
from gyrus.imaging.reading import Color, read_file

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Seen:
    """What decoding an image gave.

    Attributes
    ----------
    facts : Facts
        With an error, and nothing else, when it cannot be decoded.
    look : ndarray of uint8 or None
        (64, 64).
    pixels : ndarray of uint8 or None
        (size, size, channels), when a size was asked for.
    """

    facts: Facts
    look: npt.NDArray[np.uint8] | None = None
    pixels: npt.NDArray[np.uint8] | None = None


class Reader:
    """Reads the files of a manifest.

    Parameters
    ----------
    manifest : Manifest
    progress : bool
        Show a bar on stderr when it takes longer than a second.
    """

    def __init__(self, manifest: Manifest, *, progress: bool) -> None:
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

    def decode_contents(
        self, contents: Sequence[str], size: int | None = None, color: Color = "grey"
    ) -> Iterator[Seen]:
        """Decode one file of each content, in order; with ``size`` also resize it."""
        yield from self._map(lambda sha256: self._see(sha256, size, color), contents, "Reading images")

    def _see(self, sha256: str, size: int | None, color: Color) -> Seen:
        path = self.manifest.file_of(self.row_with[sha256])
        try:
            data = read_file(path)
            if byte_hash(data) != sha256:
                raise DataError("changed while it was being read", path=path, fix="start again")
            decoded = decode(data, name=str(path))
        except ImageError as error:
            return Seen(Facts(error=error.message))
        grey = as_uint8(decoded, "grey")
        small = look(grey)
        pixels = None
        if size is not None:
            wanted = grey if color == "grey" else as_uint8(decoded, color)
            pixels = resize(wanted, height_px=size, width_px=size)
        return Seen(facts_of(data, decoded, grey, small), small, pixels)

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
