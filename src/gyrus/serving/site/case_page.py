"""The page of a case, its pictures, its downloads, its reviewers' verdicts, its end."""

from __future__ import annotations

import io
import json
from typing import Any

from fastapi import APIRouter, Request
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gyrus.errors import ConflictError, DataError, NotFoundError, RequestError
from gyrus.serving.protection import check_form
from gyrus.serving.site.case_view import case_view, records_of
from gyrus.serving.site.evidence_files import evidence_page_of, evidence_picture_of
from gyrus.serving.site.forms import texts_of
from gyrus.serving.site.notices import Notice
from gyrus.serving.site.site import site_of
from gyrus.serving.store import Case, NewReview, Store
from gyrus.serving.store.records import COMMENT_LENGTH, REVIEWER_LENGTH

router = APIRouter(include_in_schema=False)

_THUMB_PX = 192
_SEE_OTHER = 303
_CONFLICT, _WRONG = 409, 422
_NO_FORM = {"verdict": "", "label": "", "comment": "", "reviewer": "", "error": ""}
_TOLD = {
    "saved": Notice("good", "Your verdict is saved"),
    "unsure": Notice("warn", "Nothing was deleted", ("Tick the box before deleting.",)),
}


@router.get("/cases/{case_id}")
async def case_page(request: Request, case_id: str, told: str = "") -> HTMLResponse:
    """Show a case."""
    case = await run_in_threadpool(store_of(request).case, case_id)
    return await render_case(request, case, told=_TOLD.get(told), ask_delete=told == "unsure")


@router.get("/cases/{case_id}/pictures/{name}.png")
async def picture(request: Request, case_id: str, name: str) -> Response:
    """Return one of a case's pictures; never the upload itself, whose kind a client chose."""
    if name == "original":
        raise NotFoundError("this case has no such picture")
    return Response(await run_in_threadpool(store_of(request).blob, case_id, name), media_type="image/png")


@router.get("/cases/{case_id}/thumb.png")
async def thumb(request: Request, case_id: str) -> Response:
    """Return a small picture for lists; of a scan its middle slice."""
    return Response(await run_in_threadpool(_thumb, store_of(request), case_id), media_type="image/png")


@router.get("/cases/{case_id}/evidence.json")
async def evidence_json(request: Request, case_id: str) -> Response:
    """Return the evidence by its published schema, as a file."""
    case = await run_in_threadpool(store_of(request).case, case_id)
    text = json.dumps(case.evidence, indent=1, ensure_ascii=False)
    return _file(text.encode(), "application/json", case, "json")


@router.get("/cases/{case_id}/evidence.html")
async def evidence_html(request: Request, case_id: str) -> Response:
    """Return the evidence as a page that stands by itself, as a file."""
    store, card = store_of(request), site_of(request).model.card
    case = await run_in_threadpool(store.case, case_id)
    page = await run_in_threadpool(evidence_page_of, store, case, card, _asked(request))
    return _file(page.encode(), "text/html; charset=utf-8", case, "html")


@router.get("/cases/{case_id}/evidence.png")
async def evidence_png(request: Request, case_id: str) -> Response:
    """Return the evidence as one picture, as a file."""
    store, card = store_of(request), site_of(request).model.card
    case = await run_in_threadpool(store.case, case_id)
    data = await run_in_threadpool(evidence_picture_of, store, case, card, _asked(request))
    return _file(data, "image/png", case, "png")


