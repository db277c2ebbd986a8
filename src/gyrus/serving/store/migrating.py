"""Bring a database's tables to a revision: up to this version of gyrus, or back."""

from __future__ import annotations

import threading

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gyrus.errors import DataError
from gyrus.serving.store.database import Database

VERSION_TABLE = "gyrus_version"
_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps what it is doing in its module


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the tables to a revision, all of the way or not at all.

    Other processes that open the same database meanwhile wait, and find it done.

    Parameters
    ----------
    database : Database
    revision : str
        ``head``; ``base`` (no tables); or a revision's name, earlier or later than the present one.

    Raises
    ------
    DataError
        When the tables are of a later version of gyrus, which this one does not know.
    UnavailableError, StorageError
        As every transaction.
    """
    with _ONE_AT_A_TIME, database.migrating() as connection:
        config = _config(connection)
        present, known = current_revision(connection), _order(config)
        if present is not None and present not in known:
            raise DataError(
                f"its tables are of revision {present}; this gyrus knows {known[-1]} and earlier",
                path=database.backend.place,
                fix="update gyrus: pip install -U 'gyrus[serve]'",
            )
        if revision != "base" and (revision == "head" or present is None):
            command.upgrade(config, revision)
        elif revision == "base" or known.index(revision) < known.index(str(present)):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def current_revision(connection: sa.Connection) -> str | None:
    """Return the revision of a database's tables; None where there are none."""
    # Alembic describes its table anew each time: each question would stay in the cache of statements
    connection = connection.execution_options(compiled_cache=None)
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def head_revision() -> str:
    """Return the revision that this version of gyrus works with."""
    return _order(_config(None))[-1]


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "gyrus.serving.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _order(config: Config) -> list[str]:
    scripts = ScriptDirectory.from_config(config)
    return [script.revision for script in scripts.walk_revisions()][::-1]
