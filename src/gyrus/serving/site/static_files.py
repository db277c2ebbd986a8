"""Styles, scripts and the icon."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"


class StampedFiles(StaticFiles):
    """Static files that a browser may keep for good when their address has a stamp of their contents."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        """Return the file, saying how long it may be kept."""
        response = super().file_response(*given, **named)
        scope: Scope = named["scope"] if "scope" in named else given[2]
        stamped = scope.get("query_string", b"").startswith(b"v=")
        response.headers["cache-control"] = _FOR_GOOD if stamped else _ASK_AGAIN
        return response
