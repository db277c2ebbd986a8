"""SIGTERM as a request: the training saves its state at the end of the step, then ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gyrus.errors import StoppedError
from gyrus.runs import RunFolder


class StopRequest:
    """Whether the process was asked to end (SIGTERM: a cluster's scheduler, ``kill``, a shutdown)."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take SIGTERM; called again where somebody else (Lightning) has taken it meanwhile."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends at once

    def error(self, run: RunFolder) -> StoppedError:
        """Return the error that says that the state is saved, and how to go on."""
        return StoppedError(
            "stopped by SIGTERM; the state of the training is saved",
            path=run.path,
            fix=f"the same command with --resume {run.path} goes on where it stopped",
        )


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Take SIGTERM for the duration; in another thread than the main one nothing is taken."""
    request = StopRequest()
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM) if main else None
    request.listen()
    try:
        yield request
    finally:
        if main:
            signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
