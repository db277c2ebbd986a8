"""Decoding in several processes: threads share Python's lock, and small images spend most time under it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO

from gyrus.errors import StorageError
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.imaging.seeing import Seen
from gyrus.imaging.seeing_worker import receive, send
from gyrus.imaging.source import Source

_MODULE = "gyrus.imaging.seeing_worker"
_PATIENCE_S = 5.0


class SeeingWorkers:
    """Processes that decode image files; each call of :meth:`see` occupies one.

    Parameters
    ----------
    count : int
        How many; they start at once and load their modules while the caller goes on.
    """

    def __init__(self, count: int) -> None:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.count = count
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=variables,
            )
            for _ in range(count)
        ]
        self._free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for process in self._processes:
            self._free.put(process)

    def __enter__(self) -> SeeingWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if kind is not None:
                process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close(stream)
        for process in self._processes:
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def see(
        self, batch: Sequence[tuple[Source, str]], geometry: Geometry | None = None, color: Color = "grey"
    ) -> list[Seen | None]:
        """See the images of a batch of (source, SHA-256); see :func:`gyrus.imaging.seeing.see_file`.

        Raises
        ------
        StorageError
            When the process ended, most likely killed for want of memory; names the files it was at.
        """
        process = self._free.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, [(source, sha256, geometry, color) for source, sha256 in batch])
            seen: list[Seen | None] = receive(process.stdout)
        except (EOFError, OSError) as error:
            raise StorageError(
                f"a process that decodes images ended (exit status {process.poll()}) at one of these files",
                details=[str(source) for source, _ in batch],
                fix="see whether memory was short, or whether one of them is broken: gyrus doctor",
            ) from error
        finally:
            self._free.put(process)
        return seen


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # a pipe to a process that is gone cannot be flushed
        stream.close()
