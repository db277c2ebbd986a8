"""From an answer to a kept case; the API and the pages keep the same way."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gyrus.errors import UsageError
from gyrus.serving.answer import Answer
from gyrus.serving.answering import Answering
from gyrus.serving.store import Case, NewCase, Store
from gyrus.serving.uploads import Upload

_MOST_LETTERS = 120


async def answer_and_keep(
    request: Request, upload: Upload, *, keep: bool, key: str = "", number: int = 0
) -> tuple[Answer | None, Case | None]:
    """Answer an upload, and keep it as a case.

    Parameters
    ----------
    request : Request
    upload : Upload
    keep : bool
        Whether it becomes a case; refused images do too.
    key : str
        Of the client, for doing it once however often it is sent; empty for none.
    number : int
        Which upload of the request.

    Returns
    -------
    answer : Answer or None
        None where the same request was answered before: the case has the answer.
    case : Case or None
        None where nothing is kept.

    Raises
    ------
    ConflictError
        When the key came with another upload before.
    GyrusError
        As :meth:`Answering.answer` and :meth:`Store.add_case`.
    """
    answering: Answering = request.app.state.answering
    store: Store | None = request.app.state.store
    name = shown_name(upload.name) if answering.options.keep_names else None
    if not keep or store is None:
        return await answering.answer(upload.data, name), None
    idempotency = None
    if key:
        idempotency = (f"{key}#{number}" if number else key, hashlib.sha256(upload.data).hexdigest())
        former = await run_in_threadpool(store.former, idempotency)
        if former is not None:
            return None, former
    answer = await answering.answer(upload.data, name)
    case = await run_in_threadpool(
        store.add_case, new_case(answer, answering, name), answer.pictures, idempotency=idempotency
    )
    return answer, case


def new_case(answer: Answer, answering: Answering, name: str | None) -> NewCase:
    """Return an answer as a case to be kept."""
    return NewCase(
        image_sha256=answer.sha256,
        kind=answer.kind,
        frames=answer.frames,
        outcome=answer.outcome,
        label=answer.label,
        probability=answer.probability,
        reason=answer.reason,
        model_digest=answering.predictor.digest,
        evidence=answer.evidence,
        name=name,
    )


def wants_to_keep(stated: bool | None, store: Store | None) -> bool:
    """Return whether a request's uploads become cases: unless it says otherwise, where there is a store.

    Raises
    ------
    UsageError
        When it asks for what this server does not do.
    """
    if stated and store is None:
        raise UsageError("this server keeps nothing", fix="leave out keep=true, or start it with --db")
    return store is not None if stated is None else stated


def shown_name(name: str | None) -> str | None:
    """Return a client's name for a file without its folders and without what is no letter."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    plain = "".join(letter if letter.isprintable() else "?" for letter in last)[:_MOST_LETTERS]
    return re.sub(r"[\ud800-\udfff]", "?", plain) or None
