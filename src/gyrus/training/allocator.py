"""Keep freed memory: a training step asks for the same blocks again and again.

glibc gives blocks back to the system as soon as they are freed and fetches fresh pages for the next ones;
the kernel then clears them, page by page (``benchmarks/allocator.py``). Blocks above 32 MB still go back:
kept, they would leave gaps that nothing fits, and a training that needs 3 GB would hold 5.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_NEVER = 2**31 - 1
_LARGEST_KEPT = 32 * 2**20  # the most that glibc allows


def keep_freed_memory() -> bool:
    """Tell the C library to keep what is freed, for the rest of this process.

    Returns
    -------
    bool
        False where the C library has no such switch (macOS, Windows, musl); nothing is changed there.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT) and mallopt(_M_TRIM_THRESHOLD, _NEVER))
