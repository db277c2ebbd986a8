"""Files that are either the old ones or the new ones, never half of each."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from gyrus.errors import StorageError


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path``; on success it replaces ``path``, on failure it vanishes.

    The data are flushed to the disk before the rename, and the folder after it, so that a power cut
    leaves either the former file or the whole new one.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written; the former file is untouched.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp gives 0600; a shared folder of results wants what open() would have given
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise _unwritable(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _unwritable(path: Path, error: OSError) -> StorageError:
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        taken = next((folder for folder in path.parents if folder.is_file()), path.parent)
        return StorageError(
            f"could not be written: {taken} is a file, not a folder", path=path, fix="name another place"
        )
    if isinstance(error, IsADirectoryError):
        return StorageError("could not be written: is a folder", path=path, fix="name a file")
    return StorageError(
        f"could not be written: {error.strerror or error}",
        path=path,
        fix="free some space or choose a folder that can be written; the former file, if any, is intact",
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically."""
    with atomic_writer(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with ``\\n`` line ends on every system."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted as given, indented, NaN written as null."""
    write_text(path, to_json(value) + "\n")


def to_json(value: Any, indent: int | None = 2, *, ascii_only: bool = False) -> str:
    """Return strict JSON: an undefined number (NaN, infinity) becomes null, NumPy scalars become numbers.

    ``ascii_only`` writes other letters as JSON's escapes, for a place that does not take UTF-8.
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=ascii_only, allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy scalars and arrays, without importing NumPy here
        value = value.tolist()
    if isinstance(value, float):
        return value if value == value and value not in (float("inf"), float("-inf")) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def sync_folder(folder: Path) -> None:
    # Windows cannot open a folder; there the rename alone is what one gets.
    with contextlib.suppress(OSError, AttributeError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
