"""One database, whichever it is: transactions that either happen or do not, and typed errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from gyrus.errors import UsageError
from gyrus.serving.store.failures import translated


class Backend(Protocol):
    """What differs between databases.

    Attributes
    ----------
    engine : Engine
    place : str
        Which database, without its password; stands in messages.
    """

    engine: sa.Engine
    place: str

    def check(self) -> None:
        """Raise :class:`UnavailableError` where it is known beforehand that nothing can be done."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait for this process's turn to write."""

    def begin_writing(self, connection: sa.Connection, *, alone: bool) -> None:
        """Join the writers, or (``alone``) wait until all of them, of all processes, have ended."""

    def before_migrating(self, connection: sa.Connection) -> None:
        """Keep other processes from migrating until the transaction ends."""

    def erase_deleted(self) -> None:
        """Do what the database can so that deleted rows do not remain in its files."""


class Database:
    """Transactions on one database."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def backend(self) -> Backend:
        """What differs between databases."""
        return self._backend

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection inside a transaction that changes nothing.

        Raises
        ------
        UnavailableError
            When the database does not answer.
        """
        with self._typed_errors(), self._backend.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[sa.Connection]:
        """Yield a connection inside a transaction that is committed at the end, or wholly undone.

        Parameters
        ----------
        alone : bool
            Whether no other transaction of this kind, of any process, may be under way meanwhile.

        Raises
        ------
        UnavailableError
            When the database does not answer; where it fell silent during the commit, the transaction may
            have happened.
        StorageError
            When it cannot write.
        """
        with self._typed_errors(), self._backend.turn(), self._backend.engine.connect() as connection:
            connection = connection.execution_options(gyrus_writes=True)
            with connection.begin():
                self._backend.begin_writing(connection, alone=alone)
                yield connection

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """Yield a connection to change tables with, in one transaction; others that would do so wait.

        SQLite's tables are changed by copying, and dropping a table of cases must not take their reviews
        along: such a connection does not follow references, and is not used for anything else.
        """
        with self._typed_errors(), self._backend.turn(), self._backend.engine.connect() as connection:
            connection.detach()
            connection = connection.execution_options(gyrus_writes=True, gyrus_migrates=True)
            with connection.begin():
                self._backend.before_migrating(connection)
                yield connection

    def erase_deleted(self) -> None:
        """Do what the database can so that deleted rows do not remain in its files."""
        with self._typed_errors():
            self._backend.erase_deleted()

    def close(self) -> None:
        """Close all connections."""
        with contextlib.suppress(exc.SQLAlchemyError):  # one that is broken is as closed as can be
            self._backend.engine.dispose()

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        try:
            self._backend.check()
            yield
        except exc.SQLAlchemyError as error:
            known = translated(error, self._backend.place)
            if known is None:
                raise
            raise known from error


def open_database(url: str) -> Database:
    """Return the database at ``url``; SQLite's file is made where there is none.

    Raises
    ------
    UsageError
        When the URL is none, names another kind of database, or one in memory.
    MissingDependencyError
        When the driver of PostgreSQL is not installed.
    """
    from gyrus.serving.store.postgresql import PostgreSQL
    from gyrus.serving.store.sqlite import Sqlite

    parsed = _parsed(url)
    kind = parsed.drivername.partition("+")[0]
    if kind == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise UsageError(
                "a database in memory, or with options, keeps no case", fix="write sqlite:///PATH/gyrus.db"
            )
        return Database(Sqlite(Path(parsed.database)))
    if kind in ("postgresql", "postgres"):
        return Database(PostgreSQL(parsed.set(drivername="postgresql+psycopg")))
    raise UsageError(
        f"a database of the kind {kind!r} is not known",
        fix="write sqlite:///PATH/gyrus.db or postgresql://USER:PASSWORD@HOST/NAME",
    )


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (exc.ArgumentError, ValueError):  # the text may hold a password: it is not repeated
        raise UsageError(
            "the database's URL cannot be read",
            fix="write sqlite:///PATH/gyrus.db or postgresql://USER:PASSWORD@HOST/NAME",
        ) from None
