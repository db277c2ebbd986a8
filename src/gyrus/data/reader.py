"""Reading the files of a manifest by threads and processes: each is hashed, each content decoded once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import TypeVar

from tqdm import tqdm

from gyrus.data.manifest import Manifest, Row
from gyrus.data.parallel import ordered_map, threads_to_use
from gyrus.errors import DataError
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.imaging.seeing import Facts, FileRead, FirstMet, Request, Seen, read_and_see
from gyrus.imaging.workers import SeeingWorkers

_BATCH = 64  # images that a process or thread takes at a time, at most
_LEAST = 4  # at least
_WORTH_PROCESSES = 600  # images: below, starting processes costs more than they save

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        self._workers: SeeingWorkers | None = None
        self._first_met = FirstMet()

    def read_files(self, known: Collection[str] | None) -> Iterator[tuple[Row, FileRead]]:
        """Read and hash each file, in order.

        Parameters
        ----------
        known : collection of str or None
            SHA-256 of contents that need not be decoded; each of the others is, at the first file of it that
            a process meets. None: nothing is decoded.
        """
        batches = self._batches(self.manifest.rows)
        workers = self._workers if known is not None and not known else None

        def wanted(_: int, sha256: str) -> bool:
            return known is not None and sha256 not in known and self._first_met(sha256)

        def work(rows: Sequence[Row]) -> list[FileRead]:
            sources = [self.manifest.source_of(row) for row in rows]
            return read_and_see(sources, wanted) if workers is None else workers.see(Request(sources))

        for rows, results in zip(batches, self._map(work, batches, "Reading images"), strict=True):
            for row, read in zip(rows, results, strict=True):
                if read.sha256:
                    self.row_with.setdefault(read.sha256, row)
                yield row, read

    def decode_contents(
        self, contents: Sequence[str], geometry: Geometry | None = None, color: Color = "grey"
    ) -> Iterator[Seen]:
        """Decode one file of each content, in order; with ``geometry`` also bring it to a square.

        Raises
        ------
        DataError
            When a file has another content than when it was hashed.
        StorageError
            When a process that decodes was killed.
        """
        batches = self._batches(contents)
        with ExitStack() as stack:
            if self._workers is None and self._worth_processes(len(contents)):
                self.start_workers(stack)
            workers = self._workers

            def work(expected: Sequence[str]) -> list[FileRead]:
                sources = [self.manifest.source_of(self.row_with[sha256]) for sha256 in expected]
                request = Request(sources, expected, geometry, color)
                return request.answer(self._first_met) if workers is None else workers.see(request)

            for batch, results in zip(batches, self._map(work, batches, "Decoding images"), strict=True):
                for sha256, read in zip(batch, results, strict=True):
                    yield self._seen(sha256, read)

    def _seen(self, sha256: str, read: FileRead) -> Seen:
        if read.reason:
            return Seen(Facts(error=read.reason))
        if read.seen is None:
            source = str(self.manifest.source_of(self.row_with[sha256]))
            raise DataError("changed while it was being read", path=source, fix="start again")
        return read.seen

    def start_workers(self, stack: ExitStack) -> bool:
        """Start processes that decode where the set is large and there are several cores.

        They end with the stack. Returns whether they were started.
        """
        if not self._worth_processes(len(self.manifest)):
            return False
        self._workers = stack.enter_context(SeeingWorkers(threads_to_use() - 1))
        stack.callback(self._forget_workers)
        return True

    def _worth_processes(self, images: int) -> bool:
        return images >= _WORTH_PROCESSES and threads_to_use() > 1 and bool(sys.executable)

    def _forget_workers(self) -> None:
        self._workers = None

    def _batches(self, items: Sequence[Item]) -> list[Sequence[Item]]:
        """Cut a sequence into batches, the smaller the nearer its end: so that all cores end together."""
        batches: list[Sequence[Item]] = []
        start = 0
        while start < len(items):
            share = (len(items) - start) // (4 * threads_to_use())
            batches.append(items[start : start + min(_BATCH, max(_LEAST, share))])
            start += len(batches[-1])
        return batches

    def _map(
        self, work: Callable[[Sequence[Item]], Result], batches: Sequence[Sequence[Item]], what: str
    ) -> Iterator[Result]:
        """Yield ``work(batch)`` in order behind a bar that counts images."""
        with tqdm(
            total=sum(map(len, batches)), desc=what, unit="image", file=sys.stderr,
            disable=not self.progress, delay=1.0, mininterval=0.5, leave=False,
        ) as bar:  # fmt: skip
            threads = None if self._workers is None else self._workers.places
            for batch, result in zip(batches, ordered_map(work, batches, threads), strict=True):
                bar.update(len(batch))
                yield result
