"""How long a request may take, and how long the reading of what it brought."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from gyrus.errors import BusyError, PassingError
from gyrus.imaging.child import reading_clock
from gyrus.imaging.limits import Limits

T = TypeVar("T")
READING_S = 6.0
"""How long all images of an upload may take to be read, together.

A command's limit is 8 s for each thing asked of a file. Here a client waits, and others behind it: 100 MiB of
zeros in a NIfTI file of 300 KiB, asked about for each of 8 slices, could take a minute.
"""


class Deadline:
    """A point in time after which nobody waits for an answer.

    Parameters
    ----------
    seconds : float
        From now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        """Spare the work when nobody waits for it any more.

        Raises
        ------
        BusyError
            When the time is over.
        """
        if time.monotonic() > self._until:
            raise self._over()

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Return a future's result.

        Raises
        ------
        BusyError
            When it does not come in time.
        """
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                return await future
        except TimeoutError as error:
            raise self._over() from error

    def _over(self) -> BusyError:
        return BusyError(
            f"there was no answer within {self._seconds:g} s",
            fix="ask again later; of a volume, ask about fewer slices",
        )


class ReadingTime:
    """What is left of the time in which the images of one upload may be read, one after another.

    Parameters
    ----------
    limits : Limits
        Of each image.
    seconds : float
        Of all together.
    clock : callable
        By default the start of the process that reads does not count: the upload is not to blame for it.
    """

    def __init__(
        self, limits: Limits, seconds: float = READING_S, clock: Callable[[], float] = reading_clock
    ) -> None:
        self._limits, self._seconds, self._clock = limits, seconds, clock
        self._spent_s = 0.0

    @contextmanager
    def part(self) -> Iterator[Limits]:
        """Count what is done within, and give the limits for it.

        Raises
        ------
        PassingError
            When no time is left.
        """
        left_s = self._seconds - self._spent_s
        if left_s <= 0:
            raise PassingError(
                f"took longer than {self._seconds:g} s to read and was given up",
                fix="of a volume, ask about fewer slices; else it is damaged or made to do harm",
            )
        began = self._clock()
        try:
            yield replace(self._limits, max_seconds=min(left_s, self._limits.max_seconds))
        finally:
            self._spent_s += self._clock() - began
