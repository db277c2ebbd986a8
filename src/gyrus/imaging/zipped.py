"""Image files within a zip archive, each read into memory within limits; nothing is unpacked to the disk."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from gyrus.errors import ImageError
from gyrus.imaging.limits import Limits

_MOST_MEMBERS = 100_000
_STORED_OR_DEFLATED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
    KeyError,
)  # fmt: skip


def members(path: Path) -> list[str]:
    """Return the names of the files in an archive, in its order.

    Raises
    ------
    ImageError
        When it is damaged, or holds more than a hundred thousand.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if len(names) > _MOST_MEMBERS:
        raise ImageError(
            f"holds {len(names):,} files; the limit is {_MOST_MEMBERS:,}", path=path, fix="divide it"
        )
    return names


def member_bytes(path: Path, name: str, limits: Limits) -> bytes:
    """Return one file of an archive.

    Raises
    ------
    ImageError
        When the archive is damaged or encrypted, or the file is absent or too large unpacked.
    """
    shown = f"{path}#{name}"
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            limits.check_bytes(info.file_size, shown)
            if info.flag_bits & 1:
                raise ImageError("is encrypted", path=shown, fix="unpack it with its password")
            if info.compress_type not in _STORED_OR_DEFLATED:
                raise ImageError("is packed in another way than deflate", path=shown, fix="unpack it first")
            with archive.open(info) as stream:
                data = stream.read(limits.max_file_bytes + 1)
    except ImageError:
        raise
    except KeyError as error:
        raise ImageError("is not in the archive", path=shown) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    limits.check_bytes(len(data), shown)
    return data


def _damaged(path: Path, error: BaseException) -> ImageError:
    return ImageError(
        f"is no zip archive that can be read ({type(error).__name__})", path=path, fix="copy the file again"
    )
