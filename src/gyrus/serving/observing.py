"""The outermost layer of the app: request ids, one log line and one count a request, errors to problems.

Nothing that a client sent goes into a log: no path with its values, no query, no file name, no text. A
route's template, a status and times do. Of a defect the log holds where it happened, not what it said: words
of an error may quote data.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gyrus.errors import BusyError, GyrusError, StorageError, UnavailableError
from gyrus.serving.measures import Measures
from gyrus.serving.problems import Problem, defect, problem_of, respond
from gyrus.serving.protection import CSRF_COOKIE, csrf_cookie, csrf_of, security_headers

logger = logging.getLogger("gyrus.serving")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNMATCHED = "unmatched"
_WRONG = 500
_FRAMES = 12


def log(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one line of JSON."""
    if logger.isEnabledFor(level):
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": stamp, "level": logging.getLevelName(level).lower(), "event": event, **fields}
        logger.log(level, json.dumps(line))


def where(error: BaseException) -> list[str]:
    """Return the places of an error's traceback, the last ones: module, line, function."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    ]


def log_failed_upload(error: GyrusError, request_id: str) -> None:
    """Write down a fault of the server over one upload, where the others of the request go on."""
    if problem_of(error).status >= _WRONG and not isinstance(error, BusyError):
        log("upload", level=logging.ERROR, request_id=request_id, **_failure(error))


def _failure(error: Exception) -> dict[str, Any]:
    """Return what a log may hold of an error."""
    told = {"error": type(error).__name__, "where": where(error)}
    if isinstance(error, StorageError | UnavailableError):  # words about this machine, none of a client's
        told["reason"] = str(error)
    return told


class Observing:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, *, measures: Measures, log_requests: bool) -> None:
        self._app, self._measures, self._log_requests = app, measures, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Observed(scope, receive, send)
        self._measures.started()
        try:
            await request.run(self._app)
        finally:
            self._measures.ended()
            self._tell(request)

    def _tell(self, request: _Observed) -> None:
        seconds = time.perf_counter() - request.began
        route = getattr(request.scope.get("route"), "path", _UNMATCHED)
        method = request.method
        self._measures.request(route, method, request.status, seconds)
        if self._log_requests or request.status >= _WRONG:
            log(
                "request",
                level=logging.INFO if request.status < _WRONG else logging.ERROR,
                request_id=request.id,
                method=method,
                route=route,
                status=request.status,
                ms=round(1000 * seconds, 1),
                **request.failure,
            )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Observed:
    """One request on its way through the app."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.began = time.perf_counter()
        self.status = _WRONG
        self.failure: dict[str, Any] = {}
        self.method = scope["method"] if scope["method"] in _METHODS else "other"
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        self.id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self._started = False
        self._cookies = headers.get(b"cookie", b"")
        state = scope.setdefault("state", {})
        state["request_id"] = self.id
        state["csrf"] = csrf_of(self._cookies)

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self._receive, self._sending)
        except GyrusError as error:
            await self._fail(error, problem_of(error))
        except Exception as error:  # noqa: BLE001 - the last line of defence: what gets here is a defect of ours
            await self._fail(error, defect())

    async def _fail(self, error: Exception, problem: Problem) -> None:
        if problem.status >= _WRONG:
            self.failure = _failure(error)
        if self._started:  # half an answer is out: the connection must end, so that it is not taken for all
            raise ConnectionAbortedError
        request = Request(self.scope, self._receive)
        await respond(request, problem)(self.scope, self._receive, self._sending)

    async def _sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.id
            security_headers(headers)
            if headers.get("content-type", "").startswith("text/html") and CSRF_COOKIE not in self._cookies:
                headers.append("set-cookie", csrf_cookie(self.scope, self.scope["state"]["csrf"]))
        await self._send(message)
