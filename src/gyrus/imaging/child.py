"""Reading DICOM and NIfTI in processes of their own, with bounds on memory and time.

Both formats are containers in which a small file can ask for anything: gigabytes, hours, a flaw of a
decoder written in C. So their readers run in long-lived child processes. A child may take 1 GiB beyond its
start, may write no file, and is ended when a file takes longer than
:attr:`gyrus.imaging.Limits.max_seconds`; the next file gets a new one. What a child answers is JSON and
numbers, checked here, never a pickle. After :data:`MOST_ANSWERS` a child is replaced: decoders written in C
may lose memory in each. What libraries print is thrown away there: their warnings quote
patients' names.

Memory is bounded where the system can do it (Linux; elsewhere the bounds on file, header and time remain).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import IO, Any, Literal

from gyrus.errors import ImageError, PassingError, StorageError
from gyrus.imaging.child_messages import receive, send
from gyrus.imaging.limits import Limits

MEMORY_BYTES = 2**30
"""What a child may take beyond what it has when its libraries are loaded."""
MOST_ANSWERS = 10_000
"""After so many a child is replaced; it takes half a second, of the minute or more that those took."""
_MODULE = "gyrus.imaging.child_worker"
_START_S = 60.0
_END_S = 5.0

Reads = Literal["dicom", "nifti"]
_Answer = tuple[dict[str, Any], bytes]


def ask(
    reads: Reads, request: dict[str, Any], payload: bytes = b"", *, name: str, limits: Limits
) -> tuple[dict[str, Any], bytes]:
    """Let a child answer a request about one file.

    Parameters
    ----------
    reads : {"dicom", "nifti"}
        Which reader.
    request : dict
        JSON-able; see :mod:`gyrus.imaging.child_worker`.
    payload : bytes
        The file, where the request names no path.
    name : str
        What the file is called in errors.
    limits : Limits

    Returns
    -------
    answer : dict
    payload : bytes

    Raises
    ------
    ImageError
        What the reader found wrong; or that it took too long, too much memory, or broke.
    StorageError
        When no process can be started.
    """
    asked = {**request, "max_file_bytes": limits.max_file_bytes, "max_pixels": limits.max_pixels}
    child = _CHILDREN.take(reads, hash(payload or request.get("path")))
    try:
        answer, data = child.ask(asked, payload, limits.max_seconds, most=16 * limits.max_pixels)
    except _TookTooLongError as error:
        raise PassingError(
            f"took longer than {limits.max_seconds:.3g} s to read and was given up",
            path=name,
            fix="it is damaged or made to do harm; leave it out",
        ) from error
    except (EOFError, OSError, ValueError) as error:
        raise PassingError(
            f"broke the process that read it ({child.ending()}) and was given up",
            path=name,
            fix="it is damaged or made to do harm; leave it out",
        ) from error
    finally:
        _CHILDREN.give_back(child)
    if "error" in answer:
        raise (PassingError if answer.get("passing") is True else ImageError)(
            str(answer["error"]), path=name, fix=answer.get("fix")
        )
    return answer, data


def close_children() -> None:
    """End all children; the next request starts new ones."""
    _CHILDREN.close()


def reading_clock() -> float:
    """Return seconds that pass for this thread except while it starts a child.

    That takes half a second of a core, on a machine under load ten: no file is to blame for it.
    """
    started_s: float = getattr(_STARTED, "seconds", 0.0)
    return time.monotonic() - started_s


class _TookTooLongError(Exception):
    """The child was ended because its time was over."""


class _Child:
    """One child process; asked by one thread at a time."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.owner = os.getpid()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "1",
        }
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, reads, str(MEMORY_BYTES)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
        except OSError as error:
            raise StorageError(
                f"no process that reads {reads} files can be started: {error.strerror or error}"
            ) from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests: IO[bytes] = self.process.stdin
        self._answers: IO[bytes] = self.process.stdout
        self._late = False
        self.sound = True
        self.about = 0
        self.answers = 0
        try:
            self._within(_START_S, lambda: receive(self._answers, 0))
        except (_TookTooLongError, EOFError, OSError, ValueError) as error:
            self.end()
            raise StorageError(
                f"the process that reads {reads} files does not start ({self.ending()})",
                fix="see whether memory is short, and whether pydicom and nibabel can be imported",
            ) from error

    def ask(
        self, request: dict[str, Any], payload: bytes, seconds: float, most: int
    ) -> tuple[dict[str, Any], bytes]:
        def exchange() -> tuple[dict[str, Any], bytes]:
            self.answers += 1
            send(self._requests, request, payload)
            return receive(self._answers, most)

        return self._within(seconds, exchange)

    def _within(self, seconds: float, work: Callable[[], _Answer]) -> _Answer:
        """Return ``work()``; the process is killed when that takes longer, which ends every wait for it."""
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        timer.start()
        try:
            return work()
        except BaseException as error:
            self.sound = False
            if self._late and isinstance(error, (EOFError, OSError, ValueError)):
                raise _TookTooLongError from error
            raise
        finally:
            timer.cancel()
            timer.join()  # one that was just going off would kill it while the next file is read
            self.sound = self.sound and not self._late

    def _kill(self) -> None:
        self._late = True
        self.process.kill()

    def ending(self) -> str:
        """Say how the process ended."""
        try:
            status = self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return "it answered nonsense"
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def end(self) -> None:
        """End the process at once."""
        self.sound = False
        self.process.kill()
        for stream in (self._requests, self._answers):
            with contextlib.suppress(OSError):  # a pipe to a process that is gone cannot be flushed
                stream.close()
        self.process.wait()


class _Children:
    """The children that wait for work; a new one starts when none does, so there are as many as askers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Child]] = defaultdict(list)
        self._left_to_parent: list[_Child] = []

    def take(self, reads: Reads, about: int) -> _Child:
        """Return a child that waits, the one that answered last about the same file where there is one.

        It has the file at hand, and a volume unpacked; else it is the one used last, so that others rest.
        """
        with self._lock:
            waiting = self._idle[reads]
            places = [place for place, child in enumerate(waiting) if child.about == about]
            child = waiting.pop(places[-1] if places else -1) if waiting else None
        child = child or _started(reads)
        child.about = about
        return child

    def give_back(self, child: _Child) -> None:
        if child.sound and child.owner == os.getpid() and child.answers < MOST_ANSWERS:
            with self._lock:
                self._idle[child.reads].append(child)
        else:
            child.end()

    def close(self) -> None:
        with self._lock:
            ending = [child for children in self._idle.values() for child in children]
            self._idle.clear()
        for child in ending:
            child.end()

    def forget(self) -> None:
        """In a forked process: the children are the parent's, and two must not talk into one pipe."""
        self._lock = threading.Lock()
        self._left_to_parent += [child for children in self._idle.values() for child in children]
        self._idle = defaultdict(list)


_STARTED = threading.local()
"""``seconds`` that this thread spent in starting children."""


def _started(reads: Reads) -> _Child:
    began = time.monotonic()
    try:
        return _Child(reads)
    finally:
        _STARTED.seconds = getattr(_STARTED, "seconds", 0.0) + time.monotonic() - began


_CHILDREN = _Children()
atexit.register(close_children)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CHILDREN.forget)
