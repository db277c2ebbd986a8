"""Keep freed memory: a training step asks for the same large blocks again and again.

glibc gives every block above 32 MB back to the system when it is freed and fetches fresh pages for the next
one; the kernel then clears them, page by page. On the machine this was measured on, the clearing took more
time than the arithmetic (``benchmarks/allocator.py``).
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h
_NEVER = 2**31 - 1


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
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))
