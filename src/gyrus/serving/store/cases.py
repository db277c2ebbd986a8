"""Rows of cases: put in, found, listed, taken out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gyrus.serving.store.records import (
    BlobFile,
    Case,
    CasePage,
    CaseQuery,
    CaseSummary,
    NewCase,
    Review,
)
from gyrus.serving.store.tables import cases, contents, request_keys, reviews

_IDS_AT_ONCE = 500
_OWN = tuple(field.name for field in fields(CaseSummary) if field.name not in ("review", "blobs"))
_REVIEW = tuple(field.name for field in fields(Review))
_SUMMARY_COLUMNS = (
    *(cases.c[name] for name in _OWN),
    contents.c.blobs,
    *(reviews.c[name].label(f"review_{name}") for name in _REVIEW),
)
# the last review is the one that gave the case its version
_WITH_LAST_REVIEW = cases.join(contents).outerjoin(
    reviews, (reviews.c.case_id == cases.c.id) & (reviews.c.version == cases.c.version)
)
_NEWEST_FIRST = (cases.c.created.desc(), cases.c.id.desc())


def insert_case(
    connection: sa.Connection, case_id: str, new: NewCase, blobs: Mapping[str, BlobFile], now: datetime
) -> None:
    """Put a case in."""
    own = {field.name: getattr(new, field.name) for field in fields(NewCase) if field.name != "evidence"}
    files = {name: asdict(blob) for name, blob in blobs.items()}
    connection.execute(cases.insert().values(id=case_id, created=now, version=1, **own))
    connection.execute(contents.insert().values(case_id=case_id, blobs=files, evidence=new.evidence))


def find_case(connection: sa.Connection, case_id: str) -> Case | None:
    """Return a case; None where there is none."""
    statement = (
        sa.select(*_SUMMARY_COLUMNS, contents.c.evidence)
        .select_from(_WITH_LAST_REVIEW)
        .where(cases.c.id == case_id)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else Case(**_summary(row), evidence=row["evidence"])


def find_blobs(connection: sa.Connection, case_id: str) -> dict[str, BlobFile] | None:
    """Return the files of a case without reading its evidence; None where there is none."""
    statement = sa.select(contents.c.blobs).where(contents.c.case_id == case_id)
    found: Mapping[str, Any] | None = connection.execute(statement).scalar_one_or_none()
    return None if found is None else _blobs(found)


def list_cases(connection: sa.Connection, query: CaseQuery) -> CasePage:
    """Return the cases that a query asks for, the newest first."""
    wanted = _conditions(query)
    total = connection.execute(sa.select(sa.func.count()).select_from(cases).where(*wanted)).scalar_one()
    statement = (
        sa.select(*_SUMMARY_COLUMNS)
        .select_from(_WITH_LAST_REVIEW)
        .where(*wanted)
        .order_by(*_NEWEST_FIRST)
        .limit(query.per_page)
        .offset((query.page - 1) * query.per_page)
    )
    items = tuple(CaseSummary(**_summary(row)) for row in connection.execute(statement).mappings())
    return CasePage(items=items, total=total, page=query.page, pages=max(1, -(-total // query.per_page)))


def reviewed_after(
    connection: sa.Connection, last: tuple[datetime, str] | None, count: int
) -> tuple[Case, ...]:
    """Return the next ``count`` reviewed cases, the oldest first, after the one with that time and id."""
    statement = (
        sa.select(*_SUMMARY_COLUMNS, contents.c.evidence)
        .select_from(_WITH_LAST_REVIEW)
        .where(cases.c.version > 1)
        .order_by(cases.c.created, cases.c.id)
        .limit(count)
    )
    if last is not None:
        created, case_id = last
        later = (cases.c.created > created) | ((cases.c.created == created) & (cases.c.id > case_id))
        statement = statement.where(later)
    rows = connection.execute(statement).mappings()
    return tuple(Case(**_summary(row), evidence=row["evidence"]) for row in rows)


def delete_case(connection: sa.Connection, case_id: str) -> bool:
    """Take a case out, with its reviews and request keys; tell whether it was there."""
    return connection.execute(cases.delete().where(cases.c.id == case_id)).rowcount > 0


def existing_ids(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    """Return those of the ids that cases have."""
    found: set[str] = set()
    for some in _in_parts(sorted(ids)):
        found.update(connection.execute(sa.select(cases.c.id).where(cases.c.id.in_(some))).scalars())
    return found


def remember_request(
    connection: sa.Connection, key: str, request_digest: str, case_id: str, *, now: datetime, before: datetime
) -> None:
    """Keep a request's key; forget those from before a time.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        When it is there already.
    """
    connection.execute(request_keys.delete().where(request_keys.c.created < before))
    connection.execute(
        request_keys.insert().values(
            key_sha256=_hash(key), request_sha256=_hash(request_digest), case_id=case_id, created=now
        )
    )


def find_request(connection: sa.Connection, key: str, *, since: datetime) -> tuple[str, str] | None:
    """Return the hash of the request that came with a key, and its case's id; None where none came."""
    statement = sa.select(request_keys.c.request_sha256, request_keys.c.case_id).where(
        request_keys.c.key_sha256 == _hash(key), request_keys.c.created >= since
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row.request_sha256, row.case_id)


def is_same_request(request_sha256: str, request_digest: str) -> bool:
    """Tell whether a kept hash is that of a request."""
    return request_sha256 == _hash(request_digest)


def now_utc() -> datetime:
    """Return the time, as the tables keep it."""
    return datetime.now(UTC)


def _conditions(query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if query.text.strip():
        conditions.append(_holds(query.text.strip()))
    if query.label is not None:
        conditions.append(cases.c.label == query.label)
    if query.outcome is not None:
        conditions.append(cases.c.outcome == query.outcome)
    if query.reviewed is not None:
        conditions.append(cases.c.version > 1 if query.reviewed else cases.c.version == 1)
    if query.since is not None:
        conditions.append(cases.c.created >= query.since)
    if query.until is not None:
        conditions.append(cases.c.created < query.until)
    return conditions


def _holds(text: str) -> sa.ColumnElement[bool]:
    trail = reviews.alias("trail")
    said = [column.icontains(text, autoescape=True) for column in trail.c["label", "comment", "reviewer"]]
    return sa.or_(
        *(column.icontains(text, autoescape=True) for column in cases.c["label", "reason", "name"]),
        *(column.istartswith(text, autoescape=True) for column in cases.c["id", "image_sha256"]),
        cases.c.id.in_(sa.select(trail.c.case_id).where(sa.or_(*said))),
    )


def _blobs(kept: Mapping[str, Any]) -> dict[str, BlobFile]:
    return {name: BlobFile(**blob) for name, blob in kept.items()}


def _summary(row: sa.RowMapping) -> dict[str, Any]:
    known = {name: row[name] for name in _OWN}
    known["blobs"] = _blobs(row["blobs"])
    reviewed = row["review_case_id"] is not None
    known["review"] = Review(**{name: row[f"review_{name}"] for name in _REVIEW}) if reviewed else None
    return known


def _in_parts(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
