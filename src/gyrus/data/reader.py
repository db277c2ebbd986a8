"""Reading the files of a manifest by threads: each file is hashed, each content decoded once."""

from __future__ import annotations

import sys
import threading
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


@dataclass(frozen=True, slots=True)
class FileRead:
    """What reading a file gave.

    Attributes
    ----------
    image_id : str
    sha256 : str
        Of its bytes; empty when it cannot be read.
    reason : str
        Why it cannot be read.
    seen : Seen or None
        When it was decoded as well.
    """

    image_id: str
    sha256: str = ""
    reason: str = ""
    seen: Seen | None = None


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
        self._claimed: set[str] = set()
        self._lock = threading.Lock()

    def read_files(self, decoding: Callable[[str], bool]) -> Iterator[FileRead]:
        """Read and hash each file, in order; decode the contents for which ``decoding`` is true, each once.

        Parameters
        ----------
        decoding : callable
            From the SHA-256 of a file to whether it is to be decoded. Called by several threads.
        """
        rows = self.manifest.rows
        for row, read in zip(
            rows, self._map(lambda row: self._read(row, decoding), rows, "Reading images"), strict=True
        ):
            if read.sha256:
                self.row_with.setdefault(read.sha256, row)
            yield read

    def decode_contents(
        self, contents: Sequence[str], size: int | None = None, color: Color = "grey"
    ) -> Iterator[Seen]:
        """Decode one file of each content, in order; with ``size`` also resize it.

        Raises
        ------
        DataError
            When a file has another content than when it was hashed.
        """
        yield from self._map(lambda sha256: self._see(sha256, size, color), contents, "Decoding images")

    def _read(self, row: Row, decoding: Callable[[str], bool]) -> FileRead:
        path = self.manifest.file_of(row)
        try:
            data = read_file(path)
        except ImageError as error:
            return FileRead(row.image_id, reason=error.message)
        sha256 = byte_hash(data)
        seen = see(data, str(path)) if decoding(sha256) and self._claim(sha256) else None
        return FileRead(row.image_id, sha256, seen=seen)

    def _claim(self, sha256: str) -> bool:
        """Tell whether this content is met for the first time."""
        with self._lock:
            new = sha256 not in self._claimed
            self._claimed.add(sha256)
        return new

    def _see(self, sha256: str, size: int | None, color: Color) -> Seen:
        path = self.manifest.file_of(self.row_with[sha256])
        try:
            data = read_file(path)
        except ImageError as error:
            return Seen(Facts(error=error.message))
        if byte_hash(data) != sha256:
            raise DataError("changed while it was being read", path=path, fix="start again")
        return see(data, str(path), size, color)

    def _map(self, work: Callable[[Item], Result], items: Sequence[Item], what: str) -> Iterator[Result]:
        bar = tqdm(
            ordered_map(work, items), total=len(items), desc=what, unit="image", file=sys.stderr,
            disable=not self.progress, delay=1.0, mininterval=0.5, leave=False,
        )  # fmt: skip
        yield from bar


def see(data: bytes, name: str, size: int | None = None, color: Color = "grey") -> Seen:
    """Decode the bytes of a file and learn all that a scan wants to know of it."""
    try:
        decoded = decode(data, name=name)
    except ImageError as error:
        return Seen(Facts(error=error.message))
    grey = as_uint8(decoded, "grey")
    small = look(grey)
    pixels = None
    if size is not None:
        wanted = grey if color == "grey" else as_uint8(decoded, color)
        pixels = resize(wanted, height_px=size, width_px=size)
    return Seen(facts_of(data, decoded, grey), small, pixels)
