"""``gyrus serve``: web pages and JSON API of a bundle. No torch."""

from __future__ import annotations

import errno
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import ServeOptions
from gyrus.errors import UsageError, require
from gyrus.verbs.sources import bundle_of

__all__ = ["ServeResult", "run", "serve"]

logger = logging.getLogger("gyrus")

_NEEDED = ("fastapi", "uvicorn", "python_multipart", "jinja2", "sqlalchemy", "alembic", "prometheus_client")
_PURPOSE = "gyrus serve"


@dataclass(frozen=True, slots=True)
class ServeResult:
    """Where a server was, after it has ended as it was asked to."""

    url: str

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the address."""
        return {"url": self.url}

    def to_text(self) -> str:
        """Return a line."""
        return f"served at {self.url}"


def run(options: ServeOptions) -> ServeResult:
    """Serve until SIGTERM or SIGINT; what is being answered then is finished first."""
    for module in _NEEDED:
        require(module, "serve", _PURPOSE)
    if options.bundle is not None:
        bundle_of(options.bundle)
    from gyrus.serving.running import serve_until_stopped

    listening = listen(options.host, options.port)
    try:
        url = _url(options, listening)
        serve_until_stopped(options, listening, url)
    finally:
        listening.close()
    return ServeResult(url)


def serve(bundle: Path | str | None = None, **options: Any) -> ServeResult:
    """Serve a bundle, by default the one in the box; options as in :class:`gyrus.config.ServeOptions`.

    What is not given is taken from the environment (``GYRUS_PORT`` and so on).
    """
    given = options if bundle is None else {"bundle": bundle, **options}
    return run(ServeOptions.from_environment(**given))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    UsageError
        When the address is not this machine's, or the port is taken or not permitted.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UsageError(f"host is {host!r}, which is no address here: {error.strerror or error}") from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise _cannot_listen(host, port, error) from error
    return listening


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is in use",
            fix="--port with another number; --port 0 takes any that is free",
        )
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} needs more rights than this user has", fix="--port 8000")
    if error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"host {host} is no address of this machine", fix="--host 127.0.0.1 or 0.0.0.0")
    return UsageError(f"cannot listen at {host}:{port}: {error.strerror or error}")


def _url(options: ServeOptions, listening: socket.socket) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{listening.getsockname()[1]}{options.root_path}"
