"""Rows of reviews: only ever added."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from gyrus.errors import ConflictError
from gyrus.serving.store.records import NewReview, Review
from gyrus.serving.store.tables import cases, reviews

_COLUMNS = tuple(reviews.c)


def insert_review(
    connection: sa.Connection, case_id: str, new: NewReview, *, expected_version: int | None, now: datetime
) -> Review | None:
    """Add a review and raise the case's version by one; None where there is no such case.

    Raises
    ------
    ConflictError
        When the case has another version than the reviewer saw.
    """
    # the update comes first: on PostgreSQL it makes a second reviewer wait until this one is done
    raised = connection.execute(
        cases.update().where(cases.c.id == case_id).values(version=cases.c.version + 1)
    )
    if raised.rowcount == 0:
        return None
    version = connection.execute(sa.select(cases.c.version).where(cases.c.id == case_id)).scalar_one()
    if expected_version is not None and version != expected_version + 1:
        raise ConflictError(
            f"this case has version {version - 1}; the review is of version {expected_version}",
            fix="read the case again: somebody has reviewed it meanwhile",
        )
    review = Review(
        case_id=case_id,
        version=version,
        created=now,
        verdict=new.verdict,
        label=new.label or None,
        comment=new.comment,
        reviewer=new.reviewer,
    )
    values = {column.name: getattr(review, column.name) for column in _COLUMNS}
    connection.execute(reviews.insert().values(**values))
    return review


def list_reviews(connection: sa.Connection, case_id: str) -> tuple[Review, ...]:
    """Return a case's reviews, the first one first."""
    statement = sa.select(*_COLUMNS).where(reviews.c.case_id == case_id).order_by(reviews.c.version)
    return tuple(Review(**row) for row in connection.execute(statement).mappings())
