"""The store: cases with their images and reviews, whole or not at all."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from gyrus.errors import ConflictError, DataError, NotFoundError, UnavailableError
from gyrus.serving.store import cases as case_rows
from gyrus.serving.store import reviewing
from gyrus.serving.store.blobs import BlobFolder
from gyrus.serving.store.database import Database, open_database
from gyrus.serving.store.doubtful import Doubtful
from gyrus.serving.store.export import ORIGINAL, ExportRow, export_rows
from gyrus.serving.store.migrating import current_revision, head_revision, migrate
from gyrus.serving.store.records import (
    Case,
    CasePage,
    CaseQuery,
    NewCase,
    NewReview,
    Review,
    checked_text,
)
from gyrus.serving.store.tables import store as store_table
from gyrus.serving.store.verdicts import check_verdict

KEY_LIFETIME = timedelta(hours=24)
"""How long a request's key is remembered."""
KEY_LENGTH = 255
_ID_DIGITS = frozenset("0123456789abcdef")
_ID_LENGTH = 32
_EXPORTED_AT_ONCE = 200


class Store:
    """Cases with their images and reviews. Its methods may be called from several threads.

    A case that :meth:`add_case` has returned is on the disk, row and files; one that it has not returned is
    not there, or (where the database fell silent in the middle of a commit) is there as a whole.
    """

    def __init__(self, database: Database, blobs: BlobFolder) -> None:
        self._database = database
        self._blobs = blobs
        self._head = head_revision()
        self._doubtful = Doubtful(self._kept, blobs)

    @classmethod
    def open(cls, url: str, blobs: Path) -> Store:
        """Open a store, or make one; bring its tables up to date; sweep away what a killed process left.

        Parameters
        ----------
        url : str
            ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        blobs : Path
            Folder of the images.

        Raises
        ------
        UsageError
            When the URL cannot be used.
        DataError
            When the tables are of a later gyrus, the folder belongs to another database, or PostgreSQL's
            database cannot hold all letters.
        UnavailableError, StorageError
            When database or folder cannot be reached or written.
        """
        database = open_database(url)
        try:
            migrate(database)
            folder = BlobFolder(blobs)
        except BaseException:
            database.close()
            raise
        store = cls(database, folder)
        try:
            store._claim()
            folder.sweep(store._kept)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close all connections and let the folder go."""
        self._database.close()
        self._blobs.close()

    def ready(self) -> None:
        """See that cases can be kept now.

        Raises
        ------
        UnavailableError
            When the database does not answer, or its tables are not those of this gyrus.
        StorageError
            When the folder of images cannot be written.
        """
        with self._database.reading() as connection:
            revision = current_revision(connection)
        if revision != self._head:
            raise UnavailableError(
                f"the database's tables are of revision {revision}, not {self._head}", fix="restart gyrus"
            )
        self._doubtful.settle()
        self._blobs.check()

    def add_case(
        self,
        new: NewCase,
        blobs: Mapping[str, bytes],
        *,
        idempotency: tuple[str, str] | None = None,
    ) -> Case:
        """Keep a case and its files.

        Parameters
        ----------
        new : NewCase
        blobs : mapping
            Name -> bytes; ``original`` is the upload itself.
        idempotency : pair of str, optional
            The client's key, and a digest of its request: the same pair within :data:`KEY_LIFETIME` gives
            the former case and keeps nothing.

        Raises
        ------
        ConflictError
            When the key came with another request before.
        UnavailableError, StorageError
            When it could not be kept.
        """
        former = self.former(idempotency)
        if former is not None:
            return former
        self._doubtful.settle()
        case_id, now = uuid.uuid4().hex, case_rows.now_utc()
        files = self._blobs.write(case_id, blobs)
        try:
            with self._database.writing() as connection:
                case_rows.insert_case(connection, case_id, new, files, now)
                if idempotency is not None:
                    key, digest = idempotency
                    before = now - KEY_LIFETIME
                    case_rows.remember_request(connection, key, digest, case_id, now=now, before=before)
                kept = case_rows.find_case(connection, case_id)
        except exc.SQLAlchemyError as error:  # refused before the commit
            self._blobs.remove(case_id)
            if isinstance(error, exc.IntegrityError) and idempotency is not None:
                return self._overtaken(idempotency, error)
            raise
        except BaseException:  # silence, a full disk, or our own end: it may have come after the commit
            self._doubtful.add(case_id)
            raise
        assert kept is not None  # read within the transaction that wrote it
        return kept

    def former(self, idempotency: tuple[str, str] | None) -> Case | None:
        """Return the case that the same request led to; None where it is new or has no key.

        Raises
        ------
        DataError
            When the key is empty, too long, or no plain text.
        ConflictError
            When the key came with another request before.
        """
        if idempotency is None:
            return None
        key, digest = idempotency
        if not checked_text("the idempotency key", key, KEY_LENGTH):
            raise DataError("the idempotency key is empty", fix="send a random one, or none")
        with self._database.reading() as connection:
            found = case_rows.find_request(connection, key, since=case_rows.now_utc() - KEY_LIFETIME)
            if found is None:
                return None
            request_sha256, case_id = found
            if not case_rows.is_same_request(request_sha256, digest):
                raise ConflictError(
                    "this idempotency key came with another request before",
                    fix="send a new key with a new request",
                )
            return case_rows.find_case(connection, case_id)

    def case(self, case_id: str) -> Case:
        """Return a case.

        Raises
        ------
        NotFoundError
            When there is none.
        """
        with self._reading_of(case_id) as connection:
            found = case_rows.find_case(connection, case_id)
        if found is None:
            raise _no_case(case_id)
        return found

    def cases(self, query: CaseQuery) -> CasePage:
        """Return the cases that a query asks for, the newest first."""
        with self._database.reading() as connection:
            return case_rows.list_cases(connection, query)

    def blob(self, case_id: str, name: str) -> bytes:
        """Return a file of a case.

        Raises
        ------
        NotFoundError
            When there is no such case, or it has no such file.
        StorageError
            When the file was altered or damaged.
        """
        with self._reading_of(case_id) as connection:
            files = case_rows.find_blobs(connection, case_id)
        if files is None:
            raise _no_case(case_id)
        if name not in files:
            raise NotFoundError("this case has no such file", fix=f"it has {', '.join(files) or 'none'}")
        return self._blobs.read(case_id, files[name])

    def add_review(self, case_id: str, new: NewReview, *, expected_version: int | None = None) -> Review:
        """Add a review.

        Parameters
        ----------
        case_id : str
        new : NewReview
        expected_version : int, optional
            The case's version that the reviewer saw.

        Raises
        ------
        NotFoundError
            When there is no such case.
        DataError
            When the verdict does not fit what was answered.
        ConflictError
            When somebody else has reviewed it since.
        """
        check_verdict(new.verdict, self.case(case_id).evidence)  # evidence never changes
        with self._database.writing() as connection:
            review = reviewing.insert_review(
                connection, case_id, new, expected_version=expected_version, now=case_rows.now_utc()
            )
        if review is None:
            raise _no_case(case_id)
        return review

    def reviews(self, case_id: str) -> tuple[Review, ...]:
        """Return a case's reviews, the first one first.

        Raises
        ------
        NotFoundError
            When there is no such case.
        """
        with self._reading_of(case_id) as connection:
            found = reviewing.list_reviews(connection, case_id)
            if not found and not case_rows.existing_ids(connection, [case_id]):
                raise _no_case(case_id)
        return found

    def delete_case(self, case_id: str) -> None:
        """Delete a case: row, reviews, request keys, files; nothing can bring it back.

        Raises
        ------
        NotFoundError
            When there is none.
        StorageError
            When its files could not be deleted; the next start tries again, and so does a second call.
        """
        if not _is_id(case_id):
            raise _no_case(case_id)
        with self._database.writing() as connection:
            there = case_rows.delete_case(connection, case_id)
        if not self._blobs.remove(case_id) and not there:
            raise _no_case(case_id)
        self._database.erase_deleted()

    def export_rows(self) -> Iterator[ExportRow]:
        """Yield a manifest's rows of each reviewed case that has a class or masks, the oldest first.

        Paths are relative to the folder of blobs. Rows come in portions, each as of its own moment: a slow
        reader holds nobody up.
        """
        last = None
        while True:
            with self._database.reading() as connection:
                some = case_rows.reviewed_after(connection, last, _EXPORTED_AT_ONCE)
            for case in some:
                if ORIGINAL in case.blobs:
                    places = {name: self._blobs.path_of(case.id, blob) for name, blob in case.blobs.items()}
                    yield from export_rows(case, places)
            if len(some) < _EXPORTED_AT_ONCE:
                return
            last = (some[-1].created, some[-1].id)

    def _claim(self) -> None:
        with self._database.reading() as connection:
            mark = connection.execute(sa.select(store_table.c.id)).scalar_one()
            in_use = case_rows.list_cases(connection, CaseQuery(per_page=1)).total > 0
        self._blobs.claim(mark, in_use=in_use)

    def _kept(self, ids: Collection[str]) -> set[str]:
        """Return those ids that cases have, when all that is being written now has been written."""
        with self._database.writing(alone=True) as connection:
            return case_rows.existing_ids(connection, ids)

    def _overtaken(self, idempotency: tuple[str, str], error: exc.IntegrityError) -> Case:
        """Return the case of the same request that came in at the same time and was faster."""
        former = self.former(idempotency)
        if former is None:  # the clash was about something else: a defect of ours
            raise error
        return former

    @contextlib.contextmanager
    def _reading_of(self, case_id: str) -> Iterator[sa.Connection]:
        if not _is_id(case_id):
            raise _no_case(case_id)
        with self._database.reading() as connection:
            yield connection


def _is_id(text: str) -> bool:
    return len(text) == _ID_LENGTH and set(text) <= _ID_DIGITS


def _no_case(case_id: str) -> NotFoundError:
    shown = case_id if _is_id(case_id) else "this name"
    return NotFoundError(f"there is no case {shown}", fix="it may have been deleted; see the list of cases")
