"""Reading the files of a manifest by threads and processes: each is hashed, each content decoded once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from tqdm import tqdm

from gyrus.data.manifest import Manifest, Row
from gyrus.data.parallel import ordered_map, threads_to_use
from gyrus.errors import DataError, ImageError
from gyrus.imaging import byte_hash
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.imaging.seeing import Seen, see, see_file
from gyrus.imaging.source import Source
from gyrus.imaging.workers import SeeingWorkers

_BATCH = 16  # images that go to a process at a time
_WORTH_PROCESSES = 600  # images: below, starting processes costs more than they save

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        self._workers: SeeingWorkers | None = None
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
        files = [(self.manifest.source_of(self.row_with[sha256]), sha256) for sha256 in contents]
        batches = [files[start : start + _BATCH] for start in range(0, len(files), _BATCH)]
        with ExitStack() as stack:
            if self._workers is None and self._worth_processes(len(files)):
                self.start_workers(stack)
            workers = self._workers

            def work(batch: list[tuple[Source, str]]) -> list[Seen | None]:
                if workers is not None:
                    return workers.see(batch, geometry, color)
                return [see_file(source, sha256, geometry, color) for source, sha256 in batch]

            seen = self._map(work, batches, "Decoding images", [len(batch) for batch in batches])
            for batch, results in zip(batches, seen, strict=True):
                for (source, _), result in zip(batch, results, strict=True):
                    if result is None:
                        raise DataError(
                            "changed while it was being read", path=str(source), fix="start again"
                        )
                    yield result

    def start_workers(self, stack: ExitStack) -> bool:
        """Start processes for :meth:`decode_contents` where the set is large and there are several cores.

        They end with the stack. Returns whether they were started.
        """
        if not self._worth_processes(len(self.manifest)):
            return False
        self._workers = stack.enter_context(SeeingWorkers(threads_to_use()))
        stack.callback(self._forget_workers)
        return True

    def _worth_processes(self, images: int) -> bool:
        return images >= _WORTH_PROCESSES and threads_to_use() > 1 and bool(sys.executable)

    def _forget_workers(self) -> None:
        self._workers = None

    def _read(self, row: Row, decoding: Callable[[str], bool]) -> FileRead:
        source = self.manifest.source_of(row)
        try:
            data = source.read()
        except ImageError as error:
            return FileRead(row.image_id, reason=error.message)
        sha256 = byte_hash(data)
        seen = see(data, str(source)) if decoding(sha256) and self._claim(sha256) else None
        return FileRead(row.image_id, sha256, seen=seen)

    def _claim(self, sha256: str) -> bool:
        """Tell whether this content is met for the first time."""
        with self._lock:
            new = sha256 not in self._claimed
            self._claimed.add(sha256)
        return new

    def _map(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        what: str,
        sizes: Sequence[int] | None = None,
    ) -> Iterator[Result]:
        """Yield ``work(item)`` in order behind a bar that counts images: 1 an item, or ``sizes``."""
        counts = [1] * len(items) if sizes is None else sizes
        with tqdm(
            total=sum(counts), desc=what, unit="image", file=sys.stderr,
            disable=not self.progress, delay=1.0, mininterval=0.5, leave=False,
        ) as bar:  # fmt: skip
            for count, result in zip(counts, ordered_map(work, items), strict=True):
                bar.update(count)
                yield result
