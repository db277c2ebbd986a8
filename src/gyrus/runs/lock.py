"""One training at a time in a run folder."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gyrus.errors import StorageError, UsageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

logger = logging.getLogger("gyrus")

LOCK_NAME = ".lock"
_UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_LOCKED_BYTE = 1024  # on Windows a locked byte cannot be read: one behind the process number


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process until the block ends.

    The system's own lock on a file is taken. It ends with the process that holds it, however that ended, so
    the file of a dead process holds nothing.

    Raises
    ------
    UsageError
        When another process holds it.
    StorageError
        When the file cannot be made.
    """
    path = folder / LOCK_NAME
    descriptor = _take(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is still held: nobody else then holds a file that is about to vanish
        os.close(descriptor)


def _take(path: Path) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StorageError(f"cannot be made: {error.strerror}", path=path) from error
        try:
            _lock(descriptor, path)
            if _is_still(path, descriptor):
                _write_holder(descriptor, path)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its former holder removed it between our opening and locking it


def _lock(descriptor: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            raise _held(_holder(descriptor), path) from error
        if error.errno not in _UNSUPPORTED:
            raise StorageError(f"cannot be locked: {error.strerror}", path=path) from error
        logger.info("note: %s: no locks on this file system; a second training is not noticed", path.parent)


def _holder(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 32).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def _write_holder(descriptor: int, path: Path) -> None:
    former = _holder(descriptor)
    if former is not None:
        logger.info("note: process %d, which held %s, ended without letting it go", former, path.parent)
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, str(os.getpid()).encode("ascii"))


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _held(holder: int | None, path: Path) -> UsageError:
    who = "another process" if holder is None else f"process {holder}"
    return UsageError(
        f"{who} is training in this folder",
        path=path.parent,
        fix="wait for it, end it, or name another folder with --out",
    )
