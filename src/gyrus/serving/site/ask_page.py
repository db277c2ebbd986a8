"""The page that asks, the form that it sends, and what comes back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response

from gyrus.errors import GyrusError, NotFoundError, RequestError, UnavailableError
from gyrus.imaging import IMAGE_SUFFIXES
from gyrus.pages.evidence_words import sentence
from gyrus.serving.answer import Answer
from gyrus.serving.keeping import answer_and_keep, shown_name
from gyrus.serving.observing import log, log_failed_upload
from gyrus.serving.problems import problem_of
from gyrus.serving.protection import check_form
from gyrus.serving.site.case_page import render_case
from gyrus.serving.site.case_view import CaseLine, answer_line, case_line, case_view
from gyrus.serving.site.forms import texts_of
from gyrus.serving.site.site import new_token, plain_title, site_of
from gyrus.serving.site.words import OUTCOME_WORDS
from gyrus.serving.store import Case, CaseQuery, Store
from gyrus.serving.uploads import Upload

router = APIRouter(include_in_schema=False)

_AT_ONCE = 4
_RECENT = 5
_REFUSED = 422
_DEFECT = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file: a case, an answer that is not kept, or an error."""

    name: str
    answer: Answer | None = None
    case: Case | None = None
    error: GyrusError | None = None

    @property
    def line(self) -> CaseLine | None:
        """It as lists show it."""
        if self.case is not None:
            return case_line(self.case)
        return None if self.answer is None else answer_line(self.answer)

    @property
    def problem(self) -> str:
        """Why there is no answer; else empty."""
        return "" if self.error is None else _detail(self.error)


@router.get("/")
async def ask(request: Request) -> HTMLResponse:
    """Show the page that asks."""
    return await _ask_page(request)


@router.post("/uimg")
async def upload(request: Request) -> Response:
    """Answer the files of a form: with a page for people, with JSON for who asks for it."""
    async with request.app.state.receiver.form(request) as form:
        check_form(request, form.texts)
        if not form.files:
            error = RequestError("no file was chosen", fix="choose a file in the field image, then send")
            return await _failed(request, error)
        once = form.texts.get("once", "")
        gate = asyncio.Semaphore(_AT_ONCE)
        results = await asyncio.gather(*(_result(request, file, once, gate) for file in form.files))
    return await _respond(request, list(results))


@router.get("/example/{name}.png")
async def example_picture(request: Request, name: str) -> Response:
    """Return an example's picture."""
    example = site_of(request).examples.get(name)
    if example is None:
        raise NotFoundError("there is no such example")
    return Response(example.png, media_type="image/png")


@router.post("/example/{name}")
async def example(request: Request, name: str) -> Response:
    """Answer an example as if it had been uploaded."""
    texts = await texts_of(request)
    check_form(request, texts)
    found = site_of(request).examples.get(name)
    if found is None:
        raise NotFoundError("there is no such example")
    file = Upload(found.png, f"example-{found.name}.png")
    return await _respond(request, [await _result(request, file, texts.get("once", ""), asyncio.Semaphore())])


async def _result(request: Request, file: Upload, once: str, gate: asyncio.Semaphore) -> Result:
    name = shown_name(file.name) or "a file without a name"
    digest = hashlib.sha256(file.data).hexdigest()
    key = f"page:{once}:{digest}" if once and len(once) < len(digest) else ""
    try:
        async with gate:
            answer, case = await answer_and_keep(
                request, file, keep=request.app.state.store is not None, key=key
            )
    except GyrusError as error:
        if problem_of(error).status == _DEFECT:
            raise
        log_failed_upload(error, _request_id(request))
        return Result(name, error=error.forget_frames())
    return Result(name, answer, case)


async def _respond(request: Request, results: list[Result]) -> Response:
    first = results[0]
    if _wants_json(request):
        return _as_json(request, results)
    if len(results) > 1:
        return _several(request, results)
    if first.error is not None:
        return await _failed(request, first.error)
    outcome = first.case.outcome if first.case is not None else first.answer.outcome if first.answer else ""
    status = _REFUSED if outcome == "refused" else 200
    if first.case is not None:
        return await render_case(request, first.case, status=status)
    assert first.answer is not None  # else there were an error
    return _unkept(request, first.answer, status)


