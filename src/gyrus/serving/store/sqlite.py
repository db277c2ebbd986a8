"""SQLite: one file, many readers and a writer; nothing lost with the power, nothing left of deleted rows."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from gyrus.errors import StorageError, UnavailableError
from gyrus.runs.atomic import to_json

logger = logging.getLogger("gyrus")

WAIT_S = 30.0
"""How long a writer waits for another one, of this process or of another, before it gives up."""
_WAIT_TO_ERASE_MS = 2000
_FOR_EVERY_CONNECTION = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # an acknowledged case outlives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten with zeros
    "PRAGMA trusted_schema = OFF",
)


class Sqlite:
    """A database in one file (with ``-wal`` and ``-shm`` beside it while it is open).

    Raises
    ------
    StorageError
        When the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self.place = str(path)
        self._opened: os.stat_result = _made(self._path)
        self._turn = threading.Lock()
        self.engine = sa.create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=sa.QueuePool,
            pool_size=8,
            max_overflow=24,
            pool_timeout=WAIT_S,
            hide_parameters=True,  # they hold what patients' reviewers wrote
            json_serializer=lambda value: to_json(value, indent=None, ascii_only=True),
        )
        sa.event.listen(self.engine, "begin", _begin)

    def check(self) -> None:
        """See that the file is still the one that was opened: a case written elsewhere would be lost."""
        try:
            now = self._path.stat()
        except OSError as error:
            raise UnavailableError(
                f"the database does not answer: {error.strerror}", path=self.place, fix="put the file back"
            ) from error
        if not os.path.samestat(now, self._opened):
            logger.info("note: %s is another file than before; it is opened anew", self.place)
            self.engine.dispose()
            self._opened = now

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the other threads; SQLite's own waiting is by chance, and does not end for everybody."""
        if not self._turn.acquire(timeout=WAIT_S):
            raise UnavailableError("too many are writing", path=self.place, fix="try again in a moment")
        try:
            yield
        finally:
            self._turn.release()

    def begin_writing(self, connection: sa.Connection, *, alone: bool) -> None:
        """Do nothing: whoever writes is alone, from the transaction's first statement on."""

    def before_migrating(self, connection: sa.Connection) -> None:
        """Do nothing: whoever migrates writes, and so is alone."""

    def erase_deleted(self) -> None:
        """Write the log of changes, which holds deleted rows, into the file, and empty it."""
        with self.turn(), self.engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.execute(f"PRAGMA busy_timeout = {_WAIT_TO_ERASE_MS}")
            busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            raw.execute(f"PRAGMA busy_timeout = {int(WAIT_S * 1000)}")
        if busy:
            logger.info(
                "note: %s-wal holds deleted rows while others read it, until the next deletion or restart",
                self._path.name,
            )

    def _connect(self) -> sqlite3.Connection:
        # never make a file here: the operator's own may be away for a moment
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=WAIT_S,
            isolation_level=None,  # Python's own transactions would begin too late
            check_same_thread=False,
        )
        try:
            for statement in _FOR_EVERY_CONNECTION:
                connection.execute(statement)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("gyrus_migrates", False):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # has no effect within a transaction
    # a transaction that reads first and writes then could fail between, whatever the waiting time
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("gyrus_writes", False) else "BEGIN")


def _made(path: Path) -> os.stat_result:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"the database cannot be made or opened: {error.strerror}",
            path=path,
            fix="name a file in a folder that can be written",
        ) from error
