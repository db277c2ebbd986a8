"""Decoding in several processes: threads share Python's lock, and small images spend most time under it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from types import TracebackType
from typing import IO

from gyrus.errors import StorageError
from gyrus.imaging.seeing import FileRead, FirstMet, Request
from gyrus.imaging.seeing_worker import receive, send

_MODULE = "gyrus.imaging.seeing_worker"
_PATIENCE_S = 5.0


class SeeingWorkers:
    """Processes that read and decode image files, this one among them; each call of :meth:`see` occupies one.

    Parameters
    ----------
    others : int
        How many beside this process; they start at once and load their modules while this one works.
    """

    def __init__(self, others: int) -> None:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=variables,
            )
            for _ in range(others)
        ]
        self._first_met = FirstMet()
        self._free: queue.SimpleQueue[subprocess.Popen[bytes] | None] = queue.SimpleQueue()
        for process in (*self._processes, None):  # None: the thread that asks does it itself
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

    def see(self, request: Request) -> list[FileRead]:
        """Read and see the images of a batch.

        Raises
        ------
        StorageError
            When the process ended, most likely killed for want of memory; names the files it was at.
        """
        process = self._free.get()
        try:
            return request.answer(self._first_met) if process is None else _ask(process, request)
        finally:
            self._free.put(process)


def _ask(process: subprocess.Popen[bytes], request: Request) -> list[FileRead]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        send(process.stdin, request)
        answer: list[FileRead] = receive(process.stdout)
    except (EOFError, OSError) as error:
        raise StorageError(
            f"a process that decodes images ended (exit status {process.poll()}) at one of these files",
            details=[str(source) for source in request.sources],
            fix="see whether memory was short, or whether one of them is broken: gyrus doctor",
        ) from error
    return answer


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # a pipe to a process that is gone cannot be flushed
        stream.close()
