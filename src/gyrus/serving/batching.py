"""Images of many requests through the network together, and a bound on how many wait.

The network's threads take what waits. An image that is alone never waits for company; while others are just
being read, one waits for them a few milliseconds. So batches grow with the load by themselves.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from gyrus.errors import BusyError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MEMORY_S = 1.0
"""Busy time after which what was seen counts e times less."""
_MOST_TIMES = 4.0
"""How many times the expected time a gap may count."""


class Batches(Generic[Item, Result]):
    """Computes what several threads bring, a batch at a time, in threads of its own.

    Parameters
    ----------
    compute : callable
        Takes items and returns as many results, in order.
    most : int
        Items of a batch.
    window_s : float
        How long a batch that is not full waits, while others say that they are just coming.
    threads : int
        Batches that are computed side by side.
    observe : callable, optional
        Is told the size of every batch.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: int,
        window_s: float,
        threads: int = 1,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._compute, self._most, self._window_s, self._observe = compute, most, window_s, observe
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._coming = 0
        self._idle = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"gyrus-network-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def coming(self) -> None:
        """Say that an item is on its way: a batch may wait for it."""
        with self._changed:
            self._coming += 1

    def not_coming(self) -> None:
        """Say that one of those will not come."""
        with self._changed:
            self._coming -= 1
            self._changed.notify()

    def bring(self, item: Item, future: Future[Result]) -> None:
        """Hand over an item that was :meth:`coming`; ``future`` gets its result."""
        with self._changed:
            self._coming -= 1
            self._waiting.append((item, future))
            self._changed.notify()

    def close(self) -> None:
        """Compute what waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next():
            self._observe(len(batch))
            try:
                results = self._compute([item for item, _ in batch])
            except BaseException as error:  # noqa: BLE001 - whoever asked is told, whatever it was
                for _, future in batch:
                    future.set_exception(error)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)

    def _next(self) -> list[tuple[Item, Future[Result]]]:
        """Return what goes through together; nothing when all is done and closed."""
        with self._changed:
            while True:
                if self._waiting:
                    self._await_company()
                    # while it waited, another thread may have taken everything
                    if batch := self._taken():
                        return batch
                elif self._closed:
                    return []
                else:
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1

    def _await_company(self) -> None:
        """Let go of the lock until a batch is full, nobody is coming, or the window is over."""
        until = time.monotonic() + self._window_s
        while self._coming and len(self._waiting) < self._most:
            rest = until - time.monotonic()
            if rest <= 0 or not self._changed.wait(rest):
                break

    def _taken(self) -> list[tuple[Item, Future[Result]]]:
        """Take a batch; what waits is shared with the threads that have nothing to do."""
        count = min(self._most, -(-len(self._waiting) // (1 + self._idle)))
        batch = [self._waiting.popleft() for _ in range(count)]
        if self._waiting and self._idle:
            self._changed.notify_all()  # one notice may have gone to a thread that had work already
        return batch


class Admission:
    """Lets in as many images as can be answered in time.

    Parameters
    ----------
    most : int
        Images that may be inside.
    few : int
        So many are let in however long it takes: a handful of clients is no overload on a slow machine.
    """

    def __init__(self, most: int, few: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._few, self._clock = most, few, clock
        self._lock = threading.Lock()
        self._inside = 0
        self._left, self._busy_s = 0.0, 0.0  # images and the time they took, the older the less
        self._last_left = 0.0

    @property
    def inside(self) -> int:
        """Images that wait or are being answered."""
        return self._inside

    def expected_wait_s(self) -> float:
        """Return how long those inside will take, as things go."""
        return self._inside * self._per_image_s

    @property
    def _per_image_s(self) -> float:
        return self._busy_s / self._left if self._left else 0.0

    def check(self, images: int, patience_s: float) -> None:
        """See whether images would be let in now.

        Raises
        ------
        BusyError
            When they would wait too long or are too many.
        """
        wait_s = self.expected_wait_s()
        slow = self._inside >= self._few and wait_s > patience_s
        if slow or (self._inside and self._inside + images > self._most):
            raise BusyError(
                f"{self._inside} images are waiting already",
                retry_after_s=max(1, round(wait_s)),
                fix="ask again later",
            )

    def enter(self, images: int, patience_s: float) -> None:
        """Let images in, or raise as :meth:`check` does."""
        with self._lock:
            self.check(images, patience_s)
            if not self._inside:
                self._last_left = self._clock()
            self._inside += images

    def leave(self, images: int) -> None:
        """Let images out; the time since the last ones left tells how fast it goes.

        Images leave in bursts, as they went through the network: images and time are summed apart, for a
        mean of the gaps between them would follow the last burst.
        """
        with self._lock:
            now = self._clock()
            gap_s = now - self._last_left
            if self._left:  # one that took unusually long says little of those that come
                gap_s = min(gap_s, _MOST_TIMES * self.expected_wait_s())
            fade = math.exp(-gap_s / _MEMORY_S)
            self._left = fade * self._left + images
            self._busy_s = fade * self._busy_s + gap_s
            self._last_left = now
            self._inside -= images
