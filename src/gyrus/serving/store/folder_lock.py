"""A folder that several processes share, and in which one of them may now and then want to be alone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class FolderLock:
    """The system's own lock on a file, shared from the start; it ends with the process, however that ends.

    Where the file system has no locks (or on Windows), nobody is ever alone.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._share()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether no other process holds the folder; none can take it until the block ends."""
        alone = self._try_alone()
        try:
            yield alone
        finally:
            self._share()

    def close(self) -> None:
        """Let it go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _try_alone(self) -> bool:
        if sys.platform == "win32":
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # taken, or no locks here
            return False
        return True

    def _share(self) -> None:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # no locks here: alone() will tell so
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)
