"""Files of cases: a folder a case, under names that the server makes.

::

    BLOBS/store-id             which database they belong to
    BLOBS/.lock                held by every process that has the store open
    BLOBS/.unfinished/ID/      being written, or being deleted
    BLOBS/ab/abcdef…/0.png     files of the case abcdef…
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from gyrus.errors import DataError, NotFoundError, StorageError
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of
from gyrus.runs.atomic import sync_folder, write_text
from gyrus.serving.store.folder_lock import FolderLock
from gyrus.serving.store.records import BlobFile

logger = logging.getLogger("gyrus")

MARK = "store-id"
_UNFINISHED = ".unfinished"
_GRACE_S = 3600.0
_ID_DIGITS = frozenset("0123456789abcdef")
_SUFFIXES = (
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"RIFF", ".webp"),
)


class BlobFolder:
    """The folder of one store's files.

    Raises
    ------
    StorageError
        When it cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / _UNFINISHED).mkdir(mode=0o700, exist_ok=True)
            self._lock = FolderLock(self.root / ".lock")
        except OSError as error:
            raise _unusable(self.root, error) from error

    def claim(self, store_id: str, *, in_use: bool) -> None:
        """See that the folder belongs to the database, or let it from now on.

        Parameters
        ----------
        store_id : str
            The database's mark.
        in_use : bool
            Whether the database has cases.

        Raises
        ------
        DataError
            When it belongs to another database, or to none though this one has cases: sweeping would
            take another store's files for orphans.
        """
        mark = self.root / MARK
        try:
            found = mark.read_text("utf-8").strip()
        except FileNotFoundError:
            if in_use:
                raise DataError(
                    "the database has cases, and this folder does not hold their files",
                    path=self.root,
                    fix=f"name their folder; to go on without the files, write {store_id} into {mark}",
                ) from None
            write_text(mark, store_id + "\n")
            return
        except (OSError, UnicodeDecodeError) as error:
            raise DataError("cannot be read", path=mark, fix="restore it from a backup") from error
        if found != store_id:
            raise DataError(
                f"holds the files of the database {found[:32]!r}, not of this one ({store_id})",
                path=self.root,
                fix="name the database and the folder that belong together",
            )

    def write(self, case_id: str, blobs: Mapping[str, bytes]) -> dict[str, BlobFile]:
        """Write all files of a new case, through to the disk, or none.

        Raises
        ------
        StorageError
            When the disk is full or cannot be written.
        """
        unfinished, finished = self.root / _UNFINISHED / case_id, self._folder(case_id)
        try:
            unfinished.mkdir(mode=0o700)
            files = {
                name: _written(unfinished / f"{number}{_suffix(data)}", data)
                for number, (name, data) in enumerate(blobs.items())
            }
            sync_folder(unfinished)
            finished.parent.mkdir(mode=0o700, exist_ok=True)
            unfinished.rename(finished)
            sync_folder(finished.parent)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.rmtree(finished, ignore_errors=True)
            raise _unusable(self.root, error) from error
        return files

    def read(self, case_id: str, blob: BlobFile) -> bytes:
        """Return a file's bytes.

        Raises
        ------
        NotFoundError
            When it is not there (any more).
        StorageError
            When it cannot be read, or holds something else than was written.
        """
        path = self._folder(case_id) / blob.file
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError("the file of this case is gone", fix="it may have been deleted") from None
        except OSError as error:
            raise StorageError(f"cannot be read: {error.strerror}", path=path) from error
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise StorageError("was altered or damaged on disk", path=path, fix="restore it from a backup")
        return data

    def path_of(self, case_id: str, blob: BlobFile) -> str:
        """Return where a file lies, relative to the folder, with ``/``."""
        return f"{case_id[:2]}/{case_id}/{blob.file}"

    def remove(self, case_id: str) -> bool:
        """Delete a case's files, whatever became of its row; tell whether there were any.

        Raises
        ------
        StorageError
            When they cannot be deleted; the next start tries again.
        """
        folder, doomed = self._folder(case_id), self.root / _UNFINISHED / case_id
        try:
            try:
                folder.rename(doomed)  # from here on nobody reads half of it
            except FileNotFoundError:
                if not doomed.exists():
                    return False
            shutil.rmtree(doomed)
            sync_folder(folder.parent)
        except OSError as error:
            raise _unusable(folder, error) from error
        return True

    def sweep(self, existing: Callable[[Collection[str]], Collection[str]]) -> int:
        """Delete the folders of cases that do not exist; return how many.

        What a killed process left is deleted at once where no other process has the store open; else only
        what is older than an hour, for a younger folder may belong to a case that another one is just about
        to keep.

        Parameters
        ----------
        existing : callable
            Given ids, returns those of cases that exist.
        """
        with self._lock.alone() as alone:
            before = float("inf") if alone else time.time() - _GRACE_S
            old = [folder.name for folder in self._folders() if _is_older(folder, before)]
            swept = set(old) - set(existing(old))
            for case_id in swept:
                self.remove(case_id)
            for folder in (self.root / _UNFINISHED).iterdir():
                if _is_older(folder, before):
                    shutil.rmtree(folder, ignore_errors=True)
        if swept:
            logger.info("note: %d unfinished or deleted cases' files swept away", len(swept))
        return len(swept)

    def check(self) -> None:
        """See that files can be written.

        Raises
        ------
        StorageError
            When they cannot.
        """
        if not os.access(self.root / _UNFINISHED, os.W_OK):
            raise StorageError("the folder of images is gone or cannot be written", path=self.root)

    def close(self) -> None:
        """Let the folder go."""
        self._lock.close()

    def _folders(self) -> Iterator[Path]:
        for shelf in self.root.iterdir():
            if len(shelf.name) == 2 and set(shelf.name) <= _ID_DIGITS:
                yield from (folder for folder in shelf.iterdir() if len(folder.name) == 32)

    def _folder(self, case_id: str) -> Path:
        return self.root / case_id[:2] / case_id


def _written(path: Path, data: bytes) -> BlobFile:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    return BlobFile(file=path.name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _is_older(folder: Path, before: float) -> bool:
    try:
        return folder.stat().st_mtime <= before
    except FileNotFoundError:  # another process has deleted it meanwhile
        return False


def _suffix(data: bytes) -> str:
    kind = kind_of(data[:BEGINNING_BYTES])
    if kind == "dicom":
        return ".dcm"
    if kind == "nifti":
        return ".nii.gz" if data.startswith(b"\x1f\x8b") else ".nii"
    return next((suffix for beginning, suffix in _SUFFIXES if data.startswith(beginning)), ".bin")


def _unusable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the folder of images cannot be written: {error.strerror or error}",
        path=folder,
        fix="free some space, or let the service's user write there; nothing was half done",
    )
