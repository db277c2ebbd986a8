"""Images of many requests through the network together.

The network's threads take what waits. An image that is alone never waits for company; while others are just
being read, one waits for them a few milliseconds. So batches grow with the load by themselves, but never so
large that the first would wait long for the last: on a processor two together take twice as long as one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from gyrus.errors import BusyError
from gyrus.serving.deadline import Deadline

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
"""Full batches that may wait, for each thread."""
_NEWEST = 0.2
"""Share of the last batch in what an item is expected to take."""


class Batches(Generic[Item, Result]):
    """Computes what several threads bring, a batch at a time, in threads of its own.

    Parameters
    ----------
    compute : callable
        Takes items and returns as many results, in order.
    most : int
        Items of a batch.
    most_s : float
        How long a batch may take, as things go; one item may take longer.
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
        most_s: float,
        window_s: float,
        threads: int = 1,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._compute, self._observe = compute, observe
        self._most, self._most_s, self._window_s = most, most_s, window_s
        self._item_s = 0.0
        lock = threading.Lock()
        self._changed, self._taken_from = threading.Condition(lock), threading.Condition(lock)
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._coming = 0
        self._idle = 0
        self._closed = False
        self._count = threads
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

    def await_room(self) -> None:
        """Wait while enough is waiting for all threads: what is read too early only takes memory."""
        with self._taken_from:
            while len(self._waiting) >= _AHEAD * self._count * self._full and not self._closed:
                self._taken_from.wait()

    def bring(self, item: Item, future: Future[Result], begin: Deadline | None = None) -> None:
        """Hand over an item that was :meth:`coming`.

        ``future`` gets its result, or an error where it was not begun by ``begin``: nobody waits for it then.
        """
        with self._changed:
            self._coming -= 1
            self._waiting.append(_Waiting(item, future, begin))
            self._changed.notify()

    def close(self) -> None:
        """Compute what waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._taken_from.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while self._work_off(self._next()):  # while it waits, no name here holds the images of the last batch
            pass

    def _work_off(self, batch: list[_Waiting[Item, Result]]) -> bool:
        """Compute a batch; tell whether there was one."""
        if not (wanted := _in_time(batch)):
            return bool(batch)
        self._observe(len(wanted))
        began = time.monotonic()
        try:
            results = self._compute([waiting.item for waiting in wanted])
        except BaseException as error:  # noqa: BLE001 - whoever asked is told, whatever it was
            for waiting in wanted:
                waiting.future.set_exception(error)
            return True
        self._learn((time.monotonic() - began) / len(wanted))
        for waiting, result in zip(wanted, results, strict=True):
            waiting.future.set_result(result)
        return True

    def _learn(self, item_s: float) -> None:
        """Remember how long an item took."""
        with self._changed:
            share = _NEWEST if self._item_s else 1.0
            self._item_s += share * (item_s - self._item_s)

    @property
    def _full(self) -> int:
        """Items of a full batch, as things go."""
        if self._item_s * self._most <= self._most_s:
            return self._most
        return max(1, int(self._most_s / self._item_s))

    def _next(self) -> list[_Waiting[Item, Result]]:
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
                    self._heard()

    def _await_company(self) -> None:
        """Let go of the lock until a batch is full, nobody is coming, or the window is over."""
        until = time.monotonic() + self._window_s
        while self._coming and len(self._waiting) < self._full:
            rest = until - time.monotonic()
            if rest <= 0 or not self._heard(rest):
                break

    def _heard(self, within_s: float | None = None) -> bool:
        """Let go of the lock until there is news; meanwhile this thread has nothing to do."""
        self._idle += 1
        heard = self._changed.wait(within_s)
        self._idle -= 1
        return heard

    def _taken(self) -> list[_Waiting[Item, Result]]:
        """Take a batch; what waits is shared with the threads that have nothing to do."""
        count = min(self._full, -(-len(self._waiting) // (1 + self._idle)))
        batch = [self._waiting.popleft() for _ in range(count)]
        self._taken_from.notify(count)
        if self._waiting and self._idle:
            self._changed.notify_all()  # one notice may have gone to a thread that had work already
        return batch


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Result]):
    """An item, who is to hear of it, and until when it is to be begun."""

    item: Item
    future: Future[Result]
    begin: Deadline | None


def _in_time(batch: list[_Waiting[Item, Result]]) -> list[_Waiting[Item, Result]]:
    """Return those that are still waited for; the others are told."""
    kept = []
    for waiting in batch:
        try:
            if waiting.begin is not None:
                waiting.begin.check()
        except BusyError as error:
            waiting.future.set_exception(error.forget_frames())  # they hold the whole batch
        else:
            kept.append(waiting)
    return kept
