"""The parts of a PNG, JPEG or TIFF counted before Pillow goes through them.

Pillow walks along a file's chunks, markers and directories in Python, some of them a byte at a time: some
megabytes of nothing but such parts would keep it busy for minutes. No camera, scanner or program writes that
many.
"""

from __future__ import annotations

import re
import struct

from gyrus.errors import ImageError

MOST_CHUNKS = 50_000
MOST_MARKERS = 10_000
MOST_SCANS = 100
MOST_FILL_BYTES = 1 << 16
MOST_PIECES = 100_000
MOST_DIRECTORIES = 1000
_FIX = "it is damaged or made to do harm; leave it out"
_FILL = re.compile(rb"\xff+")
_ALONE = frozenset({b"\0", b"\1", *(bytes((code,)) for code in range(0xD0, 0xD9))})  # markers without length
_STRIPS, _TILES = 273, 324
_TIFFS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}


def check_parts(data: bytes, name: str) -> int:
    """Raise ImageError where a file has more parts than one that is meant to be an image.

    Returns
    -------
    int
        How many images a TIFF holds (at most :data:`MOST_DIRECTORIES`); 1 for other files.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        _check_png(data, name)
    elif data.startswith(b"\xff\xd8"):
        _check_jpeg(data, name)
    elif data[:4] in _TIFFS:
        return _check_tiff(data, name)
    return 1


def _check_png(data: bytes, name: str) -> None:
    place, count = 8, 0
    while place + 8 <= len(data):
        count += 1
        if count > MOST_CHUNKS:
            raise ImageError(f"has more than {MOST_CHUNKS:,} chunks", path=name, fix=_FIX)
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def _check_jpeg(data: bytes, name: str) -> None:
    place, count, fill = 2, 0, 0
    while (run := _FILL.match(data, place)) is not None:
        count, fill = count + 1, fill + len(run[0]) - 1
        if count > MOST_MARKERS or fill > MOST_FILL_BYTES:
            raise ImageError(
                f"has more than {MOST_MARKERS:,} markers, or {MOST_FILL_BYTES:,} bytes between them",
                path=name,
                fix=_FIX,
            )
        code = data[run.end() : run.end() + 1]
        if not code or code in (b"\xda", b"\xd9"):
            break
        place = run.end() + 1
        if code not in _ALONE:
            place += int.from_bytes(data[place : place + 2], "big")
    # within a scan FF stands before 00 or D0 to D7 only, so this counts the scans
    scans = data.count(b"\xff\xda", place)
    if scans > MOST_SCANS:
        raise ImageError(
            f"is a JPEG of {scans:,} scans, each as long to decode as an image; the limit is {MOST_SCANS}",
            path=name,
            fix=_FIX,
        )


def _check_tiff(data: bytes, name: str) -> int:
    """Walk along the directories, and count the pieces of the first image."""
    order = _TIFFS[data[:4]]
    big = data[2:4] in (b"+\0", b"\0+")
    entry_bytes, number, place = (20, "Q", "Q") if big else (12, "H", "I")
    seen: set[int] = set()
    (offset,) = _unpack(order + place, data, 8 if big else 4)
    while offset and offset not in seen and len(seen) < MOST_DIRECTORIES:
        (entries,) = _unpack(order + number, data, offset)
        start = offset + struct.calcsize(order + number)
        if not entries or start + entries * entry_bytes > len(data):
            break
        if not seen:
            _check_pieces(data, name, order, start, entries, entry_bytes)
        seen.add(offset)
        (offset,) = _unpack(order + place, data, start + entries * entry_bytes)
    return max(1, len(seen))


def _check_pieces(data: bytes, name: str, order: str, start: int, entries: int, entry_bytes: int) -> None:
    for place in range(start, start + min(entries, 1 << 16) * entry_bytes, entry_bytes):
        tag, _, count = struct.unpack_from(order + ("HHQ" if entry_bytes == 20 else "HHI"), data, place)
        if tag in (_STRIPS, _TILES) and count > MOST_PIECES:
            raise ImageError(
                f"is a TIFF of {count:,} strips or tiles; the limit is {MOST_PIECES:,}", path=name, fix=_FIX
            )


def _unpack(form: str, data: bytes, place: int) -> tuple[int, ...]:
    """Return numbers at a place; a zero where the file ends before."""
    if place < 0 or place + struct.calcsize(form) > len(data):
        return (0,)
    return struct.unpack_from(form, data, place)