def _unkept(request: Request, answer: Answer, status: int) -> HTMLResponse:
    """Show an answer that is not kept, its pictures within the page."""
    site = site_of(request)
    pictures = {
        name: f"data:image/png;base64,{base64.b64encode(data).decode()}"
        for name, data in answer.pictures.items()
        if name != "original"
    }
    view = case_view(answer.evidence, site.model.card, pictures, kind=answer.kind)
    return site.page(request, "case.html", status, here="ask", case=view, reviews=(), told=None)


def _several(request: Request, results: list[Result]) -> HTMLResponse:
    counts: dict[str, int] = {}
    for result in results:
        became = result.line.outcome if result.line else "failed"
        counts[became] = counts.get(became, 0) + 1
    summary = ", ".join(f"{count} {OUTCOME_WORDS[became].lower()}" for became, count in counts.items())
    return site_of(request).page(request, "results.html", here="ask", results=results, summary=summary)


def _as_json(request: Request, results: list[Result]) -> JSONResponse:
    """Return cases and failures; with one file, its refusal or failure gives the status."""
    root = str(request.scope.get("root_path", ""))
    cases: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for number, result in enumerate(results):
        line = result.line
        if result.error is not None:
            failures.append({"number": number, **problem_of(result.error).to_json(_request_id(request))})
        elif line is not None:
            evidence = (
                result.case.evidence if result.case else result.answer.evidence if result.answer else {}
            )
            cases.append({
                "number": number,
                "id": line.id or None,
                "url": f"{root}/cases/{line.id}" if line.id else None,
                "outcome": line.outcome,
                "became": OUTCOME_WORDS[line.outcome],
                "title": line.title,
                "reason": line.reason,
                "evidence": evidence,
            })  # fmt: skip
    status, more = 200, {}
    if len(results) == 1 and results[0].error is not None:
        problem = problem_of(results[0].error)
        status, more = problem.status, {"title": problem.title, "detail": _detail(results[0].error)}
    elif len(results) == 1 and cases[0]["outcome"] == "refused":
        status, more = _REFUSED, {"title": "Refused", "detail": cases[0]["reason"]}
    return JSONResponse({"cases": cases, "failures": failures, **more}, status)


async def _failed(request: Request, error: GyrusError) -> Response:
    """Show the page that asks again, with what went wrong; a fault of the server gets a page of its own."""
    problem = problem_of(error)
    if problem.status >= _DEFECT or _wants_json(request):
        raise error
    return await _ask_page(
        request, problem.status, problem={"title": plain_title(problem), "detail": _detail(error)}
    )


def _recent(store: Store) -> tuple[CaseLine, ...]:
    """Return the newest cases; none while the database is away, which an upload and the history will tell."""
    try:
        page = store.cases(CaseQuery(per_page=_RECENT))
    except UnavailableError as error:
        log("unavailable", level=logging.ERROR, reason=str(error))
        return ()
    return tuple(case_line(case) for case in page.items)


async def _ask_page(request: Request, status: int = 200, problem: Any = None) -> HTMLResponse:
    site, store = site_of(request), request.app.state.store
    recent = () if store is None else await run_in_threadpool(_recent, store)
    return site.page(
        request,
        "ask.html",
        status,
        here="ask",
        problem=problem,
        examples=tuple(site.examples.values()),
        recent=recent,
        once=new_token(),
        most_bytes=site.most_bytes,
        accept=",".join(sorted({*IMAGE_SUFFIXES, ".dcm", ".nii", ".gz"})),
        kept_words=kept_words(keeps=site.keeps, names=site.keeps_names),
    )


def kept_words(*, keeps: bool, names: bool) -> str:
    """Say what happens to a file, in a line."""
    if not keeps:
        return "This server keeps nothing: image and answer are gone when the page is closed."
    named = "with the name of its file" if names else "without the name of its file"
    return f"The image is kept on this server with its answer, {named}, until somebody deletes the case."


def _detail(error: GyrusError) -> str:
    return sentence(problem_of(error).detail)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
