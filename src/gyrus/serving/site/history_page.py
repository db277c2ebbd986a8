"""All cases: searched, filtered, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from gyrus.errors import DataError
from gyrus.pages.numbers import plural
from gyrus.serving.site.case_view import case_line
from gyrus.serving.site.notices import Notice
from gyrus.serving.site.site import site_of
from gyrus.serving.store import CasePage, CaseQuery
from gyrus.serving.store.records import OUTCOMES, Outcome

router = APIRouter(include_in_schema=False)

_FIELDS = ("text", "outcome", "label", "reviewed", "since", "until")
_REVIEWED = {"yes": True, "no": False}
_NOTHING = CasePage(items=(), total=0, page=1, pages=1)
_DELETED = Notice("good", "The case is deleted", ("Its image, its answer and its verdicts are gone.",))


@router.get("/history")
async def history(request: Request) -> HTMLResponse:
    """Show the cases that fit."""
    site, store = site_of(request), request.app.state.store
    asked = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    told = _DELETED if request.query_params.get("told") == "deleted" else None
    page, status = _NOTHING, 200
    try:
        query = _query(asked, request.query_params)
        if store is not None:
            page = await run_in_threadpool(store.cases, query)
    except DataError as error:
        told, status = Notice("bad", "This cannot be searched for", (f"{error.message}.",)), error.http_status
    filtered = any(asked.values())
    return site.page(
        request,
        "history.html",
        status,
        here="history",
        page=page,
        rows=tuple(case_line(case) for case in page.items),
        asked=asked,
        filtered=filtered,
        outcomes=OUTCOMES,
        labels=site.model.classes,
        summary=_summary(page, filtered=filtered, keeps=store is not None),
        told=told,
        page_url=lambda number: "?" + urlencode({**{k: v for k, v in asked.items() if v}, "page": number}),
    )


def _query(asked: Mapping[str, str], given: Mapping[str, str]) -> CaseQuery:
    number = given.get("page", "1")
    return CaseQuery(
        text=asked["text"],
        label=asked["label"] or None,
        outcome=cast("Outcome", asked["outcome"]) if asked["outcome"] else None,
        reviewed=_REVIEWED.get(asked["reviewed"]),
        since=_day(asked["since"]),
        until=_day(asked["until"], days=1),
        page=int(number) if number.isascii() and number.isdecimal() and len(number) < 8 else 1,
    )


def _day(text: str, days: int = 0) -> datetime | None:
    """Return the beginning of a day in UTC, or of one some days later; None for an empty text."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{text[:20]!r} is no day; expected one such as 2026-11-20") from error
    return datetime.combine(day, time(), UTC)


def _summary(page: CasePage, *, filtered: bool, keeps: bool) -> str:
    if not keeps:
        return "This server keeps nothing."
    if filtered and not page.total:
        return "No case fits."
    if filtered:
        return f"{plural(page.total, 'case fits', 'cases fit')}, the latest first."
    return (
        f"{plural(page.total, 'case')}, the latest first."
        if page.total
        else "Every image asked about, with its answer."
    )
