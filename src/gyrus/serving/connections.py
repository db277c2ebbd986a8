"""Connections that take too long or say too much are closed, before they are anybody's request.

Uvicorn counts neither the bytes nor the seconds of a request's head, nor how long a client takes to read its
answer: a client that sends a header a minute would keep a connection for ever, one that never ends a header
would fill the memory. Bodies are counted where they are read (:mod:`gyrus.serving.uploads`).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""How long the line and the headers of a request may take to come."""
MOST_HEAD_BYTES = 64 * 1024
"""Of a request's line and headers together, and of what may stand between two pieces of a body."""
READ_SECONDS = 30.0
"""How long a client may leave an answer unread once the system's buffers are full."""
LINGER_SECONDS = 2.0
"""How long the rest of a body is thrown away after its answer: closed at once, the answer would be lost."""
MOST_CONNECTIONS = 2000
"""Connections that may be open; further ones are closed at once."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, as Uvicorn keeps it, with bounds."""

    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS
    linger_seconds = LINGER_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._bare_bytes = 0  # since the connection was made, a body moved on, or a message ended
        self._in_body = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the head of a request, but not for ever."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._close_after("head", self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for name in tuple(self._timers):
            self._in_time(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and count those that are no body."""
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        """Start counting."""
        super().on_message_begin()
        if "head" not in self._timers:
            self._close_after("head", self.head_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; one that comes after the body is none that anybody should believe."""
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the app takes over."""
        self._in_time("head")
        self._bare_bytes, self._in_body = 0, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of a body on."""
        self._bare_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_time("linger")
        self._bare_bytes, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is out: throw the rest of the body away for a moment, or wait for the next head."""
        super().on_response_complete()
        if self.transport.is_closing() or self.pipeline:
            return
        if self._in_body:
            self._close_after("linger", self.linger_seconds)
        else:
            # the wait for a next request is Uvicorn's; a line end now and then would prolong that
            self._close_after("head", self.head_seconds + self.timeout_keep_alive)

    def pause_writing(self) -> None:
        """Nobody reads the answer: wait, but not for ever."""
        super().pause_writing()
        self._close_after("read", self.read_seconds, abort=True)

    def resume_writing(self) -> None:
        """Somebody does."""
        self._in_time("read")
        super().resume_writing()

    def _close_after(self, name: str, seconds: float, *, abort: bool = False) -> None:
        self._in_time(name)
        end = self.transport.abort if abort else self.transport.close
        self._timers[name] = self.loop.call_later(seconds, end)

    def _in_time(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _refuse(self) -> None:
        """Answer that the head is too large, and close."""
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if self.cycle is None or self.cycle.response_complete:
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            self.transport.write(f"{line}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        self.transport.close()
