"""Ask the model: one upload, or several at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request, Response

from gyrus.errors import GyrusError, RequestError, TooLargeError, UnsupportedTypeError, UsageError
from gyrus.serving.answer import Answer, refusal_of
from gyrus.serving.answering import Answering
from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX
from gyrus.serving.keeping import answer_and_keep, wants_to_keep
from gyrus.serving.observing import log_failed_upload
from gyrus.serving.problems import MEDIA_TYPE, problem_of, request_id_of
from gyrus.serving.store import Case
from gyrus.serving.uploads import FORM, Receiver, Upload

router = APIRouter(tags=["predict"], prefix=PREFIX)

_RAW_TYPES = (
    "image/", "application/octet-stream", "application/dicom", "application/gzip", "application/x-gzip",
)  # fmt: skip
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_MOST_KEY_LETTERS = 150


@router.post(
    "/predict",
    summary="Answer one image or volume",
    openapi_extra=documents.predict(),
    responses=documents.responses(documents.ANSWERED, 400, 401, 403, 408, 409, 413, 415, 422, 503),
)
async def predict(request: Request) -> Response:
    """Answer an upload: a form with the file in the field ``image``, or the file itself as the body.

    With ``evidence=false`` only probabilities and decision come back, and nothing is kept. An image that the
    gate refuses gets 422, with the evidence and the case in the problem.
    """
    light = _flag(request, "evidence") is False
    asked_to_keep = _flag(request, "keep")
    answering: Answering = request.app.state.answering
    await answering.check_room(light=light)
    if light:
        if asked_to_keep:
            raise UsageError("evidence=false keeps nothing", fix="leave out keep=true")
        async with _uploads(request) as uploads:
            return _json(await answering.probabilities(_only(uploads).data))
    keep = wants_to_keep(asked_to_keep, request.app.state.store)
    key = _key(request)
    async with _uploads(request) as uploads:
        answer, case = await answer_and_keep(request, _only(uploads), keep=keep, key=key)
    status, record = _told(request, answer, case)
    return _json(record, status)


@router.post(
    "/predict/batch",
    summary="Answer several images or volumes",
    openapi_extra=documents.predict_batch(),
    responses=documents.responses(documents.ANSWERED_BATCH, 400, 401, 403, 408, 413, 415, 422, 503),
)
async def predict_batch(request: Request) -> Response:
    """Answer the uploads of a form, each by itself: ``results`` has an entry for each, in their order.

    An entry has the status that its upload alone would have got, and then ``answer`` or ``problem``.
    """
    keep = wants_to_keep(_flag(request, "keep"), request.app.state.store)
    key = _key(request)
    await request.app.state.answering.check_room(light=False)
    async with request.app.state.receiver.form(request) as form:
        if not form.files:
            raise _no_file()
        results = await asyncio.gather(
            *(_one(request, upload, keep, key, number) for number, upload in enumerate(form.files))
        )
    return _json({"results": results})


async def _one(request: Request, upload: Upload, keep: bool, key: str, number: int) -> dict[str, Any]:
    try:
        answer, case = await answer_and_keep(request, upload, keep=keep, key=key, number=number)
    except GyrusError as error:
        log_failed_upload(error, request_id_of(request))
        problem = problem_of(error.forget_frames())
        return {"status": problem.status, "problem": problem.to_json(request_id_of(request))}
    status, record = _told(request, answer, case)
    return {"status": status, "answer" if status == documents.OK else "problem": record}


def _told(request: Request, answer: Answer | None, case: Case | None) -> tuple[int, dict[str, Any]]:
    """Return status and body: the answer, or the problem that tells the refusal."""
    said: Answer | Case | None = answer or case
    assert said is not None
    record = {
        "case": None if case is None else case.id,
        "outcome": said.outcome,
        "label": said.label,
        "probability": said.probability,
        "reason": said.reason,
        "evidence": dict(said.evidence),
    }
    if said.outcome != "refused":
        return documents.OK, record
    problem = problem_of(refusal_of(said.evidence))
    problem.more.update(case=record["case"], evidence=record["evidence"])
    return problem.status, problem.to_json(request_id_of(request))


@asynccontextmanager
async def _uploads(request: Request) -> AsyncIterator[tuple[Upload, ...]]:
    """Read the files of a form, or the one that is the body."""
    receiver: Receiver = request.app.state.receiver
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        async with receiver.form(request) as form:
            yield form.files
    elif kind.startswith(_RAW_TYPES):
        async with receiver.body(request) as body:
            yield (Upload(body),) if body else ()
    else:
        raise UnsupportedTypeError(
            f"the body is {kind[:80] or 'of no stated type'}; expected {FORM} or an image",
            fix='curl -F "image=@scan.png", or curl -H "Content-Type: image/png" --data-binary @scan.png',
        )


def _only(uploads: tuple[Upload, ...]) -> Upload:
    if not uploads:
        raise _no_file()
    if len(uploads) > 1:
        raise TooLargeError(f"{len(uploads)} files came; expected one", fix="send them to predict/batch")
    return uploads[0]


def _no_file() -> RequestError:
    return RequestError("no file came", fix='curl -F "image=@scan.png"')


def _flag(request: Request, name: str) -> bool | None:
    """Return a switch of the query; None where it is not given."""
    given = request.query_params.get(name)
    if given is None:
        return None
    if given.lower() not in _FLAGS:
        raise UsageError(f"{name} is none of {', '.join(_FLAGS)}")
    return _FLAGS[given.lower()]


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MOST_KEY_LETTERS or not key.isprintable():
        raise RequestError(f"the idempotency key is no text of at most {_MOST_KEY_LETTERS} letters")
    return key


def _json(record: dict[str, Any], status: int = documents.OK) -> Response:
    media_type = "application/json" if status == documents.OK else MEDIA_TYPE
    return Response(json.dumps(record, ensure_ascii=False), status, media_type=media_type)
