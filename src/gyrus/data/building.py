"""A folder that is there whole or not at all: built beside its place, then moved there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gyrus.errors import StorageError


class Building:
    """A folder under construction beside its final place; what enters ``with`` is where to write.

    Raises
    ------
    StorageError
        When it cannot be made or moved; nothing is left of it then.
    """

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> Path:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(dir=self.target.parent, prefix=f".{self.target.name[:50]}."))
        except OSError as error:
            raise _not_written(self.target, error) from error
        return self.folder

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if kind is None:
                self.folder.chmod(0o777 & ~_umask())
                if self.target.exists():
                    self.target.rmdir()  # empty: it was checked
                self.folder.replace(self.target)
        except OSError as problem:
            raise _not_written(self.target, problem) from problem
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise _not_written(self.target, error) from error


def _not_written(target: Path, error: OSError) -> StorageError:
    return StorageError(
        f"could not be written: {error.strerror or error}",
        path=target,
        fix="free some space or name another folder",
    )


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
