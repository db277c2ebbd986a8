"""The tables, in SQLAlchemy's words; the migrations make them, and a test holds both against each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A time in UTC: PostgreSQL keeps the zone, SQLite has none and gets it back here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Turn a time into UTC; one without zone is taken for UTC."""
        if value is None:
            return None
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Turn it back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("image_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("frames", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("probability", sa.Double),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("model_digest", sa.String(64), nullable=False),
    sa.Column("name", sa.Text),
    sa.Index(None, "created", "id"),
)

# apart, for a search reads every row of cases: SQLite would walk along all evidence to what stands behind it
contents = sa.Table(
    "contents",
    metadata,
    sa.Column("case_id", sa.String(32), sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("blobs", sa.JSON, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
)

# a case's version counts its reviews, so two reviewers can never get the same row
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("case_id", sa.String(32), sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
)

# only hashes: what a client put into its key is nobody's business
request_keys = sa.Table(
    "request_keys",
    metadata,
    sa.Column("key_sha256", sa.String(64), primary_key=True),
    sa.Column("request_sha256", sa.String(64), nullable=False),
    sa.Column(
        "case_id",
        sa.String(32),
        sa.ForeignKey("cases.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("created", UtcTime, nullable=False, index=True),
)

# one row: which database this is; the folder of blobs carries the same mark
store = sa.Table("store", metadata, sa.Column("id", sa.String(32), primary_key=True))
