"""Say where a file whose digest does not match was cut off or altered."""

from __future__ import annotations

from gyrus.bundles import canonical_zip
from gyrus.bundles.canonical_zip import ArchiveDamage, Entry
from gyrus.bundles.members import (
    COMMENT,
    COMMENT_SIZE,
    COMMENTS,
    MAX_MEMBERS,
    MEMBERS,
    altered_members,
    limit_of,
)


def what_is_wrong(data: bytes) -> str:
    """Return what ends the sentence "the file …", naming the member or the byte."""
    if not data:
        return "is empty"
    if data[:2] != b"PK":
        return "does not begin like a bundle (not made by gyrus, or altered in its first bytes)"
    body, comment = memoryview(data)[:-COMMENT_SIZE], data[-COMMENT_SIZE:]
    version = next((number for number, text in COMMENTS.items() if comment.startswith(text)), None)
    if version is None:
        return _where_cut(data)
    try:
        entries = canonical_zip.decode(body, COMMENT_SIZE, limit_of, MAX_MEMBERS)
    except ArchiveDamage as error:
        return str(error)
    return _which_altered(entries, version)


def _where_cut(data: bytes) -> str:
    """Name the place of the damage in a file without the whole comment at its end."""
    start = data.rfind(COMMENT[:6], -2 * COMMENT_SIZE)
    if start >= 0:
        return f"is truncated or altered in its last {len(data) - start} bytes, where the digest stands"
    begun = max(size for text in COMMENTS.values() for size in range(len(text)) if data.endswith(text[:size]))
    try:
        canonical_zip.decode(memoryview(data)[: len(data) - begun], COMMENT_SIZE, limit_of, MAX_MEMBERS)
    except ArchiveDamage as error:
        return str(error)
    return "is truncated: the digest at its end is missing"


def _which_altered(entries: list[Entry], version: int) -> str:
    altered = [entry.name for entry in entries if not entry.intact]
    if altered:
        return f"member {', '.join(altered)} is altered"
    if not {MEMBERS} <= {entry.name for entry in entries}:
        return "has no member members.json"
    listed = altered_members({entry.name: entry.data for entry in entries}, version)
    if listed:
        return f"member {', '.join(listed)} is altered"
    return "is altered in the digest at its end"
