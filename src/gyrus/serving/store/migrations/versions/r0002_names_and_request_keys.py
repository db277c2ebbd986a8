"""What a client called its file, where the operator keeps that; and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the table."""
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("name", sa.Text))
    op.create_table(
        "request_keys",
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name="pk_request_keys"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_request_keys_case_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_request_keys_case_id", "request_keys", ["case_id"])
    op.create_index("ix_request_keys_created", "request_keys", ["created"])


def downgrade() -> None:
    """Take both away; the cases stay."""
    op.drop_index("ix_request_keys_created", "request_keys")
    op.drop_index("ix_request_keys_case_id", "request_keys")
    op.drop_table("request_keys")
    with op.batch_alter_table("cases") as cases:
        cases.drop_column("name")
