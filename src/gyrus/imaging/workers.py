"""Decoding in several processes: threads share Python's lock, and small images spend most time under it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import IO

from gyrus.errors import StorageError
from gyrus.imaging.seeing import FileRead, FirstMet, Request
from gyrus.imaging.seeing_worker import receive, send

_MODULE = "gyrus.imaging.seeing_worker"
_PATIENCE_S = 5.0
_PIPE_BYTES = 1 << 20


class SeeingWorkers:
    """Processes that read and decode image files, this one among them.

    Parameters
    ----------
    others : int
        How many beside this process; they start at once and load their modules while this one works.

    Attributes
    ----------
    places : int
        How many threads may call :meth:`see` at once: one works here, two wait for each of the others, so
        that it has the next request at hand when it has answered one.
    """

    def __init__(self, others: int) -> None:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._others = [_Other(variables) for _ in range(others)]
        self._first_met = FirstMet()
        self._free: queue.SimpleQueue[_Other | None] = queue.SimpleQueue()
        for place in (*self._others, None, *self._others):  # None: the thread that asks does it itself
            self._free.put(place)
        self.places = 2 * others + 1

    def __enter__(self) -> SeeingWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for other in self._others:
            other.dismiss(kill=kind is not None)
        for other in self._others:
            other.wait()

    def see(self, request: Request) -> list[FileRead]:
        """Read and see the images of a batch.

        Raises
        ------
        StorageError
            When the process ended, most likely killed for want of memory; names the files it was at.
        """
        other = self._free.get()
        try:
            return request.answer(self._first_met) if other is None else other.ask(request)
        finally:
            self._free.put(other)


class _Other:
    """Another process; several threads may ask it at once and are answered in their order."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        _widen(self._answers)
        self._asking = threading.Lock()
        self._asked = 0
        self._answered = 0
        self._next = threading.Condition()

    def ask(self, request: Request) -> list[FileRead]:
        """Send a request and wait for its answer."""
        try:
            with self._asking:
                turn = self._asked
                send(self._requests, request)
                self._asked += 1
            with self._next:
                self._next.wait_for(lambda: self._answered == turn)
            try:
                answer: list[FileRead] = receive(self._answers)
            finally:
                with self._next:
                    self._answered += 1
                    self._next.notify_all()
        except (EOFError, OSError) as error:
            status = self.process.poll()
            raise StorageError(
                f"a process that decodes images ended (exit status {status}) at one of these files",
                details=[str(source) for source in request.sources],
                fix="see whether memory was short, or whether one of them is broken: gyrus doctor",
            ) from error
        return answer

    def dismiss(self, *, kill: bool) -> None:
        """Let the process end when it has answered; at once with ``kill``."""
        if kill:
            self.process.kill()
        for stream in (self._requests, self._answers):
            with contextlib.suppress(OSError):  # a pipe to a process that is gone cannot be flushed
                stream.close()

    def wait(self) -> None:
        """Wait until it has ended."""
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe take a whole answer, where the system can: its writer need not wait for the reader."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # more than this user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
