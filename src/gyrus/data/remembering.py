"""Facts, looks and pixels of all contents of a data set: recalled where they are known, decoded where not."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.data.facts import FactsMemory
from gyrus.data.look_cache import LookCache, LookWriter, find_looks, look_path, open_looks, writing_looks
from gyrus.data.pixel_cache import cache_path, is_valid, writing
from gyrus.data.reader import Reader
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.look import LOOK_SIDE_PX
from gyrus.imaging.reading import Color
from gyrus.imaging.seeing import Facts, Seen

_UNREADABLE = Facts()


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of the files and contents of a data set.

    Attributes
    ----------
    content_of : dict
        SHA-256 of the file of each ``image_id`` that can be read.
    unread : dict
        Why the others cannot be read.
    facts : dict
        Facts by SHA-256, also of what cannot be decoded.
    looks : LookCache
        Of what can be decoded.
    pixels : (Path, list of str) or None
        File of the pixel cache and the contents in it, when a geometry was given.
    """

    content_of: dict[str, str]
    unread: dict[str, str]
    facts: dict[str, Facts]
    looks: LookCache
    pixels: tuple[Path, list[str]] | None


def recall(reader: Reader, folder: Path | None, geometry: Geometry | None, color: Color) -> Recalled:
    """Read the files and make sure of facts, looks and (with ``geometry``) pixels of all contents.

    Each file is read once; and once more where pixels are wanted, or a look was forgotten.

    Parameters
    ----------
    reader : Reader
    folder : Path or None
        The cache folder; None remembers nothing (and cannot hold pixels).
    geometry : Geometry or None
        Of the pixel cache.
    color : {"grey", "rgb"}
        Of the pixel cache.
    """
    memory = FactsMemory(folder)
    with ExitStack() as stack:
        work = _Pass(reader, memory, _LookSink(folder, stack))
        if not memory.known:
            reader.start_workers(stack)
        content_of, unread = work.read_files(decode_at_once=geometry is None)
        contents = set(content_of.values())
        pixels = None
        if folder is not None and geometry is not None:
            pixels = work.fill_pixels(contents, folder, geometry, color)
        looks = work.fill_looks(contents)
    memory.remember(work.new)
    if looks is None:  # the file was finished when the stack was left
        looks = work.sink.result()
    return Recalled(content_of, unread, memory.known, looks, pixels)


class _Pass:
    """Fills what is missing, and collects what is new."""

    def __init__(self, reader: Reader, memory: FactsMemory, sink: _LookSink) -> None:
        self.reader, self.memory, self.sink = reader, memory, sink
        self.new: dict[str, Facts] = {}

    def read_files(self, *, decode_at_once: bool) -> tuple[dict[str, str], dict[str, str]]:
        """Return the content of each image, and why others cannot be read."""
        content_of: dict[str, str] = {}
        unread: dict[str, str] = {}
        for row, read in self.reader.read_files(self.memory.known if decode_at_once else None):
            if read.reason:
                unread[row.image_id] = read.reason
                continue
            content_of[row.image_id] = read.sha256
            if read.seen is not None:
                self._take(read.sha256, read.seen)
        return content_of, unread

    def fill_pixels(
        self, contents: Collection[str], folder: Path, geometry: Geometry, color: Color
    ) -> tuple[Path, list[str]]:
        """Return the file of pixels, and the contents in it."""
        candidates = self._readable(contents)
        path = cache_path(folder, candidates, geometry, color)
        if is_valid(path, candidates, geometry, color):
            return path, candidates
        with writing(path, geometry, color) as writer:
            decoded = self.reader.decode_contents(candidates, geometry, color)
            for sha256, seen in zip(candidates, decoded, strict=True):
                self._take(sha256, seen)
                if seen.pixels is not None:
                    writer.add(sha256, seen.pixels)
            written = writer.finish()
        final = cache_path(folder, written, geometry, color)
        if final != path:  # some could not be decoded: the file is that of the others
            path.replace(final)
        return final, written

    def fill_looks(self, contents: Collection[str]) -> LookCache | None:
        """Return the looks where a file of exactly these exists; else see that the sink has them all."""
        folder = self.sink.folder
        candidates = self._readable(contents)
        if folder is not None and not self.new:
            exact = open_looks(look_path(folder, candidates), candidates)
            if exact is not None:
                return exact
        missing = [sha256 for sha256 in candidates if sha256 not in self.sink]
        found = {} if folder is None else find_looks(folder, missing)
        unknown = [sha256 for sha256 in missing if sha256 not in found or sha256 not in self.memory.known]
        for sha256, seen in zip(unknown, self.reader.decode_contents(unknown), strict=True):
            self._take(sha256, seen)
        for sha256 in sorted(set(missing).difference(unknown)):
            self.sink.add(sha256, found[sha256])
        self.sink.finish()
        return None

    def _take(self, sha256: str, seen: Seen) -> None:
        self.new[sha256] = seen.facts
        if seen.look is not None and sha256 not in self.sink:
            self.sink.add(sha256, seen.look)

    def _readable(self, contents: Collection[str]) -> list[str]:
        known = self.memory.known
        return sorted(
            sha256
            for sha256 in contents
            if not (self.new.get(sha256) or known.get(sha256, _UNREADABLE)).error
        )


class _LookSink:
    """Takes looks into a file of the cache, opened at the first; or into memory, where there is no cache."""

    def __init__(self, folder: Path | None, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._writer: LookWriter | None = None
        self._path = look_path(folder, [uuid.uuid4().hex]) if folder is not None else None
        self._looks: list[npt.NDArray[np.uint8]] = []
        self._contents: dict[str, None] = {}

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._contents

    def add(self, sha256: str, look: npt.NDArray[np.uint8]) -> None:
        """Take the look of a content that is not there yet."""
        self._contents[sha256] = None
        if self._path is None:
            self._looks.append(look)
            return
        if self._writer is None:
            self._writer = self._stack.enter_context(writing_looks(self._path))
        self._writer.add(sha256, look)

    def finish(self) -> None:
        """Make the file whole; it appears when the stack is left."""
        if self._writer is not None:
            self._writer.finish()

    def result(self) -> LookCache:
        """Return what was taken, the file under its final name."""
        contents = list(self._contents)
        if self._path is None or self.folder is None or not contents:
            empty = np.zeros((0, LOOK_SIDE_PX, LOOK_SIDE_PX), np.uint8)
            pictures = np.stack(self._looks) if self._looks else empty
            return LookCache(pictures, {sha256: row for row, sha256 in enumerate(contents)})
        final = look_path(self.folder, contents)
        self._path.replace(final)
        cache = open_looks(final, contents)
        assert cache is not None  # it was written a moment ago
        return cache
