"""The test ledger: how often a test set has been looked at.

A test set that is looked at again and again, with choices made in between, becomes a validation set.
The ledger does not forbid looking; it counts, and every report shows the count.
"""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from gyrus.errors import StorageError


def count_looks(ledger: Path, fingerprint: str) -> int:
    """Return how many looks are recorded for the manifest with this fingerprint.

    A line that cannot be read (a write cut off by a power failure) counts as a look: whoever was cut off
    may have looked.
    """
    try:
        lines = ledger.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageError(f"the test ledger cannot be read: {error.strerror}", path=ledger) from error
    looks = 0
    for line in lines:
        try:
            looks += json.loads(line)["fingerprint"] == fingerprint
        except (ValueError, KeyError, TypeError):
            looks += 1
    return looks


def record_look(ledger: Path, fingerprint: str, run: str) -> int:
    """Add a look and return the new count; called *before* the test set is read."""
    entry = {
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "run": run,
    }
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(ledger, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            # One write of one short line in append mode: two processes that look at once both count.
            line = _fresh_line(descriptor) + json.dumps(entry).encode() + b"\n"
            if os.write(descriptor, line) < len(line):  # the disk became full within it
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"the look at the test set cannot be recorded: {error.strerror}",
            path=ledger,
            fix="make the folder writable; without a record the test set stays closed",
        ) from error
    return count_looks(ledger, fingerprint)


def _fresh_line(descriptor: int) -> bytes:
    """Return what must stand before a new line: nothing, unless a write was cut off within the last one."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)  # append mode writes at the end all the same
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"
