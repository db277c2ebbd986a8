"""Unpacking an archive of a public set: plain files only, below the folder, within bounds."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from gyrus.data.building import Building
from gyrus.errors import DataError

_MOST_BYTES = 1 << 31
_MOST_FILES = 100_000


def unpack_tar(archive: Path, folder: Path) -> None:
    """Unpack a ``.tar.gz`` into a folder of its own name; nothing is done where that stands already.

    Raises
    ------
    DataError
        When it is damaged, larger than 2 GiB unpacked, or holds anything but files and folders below it.
    StorageError
        When the folder cannot be written.
    """
    target = folder / archive.name.removesuffix(".tar.gz")
    if target.is_dir() and any(target.iterdir()):
        return
    try:
        with Building(target) as building, tarfile.open(archive, "r:gz") as opened:
            total = 0
            for count, member in enumerate(opened):
                total += member.size
                if count >= _MOST_FILES or total > _MOST_BYTES:
                    raise DataError(
                        f"holds more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes", path=archive
                    )
                _place(opened, member, building, archive)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"is damaged: {error}", path=archive, fix="fetch it again") from error


def _place(opened: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    if member.isdir():
        return
    parts = PurePosixPath(member.name).parts
    if not member.isreg() or not parts or PurePosixPath(member.name).is_absolute() or ".." in parts:
        raise DataError(f"holds {member.name[:80]!r}, which is no plain file below it", path=archive)
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    source = opened.extractfile(member)
    if source is None:
        raise DataError(f"{member.name[:80]!r} cannot be read", path=archive)
    with source, path.open("xb") as stream:
        shutil.copyfileobj(source, stream)
