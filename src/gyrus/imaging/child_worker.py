"""The process that reads DICOM or NIfTI files for :mod:`gyrus.imaging.child`.

A request is ``{"do": "facts" | "pixels", "path": … or null (the payload is the file), "frame": …, "plane": …,
"key": …}``; an answer is what the readers give, or ``{"error": …, "fix": …}``. Nothing that a library says
goes into an answer but the name of the error's class: messages of libraries quote what the file holds.

What may be asked about next (the file, its header, an unpacked volume: up to 400 MiB) is kept until nobody
has asked for a second; then it goes, and the memory back to the system.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

from gyrus.errors import ImageError, PassingError
from gyrus.imaging.child_messages import receive, send
from gyrus.imaging.given_back import give_free_memory_back
from gyrus.imaging.limits import Limits
from gyrus.imaging.pixel_file import PixelFile
from gyrus.imaging.source import read_file

_MOST_REQUEST = 1 << 34
REST_S = 1.0
"""After so long without a request a process lets go of what it keeps for the next one."""
_STACK_DEPTH = 600  # data sets within data sets that Python's stack takes without the system's giving way


class Reader(Protocol):
    """What a format's reader can do with a file, given as bytes; ``key`` is the user's for hashes."""

    def facts(self, data: bytes, limits: Limits, *, plane: str, key: bytes) -> dict[str, Any]:
        """Return the fields of :class:`gyrus.imaging.file_facts.FileFacts`, JSON-able."""

    def pixels(self, data: bytes, limits: Limits, frame: str) -> PixelFile:
        """Return one image."""


def main() -> None:
    """Answer requests until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it closes the pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    reader = _reader(sys.argv[1])
    _bound(int(sys.argv[2]))
    sys.setrecursionlimit(_STACK_DEPTH)
    send(answers, {"ready": True})
    files = _Files()
    while True:
        if rests(sys.stdin.buffer):
            reader, files = _reader(sys.argv[1]), _Files()
            gc.collect()
            give_free_memory_back()
        try:
            request, payload = receive(sys.stdin.buffer, _MOST_REQUEST)
        except EOFError:
            os._exit(0)  # nothing is left to be done
        answer, data = _answer(reader, files, request, payload)
        send(answers, answer, data)
        del request, payload, answer, data  # a volume and an image of it, until the next request came


def rests(requests: IO[bytes], seconds: float = REST_S) -> bool:
    """Wait for a request; tell that none came within so long.

    A request is only sent when the one before is answered, so none can be read ahead already. Where pipes
    cannot be waited for (Windows) nothing is ever let go.
    """
    if os.name != "posix":
        return False
    return not select.select([requests], [], [], seconds)[0]


def _reader(reads: str) -> Reader:
    if reads == "dicom":
        from gyrus.imaging.dicom.reader import DicomReader

        return DicomReader()
    from gyrus.imaging.nifti.reader import NiftiReader

    return NiftiReader()


def _answer(
    reader: Reader, files: _Files, request: dict[str, Any], payload: bytes
) -> tuple[dict[str, Any], bytes | memoryview]:
    limits = Limits(request["max_file_bytes"], request["max_pixels"])

    def work() -> tuple[dict[str, Any], bytes | memoryview]:
        data = payload if request["path"] is None else files.read(Path(request["path"]), limits)
        if request["do"] == "facts":
            return reader.facts(data, limits, plane=request["plane"], key=bytes.fromhex(request["key"])), b""
        found = reader.pixels(data, limits, request["frame"])
        return found.describe(), found.pixels.astype(
            found.pixels.dtype.newbyteorder("<"), copy=False
        ).tobytes()

    return _safely(work)


def _safely(
    work: Callable[[], tuple[dict[str, Any], bytes | memoryview]],
) -> tuple[dict[str, Any], bytes | memoryview]:
    try:
        return work()
    except ImageError as error:
        return {"error": error.message, "fix": error.fix, "passing": isinstance(error, PassingError)}, b""
    except MemoryError:
        return {"error": "needs more memory than one file may take (1 GiB)", "fix": "store it smaller"}, b""
    except RecursionError:
        return {"error": "is nested too deeply to be read", "fix": "it is damaged or made to do harm"}, b""
    except Exception as error:  # noqa: BLE001 - a library may raise anything on a damaged file
        kind = type(error).__name__
        return {"error": f"is damaged: it cannot be decoded ({kind})", "fix": "copy the file again"}, b""


class _Files:
    """The file read last, so that its next image need not be read from the disk again."""

    def __init__(self) -> None:
        self._key: tuple[str, int, int] | None = None
        self._data = b""

    def read(self, path: Path, limits: Limits) -> bytes:
        try:
            status = path.stat()
        except OSError:
            return read_file(path, limits=limits)  # which tells why
        key = (str(path), status.st_mtime_ns, status.st_size)
        if key != self._key:
            self._key, self._data = None, b""
            self._data = read_file(path, limits=limits)
            self._key = key
        return self._data


def _bound(memory_bytes: int) -> None:
    """Take from this process what it does not need: memory beyond the bound, files to write, core dumps."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    status = Path("/proc/self/statm")
    if status.exists():
        now = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory_bytes, now + memory_bytes))


if __name__ == "__main__":
    main()
