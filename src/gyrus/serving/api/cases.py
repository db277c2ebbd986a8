"""Kept cases: list, look at, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import JSONResponse

from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX, AStore, CaseId, aside
from gyrus.serving.api.case_documents import CASE, CASE_PAGE
from gyrus.serving.api.shown import case_json, summary_json
from gyrus.serving.store import CaseQuery
from gyrus.serving.store.records import MOST_PER_PAGE, QUERY_LENGTH, Outcome

router = APIRouter(tags=["cases"], prefix=f"{PREFIX}/cases")

_PNG = b"\x89PNG"
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_PICTURE = {"description": "The file.", "content": {"image/png": _BYTES, "application/octet-stream": _BYTES}}


@router.get(
    "", summary="Kept cases, the newest first", responses=documents.responses(CASE_PAGE, 401, 404, 422, 503)
)
async def cases(
    store: AStore,
    text: Annotated[
        str, Query(max_length=QUERY_LENGTH, description="Found in answers, reasons, reviews.")
    ] = "",
    label: Annotated[str | None, Query(description="The model's answer.")] = None,
    outcome: Outcome | None = None,
    reviewed: bool | None = None,
    since: Annotated[datetime | None, Query(description="Created from then on.")] = None,
    until: Annotated[datetime | None, Query(description="Created before then.")] = None,
    page: Annotated[int, Query(ge=1, le=10**9)] = 1,
    per_page: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 25,
) -> dict[str, Any]:
    """Return a page of the cases for which everything that is given holds."""
    query = CaseQuery(
        text=text, label=label, outcome=outcome, reviewed=reviewed, since=since, until=until, page=page,
        per_page=per_page,
    )  # fmt: skip
    found = await aside(store.cases, query)
    return {
        "items": [summary_json(case) for case in found.items],
        "total": found.total,
        "page": found.page,
        "pages": found.pages,
    }


@router.get(
    "/{case_id}", summary="A case with its evidence", responses=documents.responses(CASE, 401, 404, 422, 503)
)
async def case(case_id: CaseId, store: AStore) -> Response:
    """Return a case; its version also stands in the header ``ETag``, for reviews."""
    found = await aside(store.case, case_id)
    return JSONResponse(case_json(found), headers={"ETag": f'"{found.version}"'})


@router.get(
    "/{case_id}/pictures/{name}",
    summary="A file of a case",
    response_class=Response,
    responses=documents.responses(_PICTURE, 401, 404, 422, 503),
)
async def picture(case_id: CaseId, name: str, store: AStore) -> Response:
    """Return the upload itself (``original``), or a picture as the case's list of pictures names it."""
    data = await aside(store.blob, case_id, name)
    if name != "original" and data.startswith(_PNG):
        return Response(data, media_type="image/png")
    saved = {"Content-Disposition": f'attachment; filename="{case_id}"'}
    return Response(data, media_type="application/octet-stream", headers=saved)


@router.delete(
    "/{case_id}",
    summary="Delete a case for good",
    status_code=204,
    responses=documents.responses(None, 401, 403, 404, 422, 503),
)
async def delete(case_id: CaseId, store: AStore) -> None:
    """Delete a case with its images and reviews; nothing brings it back."""
    await aside(store.delete_case, case_id)
