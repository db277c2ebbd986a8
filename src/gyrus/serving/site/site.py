"""What all pages share: templates, the model in words, the colours that a browser chose."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gyrus.config.serving import MIB, ServeOptions
from gyrus.serving.answering import Answering
from gyrus.serving.problems import Problem
from gyrus.serving.protection import CSRF_FIELD
from gyrus.serving.site.environment import make_environment, stamps
from gyrus.serving.site.examples import Example, make_examples
from gyrus.serving.site.model_view import model_view

THEME_COOKIE = "gyrus_theme"
THEMES = ("auto", "light", "dark")
_FORBIDDEN_IN_PATHS = ("\\", "\r", "\n", "\t")
Here = Literal["", "ask", "history", "model", "about"]


class Site:
    """The pages of one app.

    Parameters
    ----------
    answering : Answering
        Its model is the one that the pages tell of.
    options : ServeOptions
    keeps : bool
        Whether there is a store.
    """

    def __init__(self, answering: Answering, options: ServeOptions, *, keeps: bool) -> None:
        self.model = model_view(answering.card, answering.predictor.digest, answering.predictor.model_digest)
        self.examples: dict[str, Example] = {one.name: one for one in make_examples()}
        self.most_bytes = options.max_upload_mib * MIB
        self.keeps, self.keeps_names = keeps, options.keep_names
        self._environment = make_environment()
        self._address = stamps()

    def page(
        self, request: Request, template: str, status: int = 200, *, here: Here = "", **values: Any
    ) -> HTMLResponse:
        """Return a page.

        Parameters
        ----------
        request : Request
        template : str
            File of the templates.
        status : int
        here : str
            Which entry of the navigation it belongs to.
        **values
            For the template; ``back`` is where the switch of colours leads back to.
        """
        root = str(request.scope.get("root_path", ""))
        token = request.scope["state"]["csrf"]
        written = {
            "root": root,
            "here": here,
            "theme": theme_of(request),
            "back": address_of(request),
            "csrf": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token),
            "static": lambda name: root + self._address(name),
            "model": self.model,
            "keeps": self.keeps,
            **values,
        }
        return HTMLResponse(self._environment.get_template(template).render(written), status)


def site_of(request: Request) -> Site:
    """Return the site of the app that a request came to."""
    site: Site = request.app.state.site
    return site


_PLAINER = {
    400: "This cannot be taken",
    403: "This was not allowed",
    404: "There is nothing here",
    405: "This address takes no such request",
    408: "It came too slowly",
    413: "That is too much",
    415: "This file cannot be read",
    500: "Something broke on the server",
    503: "The server is busy, or waits for its database",
    507: "The server cannot save anything now",
}
_NOTHING_SAID = {404: "The address may be mistyped, or the case was deleted."}


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """Return a problem as a page, for browsers."""
    says_more = problem.detail.rstrip(".").lower() != problem.title.lower()
    return site_of(request).page(
        request,
        "error.html",
        problem.status,
        code=problem.status,
        title=plain_title(problem),
        detail=problem.detail if says_more else _NOTHING_SAID.get(problem.status, ""),
        request_id=str(request.scope.get("state", {}).get("request_id", "")),
    )


def plain_title(problem: Problem) -> str:
    """Return what went wrong, in words for people."""
    return _PLAINER.get(problem.status, problem.title)


def theme_of(request: Request) -> str:
    """Return ``light`` or ``dark`` where a browser chose one, else an empty text."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES[1:] else ""


def address_of(request: Request) -> str:
    """Return path and query of a request, to lead back to; the start page for one that cannot be repeated."""
    if request.method not in ("GET", "HEAD"):
        return "/"
    root = str(request.scope.get("root_path", ""))
    path = request.url.path.removeprefix(root) or "/"
    return f"{path}?{request.url.query}" if request.url.query else path


def is_own_path(text: str) -> bool:
    """Tell whether a text is a path of this server, and can be led to without leaving it."""
    return text.startswith("/") and not text.startswith("//") and not any(
        letter in text for letter in _FORBIDDEN_IN_PATHS
    )  # fmt: skip


def new_token() -> str:
    """Return a value that makes sending a form twice do its work once."""
    return secrets.token_urlsafe(16)
