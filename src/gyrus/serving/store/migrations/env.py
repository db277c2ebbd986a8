"""What Alembic runs around the migrations: the transaction is the caller's (see :mod:`..migrating`)."""

from __future__ import annotations

from alembic import context

from gyrus.serving.store.migrating import VERSION_TABLE
from gyrus.serving.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite's too: it is begun by us, not by Python's driver
)
with context.begin_transaction():
    context.run_migrations()
