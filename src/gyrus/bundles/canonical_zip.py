"""A zip archive that has exactly one form: same members in, same bytes out, and nothing else is accepted.

Written by hand rather than with :mod:`zipfile`, because the reader must refuse everything that the writer
would not have written (slack between members, extra fields, compression, a directory that disagrees with
the members), and because a damaged archive must be told apart by member. Any zip program can open it.

The layout of the records is that of PKWARE's APPNOTE 6.3.3, sections 4.3.7 (local header), 4.3.12
(central directory) and 4.3.16 (end record).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_VERSION = 10  # "stored, no folders": the lowest there is
_MADE_BY = (3 << 8) | _VERSION  # Unix, so that the permission bits below mean something
_DATE, _TIME = (0 << 9) | (1 << 5) | 1, 0  # 1980-01-01 00:00, the earliest a zip can say
_PERMISSIONS = 0o100644 << 16
_LARGEST_FILE = 0xFFFFFFFE  # beyond this the 64-bit extension would be needed, which is another format

# What a local header must say besides name, checksum and size, and what it means when it does not.
_FIXED_FIELDS = (
    (1, _VERSION, "asks for another version of zip"),
    (2, 0, "is encrypted or streamed"),
    (3, 0, "is compressed; members are stored as they are"),
    (4, _TIME, "carries a time"),
    (5, _DATE, "carries a date"),
    (10, 0, "carries an extra field"),
)


class ArchiveDamage(ValueError):
    """The bytes are not a canonical archive; the message says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as it lies in the archive.

    Attributes
    ----------
    name : str
        Member name (ASCII).
    data : bytes
        Its content.
    checksum : int
        CRC-32 that the archive states for it; equal to that of ``data`` unless it was altered.
    """

    name: str
    data: bytes
    checksum: int

    @property
    def intact(self) -> bool:
        """Whether the content still has the stated checksum."""
        return zlib.crc32(self.data) == self.checksum


def encode(members: Mapping[str, bytes], comment_size: int) -> bytes:
    """Return the archive up to its comment, for which ``comment_size`` bytes are announced."""
    entries = [Entry(name, members[name], zlib.crc32(members[name])) for name in sorted(members)]
    parts: list[bytes] = []
    for entry in entries:
        parts += [_local_header(entry.name, entry.checksum, len(entry.data)), entry.data]
    archive = b"".join([*parts, _directory(entries, comment_size)])
    if len(archive) + comment_size > _LARGEST_FILE:
        raise ValueError(f"{len(archive)} bytes do not fit into this format (4 GiB)")
    return archive


def decode(
    archive: bytes | memoryview, comment_size: int, limit_of: Callable[[str], int | None], most: int
) -> list[Entry]:
    """Take an archive apart that ends just before its comment.

    Parameters
    ----------
    archive : bytes or memoryview
        The file without its comment.
    comment_size : int
        Length of the comment that the end record must announce, in bytes.
    limit_of : callable
        Largest allowed size of the member of that name in bytes, or None when no such member may exist.
    most : int
        How many members there may be.

    Returns
    -------
    list of Entry
        In the order of the file. Checksums are *not* compared here: see :attr:`Entry.intact`.

    Raises
    ------
    ArchiveDamage
        At the first byte that :func:`encode` would not have written. Nothing is copied out of the archive
        before its name and size are known to be allowed.
    """
    view = memoryview(archive)
    entries: list[Entry] = []
    offset = 0
    while view[offset : offset + 4] == _LOCAL_MARK:
        if len(entries) == most:
            raise ArchiveDamage(f"has more than {most} members")
        entry, offset = _member_at(view, offset, entries[-1].name if entries else "", limit_of)
        entries.append(entry)
    expected, found = _directory(entries, comment_size), view[offset:]
    if found == expected:
        return entries
    after = f"member {entries[-1].name}" if entries else "the start of the file"
    if len(found) < len(expected) and expected.startswith(bytes(found)):
        raise ArchiveDamage(f"is truncated: it ends at byte {len(view)}, in the directory after {after}")
    pairs = enumerate(zip(found, expected, strict=False))
    differs = next((index for index, (got, wanted) in pairs if got != wanted), len(expected))
    what = "the directory" if found[:4] == _CENTRAL_MARK else "the next header"
    raise ArchiveDamage(f"is altered at byte {offset + differs}: {what} after {after} is not what it must be")


def _member_at(
    archive: memoryview, offset: int, previous: str, limit_of: Callable[[str], int | None]
) -> tuple[Entry, int]:
    where = f"after member {previous}" if previous else "at the start of the file"
    body = offset + _LOCAL.size
    if len(archive) < body:
        raise ArchiveDamage(f"is truncated: it ends at byte {len(archive)}, in the header {where}")
    fields = _LOCAL.unpack_from(archive, offset)
    checksum, packed, size, name_length = fields[6:10]
    raw_name = bytes(archive[body : body + name_length])
    name = raw_name.decode("ascii", errors="backslashreplace")
    if len(raw_name) < name_length:
        raise ArchiveDamage(f"is truncated: it ends at byte {len(archive)}, in a member's name {where}")
    limit = limit_of(name) if raw_name.isascii() else None
    if limit is None:
        raise ArchiveDamage(f"has a member {name[:80]!r} {where}, which no bundle has")
    if name <= previous:
        raise ArchiveDamage(f"has member {name} {where}: twice, or out of order")
    for position, value, meaning in _FIXED_FIELDS:
        if fields[position] != value:
            raise ArchiveDamage(f"is altered in the header of member {name}: it {meaning}")
    if packed != size:
        raise ArchiveDamage(f"is altered in the header of member {name}: two sizes, {packed} and {size}")
    if size > limit:
        raise ArchiveDamage(f"has member {name} with {size} bytes; at most {limit} are allowed")
    start = body + name_length
    if len(archive) - start < size:
        raise ArchiveDamage(
            f"is truncated: it ends in member {name}, after {len(archive) - start} of {size} bytes"
        )
    return Entry(name, bytes(archive[start : start + size]), checksum), start + size


def _local_header(name: str, checksum: int, size: int) -> bytes:
    raw = name.encode("ascii")
    return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, _TIME, _DATE, checksum, size, size, len(raw), 0) + raw


def _directory(entries: list[Entry], comment_size: int) -> bytes:
    parts: list[bytes] = []
    offset = 0
    for entry in entries:
        raw, size = entry.name.encode("ascii"), len(entry.data)
        parts.append(
            _CENTRAL.pack(
                _CENTRAL_MARK, _MADE_BY, _VERSION, 0, 0, _TIME, _DATE, entry.checksum, size, size,
                len(raw), 0, 0, 0, 0, _PERMISSIONS, offset,
            ) + raw
        )  # fmt: skip
        offset += _LOCAL.size + len(raw) + size
    directory = b"".join(parts)
    count = len(entries)
    return directory + _END.pack(_END_MARK, 0, 0, count, count, len(directory), offset, comment_size)
