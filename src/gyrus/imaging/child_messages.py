"""What passes between gyrus and a process that reads files: two lengths, JSON, bytes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_HEAD = struct.Struct("<IQ")
_MOST_JSON = 1 << 24


def send(stream: IO[bytes], message: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Write a message."""
    text = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(text), len(payload)) + text)
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes], most: int) -> tuple[dict[str, Any], bytes]:
    """Read a message whose payload has at most ``most`` bytes.

    Raises
    ------
    EOFError
        When the other side is gone.
    ValueError
        When what came is no message.
    """
    text_bytes, payload_bytes = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if text_bytes > _MOST_JSON or payload_bytes > most:
        raise ValueError("a message is longer than any may be")
    message = json.loads(_exactly(stream, text_bytes))
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message, _exactly(stream, payload_bytes)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
