"""Cases with their contents and reviews, and the mark of the store."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and give this database its mark."""
    op.create_table(
        "cases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("probability", sa.Double),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("model_digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_image_sha256", "cases", ["image_sha256"])
    op.create_index("ix_cases_created_id", "cases", ["created", "id"])
    op.create_table(
        "contents",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("blobs", sa.JSON, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_contents"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_contents_case_id", ondelete="CASCADE"),
    )
    op.create_table(
        "reviews",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "version", name="pk_reviews"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_reviews_case_id", ondelete="CASCADE"),
    )
    store = op.create_table(
        "store",
        sa.Column("id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )
    op.bulk_insert(store, [{"id": uuid.uuid4().hex}])


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("store")
    op.drop_table("reviews")
    op.drop_table("contents")
    op.drop_index("ix_cases_created_id", "cases")
    op.drop_index("ix_cases_image_sha256", "cases")
    op.drop_table("cases")
