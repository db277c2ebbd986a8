"""What reviewers say of cases."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse

from gyrus.errors import DataError
from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX, AStore, CaseId, aside
from gyrus.serving.api.case_documents import REVIEW, REVIEWS
from gyrus.serving.api.shown import review_json
from gyrus.serving.store import NewReview
from gyrus.serving.store.records import COMMENT_LENGTH, LABEL_LENGTH, REVIEWER_LENGTH

router = APIRouter(tags=["reviews"], prefix=f"{PREFIX}/cases/{{case_id}}/reviews")


class ReviewIn(BaseModel):
    """A reviewer's verdict."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["agree", "other", "redraw", "unusable"] = Field(
        description="agree; other: another class; redraw: the mask has to be drawn anew; unusable."
    )
    label: str | None = Field(None, max_length=LABEL_LENGTH, description="The right class, with other only.")
    comment: str = Field("", max_length=COMMENT_LENGTH)
    reviewer: str = Field("", max_length=REVIEWER_LENGTH)


_EXAMPLE = {"verdict": "other", "label": "meningioma", "comment": "extra-axial", "reviewer": "A. B."}


@router.get("", summary="The reviews of a case", responses=documents.responses(REVIEWS, 401, 404, 422, 503))
async def reviews(case_id: CaseId, store: AStore) -> dict[str, Any]:
    """Return the trail of a case, the first review first; the last one counts."""
    return {"items": [review_json(review) for review in await aside(store.reviews, case_id)]}


@router.post(
    "",
    summary="Review a case",
    status_code=201,
    openapi_extra={"requestBody": documents.json_body(ReviewIn.model_json_schema(), _EXAMPLE)},
    responses={201: REVIEW, **documents.responses(None, 400, 401, 403, 404, 408, 409, 413, 415, 422, 503)},
)
async def review(
    case_id: CaseId,
    request: Request,
    store: AStore,
    if_match: Annotated[
        str | None, Header(pattern=r'^"?[0-9]{1,9}"?$', description="The case's version that was seen.")
    ] = None,
) -> JSONResponse:
    """Add a verdict; with ``If-Match`` only where nobody else has reviewed the case since."""
    body = await request.app.state.receiver.json(request)
    try:
        given = ReviewIn.model_validate_json(body)
    except ValidationError as error:
        told = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
        sentence = "; ".join(f"{one['where'] or 'body'}: {one['what']}" for one in told)
        raise DataError(f"the review cannot be: {sentence}") from error
    new = NewReview(verdict=given.verdict, label=given.label, comment=given.comment, reviewer=given.reviewer)
    version = None if if_match is None else int(re.sub('"', "", if_match))
    kept = await aside(store.add_review, case_id, new, expected_version=version)
    return JSONResponse(review_json(kept), 201, headers={"ETag": f'"{kept.version}"'})
