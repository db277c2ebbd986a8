"""A bound on how many images wait, by how long that would take.

Who finds no room is told so, but not at once: clients that ask again the moment they are sent away would take
the processor from those that are being answered (16 of them took half a core with 4,000 requests a second).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable

from gyrus.errors import BusyError

_MEMORY_S = 1.0
"""Busy time after which what was seen counts e times less."""
_MOST_TIMES = 4.0
"""How many times the expected time a gap may count."""
_HOLD_S = 0.1
_MOST_HELD = 100
"""Requests that are held back together; each keeps a connection."""


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

    def enter(self, images: int, patience_s: float) -> bool:
        """Let images in, or raise as :meth:`check` does; tell whether they are among the few."""
        with self._lock:
            self.check(images, patience_s)
            if not self._inside:
                self._last_left = self._clock()
            self._inside += images
            return self._inside <= self._few

    def leave(self, images: int, *, begun: bool = True) -> None:
        """Let images out; the time since the last ones left tells how fast it goes.

        Those that were not begun tell nothing of that: as if they had been answered, more would be let in.
        Images leave in bursts, as they went through the network: images and time are summed apart, for a
        mean of the gaps between them would follow the last burst.
        """
        with self._lock:
            if not begun:
                self._inside -= images
                return
            now = self._clock()
            gap_s = now - self._last_left
            if self._left:  # one that took unusually long says little of those that come
                gap_s = min(gap_s, _MOST_TIMES * self.expected_wait_s())
            fade = math.exp(-gap_s / _MEMORY_S)
            self._left = fade * self._left + images
            self._busy_s = fade * self._busy_s + gap_s
            self._last_left = now
            self._inside -= images


class Threshold:
    """Holds back for a moment those who find no room, before they are told."""

    def __init__(self, seconds: float = _HOLD_S, most: int = _MOST_HELD) -> None:
        self._seconds, self._most = seconds, most
        self._held = 0

    async def pass_over(self, check: Callable[[], None]) -> None:
        """Let pass who passes a check; raise what the check raises a moment later, to few enough at a time.

        Raises
        ------
        BusyError
        """
        try:
            check()
        except BusyError:
            if self._held < self._most:
                await self._hold()
            raise

    async def _hold(self) -> None:
        self._held += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._held -= 1
