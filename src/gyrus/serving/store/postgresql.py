"""PostgreSQL, by psycopg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from gyrus.errors import DataError, require
from gyrus.runs.atomic import to_json

_WRITERS, _MIGRATION = 0x6779727573, 0x6779727574  # advisory locks: "gyrus", and the number after it
_CONNECT_TIMEOUT_S = 5
_POOL_TIMEOUT_S = 10.0
_FOR_EVERY_SESSION = (
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '20s'",
    "SET idle_in_transaction_session_timeout = '60s'",
)


class PostgreSQL:
    """A database on a server.

    Raises
    ------
    MissingDependencyError
        When psycopg is not installed.
    """

    def __init__(self, url: URL) -> None:
        require("psycopg", "postgres", "PostgreSQL")
        self.place = url.render_as_string(hide_password=True)
        self.engine = sa.create_engine(
            url,
            pool_size=8,
            max_overflow=16,
            pool_timeout=_POOL_TIMEOUT_S,
            pool_pre_ping=True,  # connections that a restarted server has forgotten are made anew
            connect_args={
                "client_encoding": "utf8",
                "application_name": "gyrus",
                **({} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}),
            },
            hide_parameters=True,  # they hold what patients' reviewers wrote
            json_serializer=lambda value: to_json(value, indent=None, ascii_only=True),
        )
        sa.event.listen(self.engine, "connect", _prepare)

    def check(self) -> None:
        """Do nothing: the server is asked at every use."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Do not wait: the server lets many write at once."""
        yield

    def begin_writing(self, connection: sa.Connection, *, alone: bool) -> None:
        """Join the writers by a lock that all share; whoever would be alone takes it whole.

        A process that was killed in the middle of a commit has, for a moment, a session at the server that
        still commits. Who sweeps files without a row waits for it here.
        """
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        connection.execute(sa.select(lock(_WRITERS)))

    def before_migrating(self, connection: sa.Connection) -> None:
        """Let one process migrate at a time, for as long as it takes."""
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise DataError(
                f"the database's encoding is {encoding}; not all letters fit",
                path=self.place,
                fix="make one with: CREATE DATABASE gyrus ENCODING 'UTF8' TEMPLATE template0",
            )
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION)))

    def erase_deleted(self) -> None:
        """Do nothing: the server's own vacuum reuses the place of deleted rows."""


def _prepare(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        for statement in _FOR_EVERY_SESSION:
            cursor.execute(statement)
    connection.commit()
