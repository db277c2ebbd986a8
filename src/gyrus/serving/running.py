"""Uvicorn, run the way this project needs it."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn

from gyrus.config.serving import ServeOptions
from gyrus.serving.allocator import give_large_pieces_back
from gyrus.serving.app import api_key, create_app
from gyrus.serving.connections import MOST_CONNECTIONS, BoundedProtocol
from gyrus.serving.observing import log
from gyrus.serving.protection import is_loopback

logger = logging.getLogger("gyrus")

_KEEP_ALIVE_S = 15
_BEYOND_DEADLINE_S = 5.0


def serve_until_stopped(options: ServeOptions, listening: socket.socket, url: str) -> None:
    """Serve at a socket until SIGTERM or SIGINT."""
    give_large_pieces_back()
    app = create_app(options)
    if not is_loopback(options.host) and not api_key(options):
        logger.info(
            "note: Whoever reaches %s may ask, and see what is kept: no API key is set (GYRUS_API_KEY, "
            "--api-key-file).", url,
        )  # fmt: skip
    if sys.stderr.isatty():
        name = app.state.answering.model["name"]
        logger.info("serving %s at %s (Ctrl-C ends it)", name, url)
    else:
        log("serving", url=url)
    server = _Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(options.deadline_seconds + _BEYOND_DEADLINE_S),
            limit_concurrency=MOST_CONNECTIONS,
            proxy_headers=bool(options.trusted_proxies),
            forwarded_allow_ips=list(options.trusted_proxies),
            ws="none",
        )
    )
    server.run(sockets=[listening])


def leave_out_of_collections() -> None:
    """Leave what is there now out of later searches for garbage.

    The second search finds nothing, but sees that hardly anything is old. Python searches what is old when it
    has grown by a quarter, and a quarter of what there is at the start (130,000 objects) comes together in
    minutes, in which errors of requests hold the images that they were about.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


class _Server(uvicorn.Server):
    """Ends with exit code 0 when it is told to end; Uvicorn's own lets the signal kill the process."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and look for garbage no more in what has been made until now.

        It lives as long as the server does, and a search through it holds up every request: under a flood the
        event loop spent a third of its time on that.
        """
        await super().startup(sockets)
        leave_out_of_collections()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Turn SIGTERM and SIGINT into an orderly end."""
        former = {number: signal.signal(number, self._told) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _told(self, number: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True  # asked twice: what is being answered is given up
        self.should_exit = True
