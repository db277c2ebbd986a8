"""Memory of large images is given back to the system, so that a server stays as small as its usual requests.

glibc's malloc, left alone, raises the size from which it asks the system for memory of its own up to 32 MiB
as such pieces are freed, and keeps what is smaller for good, for each thread apart: damaged files of a
megapixel or more made a server grow from 250 to 440 MiB. It also gives threads heaps of their own, up to
eight for each core; what one thread has freed in its heap is of no use to the others, so that many threads
hold many times what is used. Two heaps are enough for a server that computes in a few threads.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGEST_KEPT = 2**20
_MOST_KEPT_AT_TOP = 4 * 2**20
_HEAPS = 2


def give_large_pieces_back() -> bool:
    """Set sizes and heaps once and for all, before threads begin; tell whether this malloc has them."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl: it keeps no large piece anyway
        return False
    took = [
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT),
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT_AT_TOP),
        mallopt(_M_ARENA_MAX, _HEAPS),
    ]
    return all(took)
