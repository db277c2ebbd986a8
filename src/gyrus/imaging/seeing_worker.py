"""The process that decodes for :class:`gyrus.imaging.workers.SeeingWorkers`: batches in, what was seen out.

A process of our own, started as a module, rather than one of ``multiprocessing``: that would import the
user's script once more, and a script without a main guard would start itself for ever.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from typing import IO, Any

from gyrus.imaging.decoding import quiet_pillow
from gyrus.imaging.seeing import FirstMet

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], value: Any) -> None:
    """Write a value to a pipe between two processes of ours."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read a value that the other process sent; EOFError when it is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Answer requests (:class:`gyrus.imaging.seeing.Request`) until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it closes the pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be written between the answers
    first_met = FirstMet()
    with quiet_pillow:
        while True:
            try:
                request = receive(sys.stdin.buffer)
            except EOFError:
                os._exit(0)  # nothing is left to be done, and to tidy up takes longer than a batch
            send(answers, request.answer(first_met))


if __name__ == "__main__":
    main()
