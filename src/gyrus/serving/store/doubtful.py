"""Cases of which nobody knows whether they were kept: the database fell silent in the middle of a commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection

from gyrus.serving.store.blobs import BlobFolder

logger = logging.getLogger("gyrus")


class Doubtful:
    """Remembers such cases until the database can be asked.

    Parameters
    ----------
    kept : callable
        Given ids, returns those that cases have, when all that is being written has been written.
    blobs : BlobFolder
        Where their files lie.
    """

    def __init__(self, kept: Callable[[Collection[str]], set[str]], blobs: BlobFolder) -> None:
        self._kept, self._blobs = kept, blobs
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def add(self, case_id: str) -> None:
        """Remember a case."""
        with self._lock:
            self._ids.add(case_id)

    def settle(self) -> None:
        """Find out which of them were kept, and delete the files of the others.

        Raises
        ------
        UnavailableError, StorageError
            When the database still does not answer, or files cannot be deleted: they stay doubtful.
        """
        with self._lock:
            ids, self._ids = self._ids, set()
        if not ids:
            return
        try:
            missing = ids - self._kept(ids)
            for case_id in missing:
                self._blobs.remove(case_id)
        except BaseException:
            with self._lock:
                self._ids |= ids
            raise
        if missing:
            logger.info("note: the files of %d cases that could not be kept are removed", len(missing))
