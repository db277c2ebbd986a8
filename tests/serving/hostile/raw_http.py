"""HTTP as an attacker speaks it: bytes on a socket, well-formed or not."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
BOUNDARY = "------------------------d74496d66958873e"
PREDICT = "/api/v1/predict"
PATIENCE_S = 60.0
"""How long bytes are waited for: on a machine under load that may be long."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``status`` is 0 where the connection was closed without one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "").partition(";")[0]


def exchange(port: int, *chunks: bytes, timeout: float = PATIENCE_S, finish: bool = False) -> Reply:
    """Send bytes and read one answer; with ``finish`` nothing more will come, and the server is told so.

    A server that has seen enough may answer and close while bytes are still on their way.
    """
    with socket.create_connection((HOST, port), timeout=timeout) as line:
        with contextlib.suppress(OSError):
            for chunk in chunks:
                line.sendall(chunk)
            if finish:
                line.shutdown(socket.SHUT_WR)
        return read_reply(line)


def read_reply(line: socket.socket) -> Reply:
    """Read one answer from a socket."""
    response = http.client.HTTPResponse(line)
    try:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, response.read())
    except (http.client.BadStatusLine, ConnectionResetError, BrokenPipeError):
        return Reply(0)
    except http.client.IncompleteRead as partial:
        return Reply(response.status, {}, partial.partial)
    finally:
        response.close()


def ask(
    port: int, method: str, path: str, body: bytes = b"", *, timeout: float = PATIENCE_S, **headers: str
) -> Reply:
    """Send one request, as it should be sent; ``headers`` by their names with underscores."""
    return exchange(port, head(method, path, len(body), **headers) + body, timeout=timeout)


def head(method: str, path: str, length: int | None, **headers: str) -> bytes:
    """Return a request without its body; ``length`` None leaves out Content-Length."""
    lines = [f"{method} {path} HTTP/1.1"]
    given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    lines += [] if "host" in given else [f"Host: {HOST}"]
    lines += [] if "connection" in given else ["Connection: close"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def part(
    content: bytes,
    *,
    disposition: str = 'form-data; name="image"; filename="scan.png"',
    kind: str | None = "image/png",
) -> bytes:
    """Return one part of a multipart body, with the boundary before it."""
    kind_line = "" if kind is None else f"Content-Type: {kind}\r\n"
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{kind_line}\r\n".encode(
            "utf-8", "surrogateescape"
        )
        + content
        + b"\r\n"
    )


def form(*parts: bytes) -> bytes:
    """Return a whole multipart body."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post_form(
    port: int,
    body: bytes,
    *,
    path: str = PREDICT,
    boundary: str = BOUNDARY,
    timeout: float = PATIENCE_S,
    **headers: str,
) -> Reply:
    """Post a multipart body."""
    given = {"content_type": f"multipart/form-data; boundary={boundary}", **headers}
    return ask(port, "POST", path, body, timeout=timeout, **given)


def in_chunks(body: bytes, size: int) -> Iterable[bytes]:
    """Yield a body in the chunked transfer coding."""
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"