@router.post("/cases/{case_id}/reviews")
async def review(request: Request, case_id: str) -> Response:
    """Add a reviewer's verdict; what cannot be saved is shown again with the reason."""
    texts = await texts_of(request)
    check_form(request, texts)
    store = store_of(request)
    given = {name: texts.get(name, "").replace("\r\n", "\n").strip() for name in _NO_FORM}
    try:
        new = NewReview(
            verdict=given["verdict"],  # type: ignore[arg-type]  # it checks what came
            label=(given["label"] or None) if given["verdict"] == "other" else None,
            comment=given["comment"],
            reviewer=given["reviewer"],
        )
        await run_in_threadpool(store.add_review, case_id, new, expected_version=_version(texts))
    except (DataError, RequestError) as error:
        unnamed = given["verdict"] == "other" and not given["label"]
        words = "choose which class it is" if unnamed else error.message
        return await _again(request, case_id, given, _WRONG, f"Not saved: {words}.")
    except ConflictError:
        words = (
            "Not saved yet: somebody gave a verdict while you wrote yours. Read it above, then save again."
        )
        return await _again(request, case_id, given, _CONFLICT, words)
    return RedirectResponse(f"{_path(request, case_id)}?told=saved", _SEE_OTHER)


@router.post("/cases/{case_id}/delete")
async def delete(request: Request, case_id: str) -> Response:
    """Delete a case for good, when the form says so."""
    texts = await texts_of(request)
    check_form(request, texts)
    if texts.get("sure") != "yes":
        return RedirectResponse(f"{_path(request, case_id)}?told=unsure#delete", _SEE_OTHER)
    await run_in_threadpool(store_of(request).delete_case, case_id)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/history?told=deleted", _SEE_OTHER)


async def render_case(
    request: Request,
    case: Case,
    *,
    status: int = 200,
    told: Notice | None = None,
    form: dict[str, str] | None = None,
    ask_delete: bool = False,
) -> HTMLResponse:
    """Return the page of a kept case."""
    site = site_of(request)
    reviews = await run_in_threadpool(store_of(request).reviews, case.id)
    path = _path(request, case.id)
    view = case_view(
        case.evidence,
        site.model.card,
        {name: f"{path}/pictures/{name}.png" for name in case.blobs},
        kind=case.kind,
        asked=_asked(request),
        path=path,
        case=case,
        running_digest=site.model.digest,
    )
    return site.page(
        request,
        "case.html",
        status,
        here="history",
        case=view,
        reviews=tuple(reversed(reviews)),
        told=told,
        form=form or _NO_FORM,
        ask_delete=ask_delete,
        labels=_labels(case, site.model.classes),
        most_comment=COMMENT_LENGTH,
        most_reviewer=REVIEWER_LENGTH,
        back=f"/cases/{case.id}",
    )


async def _again(
    request: Request, case_id: str, given: dict[str, str], status: int, words: str
) -> HTMLResponse:
    case = await run_in_threadpool(store_of(request).case, case_id)
    return await render_case(request, case, status=status, form={**given, "error": words})


def store_of(request: Request) -> Store:
    """Return the store.

    Raises
    ------
    NotFoundError
        When this server keeps nothing.
    """
    store: Store | None = request.app.state.store
    if store is None:
        raise NotFoundError("this server keeps nothing", fix="start it with a database to keep cases")
    return store


def _labels(case: Case, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that a reviewer may name: those of the model that answered."""
    named = (case.evidence.get("model") or {}).get("classes") or classes
    return tuple(str(name) for name in named)


def _thumb(store: Store, case_id: str) -> bytes:
    case = store.case(case_id)
    middle = len(records_of(case.evidence)) // 2
    with Image.open(io.BytesIO(store.blob(case_id, f"image-{middle}")), formats=("PNG",)) as image:
        image.thumbnail((_THUMB_PX, _THUMB_PX))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
    return buffer.getvalue()


def _asked(request: Request) -> int | None:
    """Return the slice that a request names, from 1; None for none, or for what is no number."""
    text = request.query_params.get("slice", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None


def _version(texts: dict[str, str]) -> int | None:
    text = texts.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RequestError("the version is no number", fix="open the case again")
    return int(text)


def _path(request: Request, case_id: str) -> str:
    return f"{request.scope.get('root_path', '')}/cases/{case_id}"


def _file(data: bytes, kind: str, case: Case, suffix: str) -> Response:
    name = f"gyrus-{case.id[:8]}.{suffix}"
    headers: dict[str, Any] = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)
