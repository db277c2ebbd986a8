"""Where gyrus remembers what is slow to compute again, and how that is kept small.

The cache folder is ``--cache-dir``, else the environment variable ``GYRUS_CACHE``, else ``gyrus`` in the
user's cache folder (``~/.cache`` or ``XDG_CACHE_HOME``). It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from gyrus.errors import StorageError

_ABANDONED_S = 24 * 3600.0


def default_cache_folder() -> Path:
    """Return the cache folder that is used when none is named."""
    named = os.environ.get("GYRUS_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gyrus"


def make_cache_folder(folder: Path) -> Path:
    """Create a folder of the cache and return it.

    Raises
    ------
    StorageError
        When it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "no permission to write")
    return folder


def _unusable(folder: Path, reason: str) -> StorageError:
    fix = "name another: --cache-dir, or GYRUS_CACHE"
    return StorageError(f"the cache folder cannot be used: {reason}", path=folder, fix=fix)


def keep_below(folder: Path, suffix: str, max_bytes: int, keep: Path) -> None:
    """Delete the files of this ending that were used longest ago, until the rest is below ``max_bytes``.

    ``keep`` is never deleted. Half-written files that a killed process left behind a day ago go too.
    """
    with contextlib.suppress(OSError):  # another process may be tidying up as well
        for part in folder.glob(".*.part"):
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()
    total = 0
    for path, status in sorted(_statuses(folder, suffix), key=lambda item: -item[1].st_mtime):
        total += status.st_size
        if total > max_bytes and path != keep:
            with contextlib.suppress(OSError):
                path.unlink()


def mark_used(path: Path) -> None:
    """Note that a file of the cache was used now; nothing happens where that is not permitted."""
    with contextlib.suppress(OSError):
        os.utime(path)


def _statuses(folder: Path, suffix: str) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob(f"*{suffix}"):
        with contextlib.suppress(OSError):
            found.append((path, path.stat()))
    return found
