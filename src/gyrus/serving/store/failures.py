"""What a database's error means for the one who asked."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from gyrus.errors import GyrusError, StorageError, UnavailableError

_SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
_SQLITE_BASE_CODE = 0xFF  # an extended code holds the base code in its low byte
_POSTGRES_FULL = ("53100", "53200")  # disk full, out of memory


def translated(error: exc.SQLAlchemyError, place: str) -> GyrusError | None:
    """Return the error that a user meets, or None where the defect is ours.

    Parameters
    ----------
    error : SQLAlchemyError
    place : str
        The database, without its password.
    """
    if isinstance(error, exc.TimeoutError):
        return UnavailableError("all connections to the database are in use", path=place, fix="try again")
    if not isinstance(error, exc.DBAPIError) or isinstance(error, exc.IntegrityError | exc.DataError):
        return None
    if isinstance(error, exc.ProgrammingError) and not error.connection_invalidated:
        return None
    words = str(error.orig).strip().partition("\n")[0]
    if _is_full(error.orig):
        return StorageError(
            f"the database could not write: {words}", path=place, fix="free some space; nothing was half done"
        )
    return UnavailableError(f"the database does not answer: {words}", path=place, fix="try again in a moment")


def _is_full(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & _SQLITE_BASE_CODE in _SQLITE_FULL
    return getattr(error, "sqlstate", None) in _POSTGRES_FULL
