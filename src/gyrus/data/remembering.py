"""Facts, looks and pixels of all contents of a data set: recalled where they are known, decoded where not."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.data.facts import Facts, FactsMemory
from gyrus.data.look_cache import LookCache, LookWriter, find_looks, look_path, open_looks, writing_looks
from gyrus.data.pixel_cache import CacheWriter, cache_path, is_valid, writing
from gyrus.data.reader import Reader
from gyrus.imaging.look import LOOK_SIDE_PX
from gyrus.imaging.reading import Color


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of the contents of a data set.

    Attributes
    ----------
    facts : dict
        Facts by SHA-256, of the unreadable too.
    looks : LookCache
        Of the readable.
    pixels : (Path, list of str) or None
        File of the pixel cache and the contents in it, when a size was asked for.
    """

    facts: dict[str, Facts]
    looks: LookCache
    pixels: tuple[Path, list[str]] | None


def recall(
    reader: Reader, contents: Collection[str], folder: Path | None, size: int | None, color: Color
) -> Recalled:
    """Make sure of facts, looks and (with ``size``) pixels of all contents.

    Parameters
    ----------
    reader : Reader
        Has hashed the files.
    contents : collection of str
        SHA-256 of the files.
    folder : Path or None
        The cache folder; None remembers nothing (and cannot hold pixels).
    size : int or None
        Side of the pixel cache.
    color : {"grey", "rgb"}
    """
    memory = FactsMemory(folder)
    candidates = sorted(sha256 for sha256 in set(contents) if not memory.known.get(sha256, Facts()).error)
    pass_ = _Pass(reader, memory, candidates, folder, size, color)
    if pass_.to_decode or pass_.looks is None:
        pass_.run()
    assert pass_.looks is not None  # run fills it
    return Recalled(memory.known, pass_.looks, pass_.pixels)


class _Pass:
    """One pass over the contents, in ascending order, that fills what is missing."""

    def __init__(
        self,
        reader: Reader,
        memory: FactsMemory,
        candidates: list[str],
        folder: Path | None,
        size: int | None,
        color: Color,
    ) -> None:
        self.reader, self.memory, self.candidates = reader, memory, candidates
        self.folder, self.size, self.color = folder, size, color
        self.pixels: tuple[Path, list[str]] | None = None
        self.needs_pixels = False
        if folder is not None and size is not None:
            path = cache_path(folder, candidates, size, color)
            self.needs_pixels = not is_valid(path, candidates, size, color)
            self.pixels = (path, candidates)
        self.looks = None if folder is None else open_looks(look_path(folder, candidates), candidates)
        self.known: dict[str, npt.NDArray[np.uint8]] = {}
        if self.looks is None and folder is not None:
            self.known = find_looks(folder, candidates)
        self.to_decode = [sha256 for sha256 in candidates if self._must_decode(sha256)]

    def _must_decode(self, sha256: str) -> bool:
        without_look = self.looks is None and sha256 not in self.known
        return self.needs_pixels or without_look or sha256 not in self.memory.known

    def run(self) -> None:
        """Decode what must be, and write the files that were not there."""
        new: dict[str, Facts] = {}
        decoded = self.reader.decode_contents(
            self.to_decode, self.size if self.needs_pixels else None, self.color
        )
        must = set(self.to_decode)
        with ExitStack() as stack:
            looks = stack.enter_context(self._look_writer())
            pixels = stack.enter_context(self._pixel_writer())
            for sha256 in self.candidates:
                look = self.known.get(sha256)
                if sha256 in must:
                    seen = next(decoded)
                    new[sha256], look = seen.facts, seen.look
                    if pixels is not None and seen.pixels is not None:
                        pixels.add(sha256, seen.pixels)
                if looks is not None and look is not None:
                    looks.add(sha256, look)
            look_contents = looks.finish() if looks is not None else self.candidates
            pixel_contents = pixels.finish() if pixels is not None else self.candidates
        self.memory.remember(new)
        self._keep(looks, look_contents, pixel_contents)

    def _look_writer(self) -> AbstractContextManager[LookWriter | _LookList | None]:
        if self.looks is not None:
            return nullcontext(None)
        if self.folder is None:
            return nullcontext(_LookList())
        return writing_looks(look_path(self.folder, self.candidates))

    def _pixel_writer(self) -> AbstractContextManager[CacheWriter | None]:
        if not self.needs_pixels or self.pixels is None or self.size is None:
            return nullcontext(None)
        return writing(self.pixels[0], self.size, self.color)

    def _keep(
        self, looks: LookWriter | _LookList | None, look_contents: list[str], pixel_contents: list[str]
    ) -> None:
        """Put the files under the names of what is in them: some contents could not be decoded."""
        if self.pixels is not None and self.folder is not None and self.size is not None:
            path = _renamed(self.pixels[0], cache_path(self.folder, pixel_contents, self.size, self.color))
            self.pixels = (path, pixel_contents)
        if isinstance(looks, _LookList):
            self.looks = looks.cache(look_contents)
        elif looks is not None and self.folder is not None:
            path = _renamed(look_path(self.folder, self.candidates), look_path(self.folder, look_contents))
            self.looks = open_looks(path, look_contents)


class _LookList:
    """Looks in memory, where there is no cache folder."""

    def __init__(self) -> None:
        self._looks: list[npt.NDArray[np.uint8]] = []
        self._contents: list[str] = []

    def add(self, sha256: str, look: npt.NDArray[np.uint8]) -> None:
        self._looks.append(look)
        self._contents.append(sha256)

    def finish(self) -> list[str]:
        return self._contents

    def cache(self, contents: list[str]) -> LookCache:
        empty = np.zeros((0, LOOK_SIDE_PX, LOOK_SIDE_PX), np.uint8)
        pictures = np.stack(self._looks) if self._looks else empty
        return LookCache(pictures, {sha256: row for row, sha256 in enumerate(contents)})


def _renamed(path: Path, final: Path) -> Path:
    if path != final:
        path.replace(final)
    return final
