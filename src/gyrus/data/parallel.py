"""A map over threads that keeps the order and holds only a few results at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_MOST_THREADS = 8  # more gain little and multiply the memory of large images

Item = TypeVar("Item")
Result = TypeVar("Result")


def threads_to_use() -> int:
    """Return the number of processor cores that this process may use, at most 8."""
    if hasattr(os, "sched_getaffinity"):
        return min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    return min(_MOST_THREADS, os.cpu_count() or 1)


def ordered_map(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, computed by threads a little ahead.

    Decoding, hashing and resizing release Python's lock, so that threads do share the cores.

    Parameters
    ----------
    work : callable
    items : iterable
    threads : int, optional
        As many as there are cores when not given.
    """
    threads = threads_to_use() if threads is None else threads
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with threads_of_a_generator(threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def threads_of_a_generator(threads: int, name: str = "gyrus-map") -> Iterator[ThreadPoolExecutor]:
    """Keep threads for a generator; they have ended when it has, unless it was left before its end.

    A generator that nobody goes through to the end is closed by the garbage collector. It runs in any thread:
    one of these, which cannot wait for itself, or one that holds a lock that they need. So nobody waits then;
    what has not begun is cancelled, and each thread ends with its item.

    Parameters
    ----------
    threads : int
    name : str
        The threads' names begin with it.
    """
    pool, wait = ThreadPoolExecutor(threads, name), True
    try:
        yield pool
    except GeneratorExit:
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)
