"""Errors as clients see them: ``application/problem+json`` (RFC 9457), from the one table of errors.

What is nobody's business outside stays inside: paths of this machine, and the words of a defect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from gyrus.errors import BusyError, GyrusError, NotSignedInError, RefusedError, UnavailableError

MEDIA_TYPE = "application/problem+json"
TYPES = "/problems/"
_STEPS = {"brain_mri": "not-a-brain-mri", "distribution": "unlike-training", "decodable": "image"}
_INSIDE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for a client.

    Attributes
    ----------
    slug : str
        Last part of the problem's type; stable.
    status : int
        Of HTTP.
    title : str
        The kind in a few words.
    detail : str
        This occurrence in a sentence or two.
    more : dict
        Further members of the JSON object.
    headers : dict
        Of the response.
    """

    slug: str
    status: int
    title: str
    detail: str
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Return the members of the problem object."""
        return {
            "type": f"{TYPES}{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            **self.more,
        }


def problem_of(error: GyrusError) -> Problem:
    """Return an error of the table as a client may see it."""
    slug = _slug(type(error))
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = 'Basic realm="gyrus", charset="UTF-8"'
    if isinstance(error, RefusedError):
        slug, more = _STEPS.get(error.step, slug), {"step": error.step}
    status = error.http_status
    if status == _INSIDE or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return Problem(slug, status, _title(slug), "The server could not do this; its log says why.")
    if isinstance(error, UnavailableError):  # its words tell where the database is
        sentence = "The database does not answer now; nothing was half done. Fix: try again in a moment."
        return Problem(slug, status, _title(slug), sentence, headers={"Retry-After": "1"})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", "1")
    sentence = error.message if error.path is None else f"{error.path} {error.message}"
    fix = f" Fix: {error.fix}." if error.fix else ""
    return Problem(slug, status, _title(slug), f"{sentence}.{fix}", more, headers)


def known_types() -> dict[str, str]:
    """Return the types of problems and what each means, from the table of errors."""
    kinds = [GyrusError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    found = {_slug(kind): (kind.__doc__ or "").strip().partition("\n")[0] for kind in kinds[1:]}
    return {
        **found,
        "not-a-brain-mri": "The input gate: the image does not look like a brain MRI.",
        "unlike-training": "The input gate: the image lies far from what the model was trained on.",
        "values": "Values in the query, the path or the headers that cannot be.",
        "defect": "A defect of the server.",
    }


def defect() -> Problem:
    """Return what a client is told of a defect of ours."""
    return Problem("defect", _INSIDE, "A defect of the server", "The server failed; its log says where.")


def of_status(status: int, detail: str = "") -> Problem:
    """Return the problem of a plain HTTP status, such as 404 for a path that leads nowhere."""
    phrase = HTTPStatus(status).phrase
    slug = re.sub(r"[^a-z]+", "-", phrase.lower())
    return Problem(slug, status, phrase, detail or f"{phrase}.")


def route_path(scope: Scope) -> str:
    """Return the path of a request below the path at which a proxy shows the app."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for a page, not a program for data."""
    accepted = request.headers.get("accept", "")
    return not route_path(request.scope).startswith("/api/") and "text/html" in accepted


def request_id_of(request: Request) -> str:
    """Return the id by which the log knows a request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def respond(request: Request, problem: Problem) -> Response:
    """Return the response: a page for browsers where the site makes one, else JSON."""
    page = getattr(request.app.state, "problem_page", None)
    if page is not None and wants_page(request):
        shown: Response = page(request, problem)
        shown.headers.update(problem.headers)
        return shown
    return JSONResponse(
        problem.to_json(request_id_of(request)),
        problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def _slug(kind: type[GyrusError]) -> str:
    words = re.findall(r"[A-Z][a-z]*", kind.__name__.removesuffix("Error"))
    return "-".join(words).lower() or "error"


def _title(slug: str) -> str:
    return slug.replace("-", " ").capitalize()
