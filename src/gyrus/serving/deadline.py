"""How long a request may take."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

from gyrus.errors import BusyError

T = TypeVar("T")


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
