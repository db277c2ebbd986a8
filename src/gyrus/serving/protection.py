"""Who may ask, and what a browser may be made to do: host, key, origin, tokens of forms, headers."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gyrus.errors import ForbiddenError, NotSignedInError, RequestError
from gyrus.serving.problems import route_path

CSRF_COOKIE = b"gyrus_csrf"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
_TOKEN = re.compile(rb"(?:^|;\s*)gyrus_csrf=([A-Za-z0-9_-]{43})(?:;|$)")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = ("/healthz", "/readyz", "/static/")
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # "no-referrer" would make the browser send "Origin: null" with our own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # what is shown may be a patient's: no cache keeps it unless a route says otherwise
    "cache-control": "no-store",
}


def security_headers(headers: MutableHeaders) -> None:
    """Add the headers that every response has, where a route has not set its own."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)


def csrf_of(cookies: bytes) -> str:
    """Return the token of a browser's cookie, or a new one."""
    found = _TOKEN.search(cookies)
    return found[1].decode() if found else secrets.token_urlsafe(32)


def csrf_cookie(scope: Scope, token: str) -> str:
    """Return the cookie that holds a token: not for scripts, not sent from other sites."""
    path = scope.get("root_path") or "/"
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{CSRF_COOKIE.decode()}={token}; Path={path}; HttpOnly; SameSite=Strict{secure}"


def check_form(request: Request, texts: Mapping[str, str]) -> None:
    """Refuse a form that a browser sends without the token of the page that it came from.

    Programs (``curl -F``) have neither cookies nor an origin, and need no token: what another site can make
    somebody else's browser do, it cannot make a program do.

    Parameters
    ----------
    request : Request
    texts : mapping
        Fields of the form; a script may send the header ``X-CSRF-Token`` instead.

    Raises
    ------
    ForbiddenError
        When the token is missing or another than the cookie's.
    """
    if not any(name in request.headers for name in ("cookie", "origin", "sec-fetch-site")):
        return
    cookie = _TOKEN.search(request.headers.get("cookie", "").encode("latin-1"))
    sent = texts.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER, "")
    if cookie is None or not hmac.compare_digest(cookie[1], sent.encode()):
        raise ForbiddenError(
            "the form's token is missing or old",
            fix="open the page again, allow its cookie, and send it once more",
        )


class Guard:
    """ASGI middleware that lets a request in or not.

    Parameters
    ----------
    app : ASGI app
    host : str
        Address that is listened at.
    allowed_hosts : tuple of str
        Names that clients may call; empty: at a loopback address its own, elsewhere any.
    api_key : str
        What every request must bring; empty: nothing.
    """

    def __init__(
        self, app: ASGIApp, *, host: str, allowed_hosts: tuple[str, ...] = (), api_key: str = ""
    ) -> None:
        self._app, self._key = app, api_key.encode()
        own = {host, "localhost", "127.0.0.1", "::1"} if is_loopback(host) else set()
        self._hosts = {name.lower() for name in allowed_hosts} | (own if allowed_hosts or own else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            self._check_host(request)
            self._check_key(request)
            self._check_origin(request)
        await self._app(scope, receive, send)

    def _check_host(self, request: Request) -> None:
        """Refuse names that lead here by a trick of DNS: another site's page could read what comes."""
        if not self._hosts:
            return
        name = (_split(f"//{request.headers.get('host', '')}").hostname or "") if _is_host(request) else ""
        if name.lower() not in self._hosts:
            raise RequestError(
                "this server is not called by that name",
                fix="call it by the address that it printed, or start it with --allowed-hosts NAME",
            )

    def _check_key(self, request: Request) -> None:
        if not self._key:
            return
        if route_path(request.scope).startswith(_OPEN):
            return
        if not hmac.compare_digest(_sent_key(request), self._key):
            raise NotSignedInError(
                "the key is missing or wrong", fix='send the header "Authorization: Bearer KEY"'
            )

    def _check_origin(self, request: Request) -> None:
        """Refuse what another site makes a browser send."""
        if request.method in _SAFE:
            return
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        foreign = origin is not None and _split(origin).netloc != request.headers.get("host", "")
        if site not in ("same-origin", "none") or foreign:
            raise ForbiddenError("the request comes from another site", fix="use this server's own pages")


def _split(url: str) -> SplitResult:
    """Return the parts of a URL; of one that is none, nothing."""
    try:
        return urlsplit(url)
    except ValueError:  # an opening bracket alone, for instance
        return urlsplit("")


def is_loopback(host: str) -> bool:
    """Tell whether an address can be called from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_host(request: Request) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.:\[\]_-]{1,255}", request.headers.get("host", "")) is not None


def _sent_key(request: Request) -> bytes:
    given = request.headers.get("x-api-key")
    if given is not None:
        return given.encode("latin-1")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
