"""Why a file cannot be read as an image, told by its bytes: for whoever has to mend it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Literal

from gyrus.errors import ImageError
from gyrus.imaging.decoding import decode
from gyrus.imaging.kinds import kind_of
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.source import read_file

Damage = Literal["missing", "unreadable", "empty", "too_large", "not_an_image", "truncated", "corrupt"]

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"II*\x00", "TIFF"), (b"MM\x00*", "TIFF"),
)  # fmt: skip
_GZIP = b"\x1f\x8b"
BEGINNING_BYTES = 352
_STRIPS = ((273, 279), (324, 325))  # tags of the offsets and lengths of strips, and of tiles
_STRIP_TAGS = frozenset(tag for pair in _STRIPS for tag in pair)


def image_format(start: bytes) -> str:
    """Return the format (``PNG``, ``JPEG``, ``TIFF``, ``BMP``, ``WEBP``, ``DICOM``, ``NIFTI``) that a file
    begins like, or ``""``.

    Parameters
    ----------
    start : bytes
        The first :data:`BEGINNING_BYTES` of the file, or more.
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    kind = kind_of(start)
    if kind in ("dicom", "nifti") and not start.startswith(_GZIP):  # a gzipped file may be anything
        return kind.upper()
    if start[:2] == b"BM" and start[6:10] == b"\0\0\0\0":  # two letters alone begin many a text
        return "BMP"
    return next((name for beginning, name in _BEGINNINGS if start.startswith(beginning)), "")


def damage_of(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Damage | None:
    """Return what is wrong with an image file; None when it can be read.

    ``missing``, ``unreadable`` (no permission, no regular file), ``empty`` (zero bytes), ``too_large``
    (outside the limits), ``not_an_image`` (another kind of file), ``truncated`` (its end is missing),
    ``corrupt``.
    """
    if not path.exists():
        return "missing"
    try:
        data = read_file(path, limits=limits)
    except ImageError:
        return _unread(path, limits)
    try:
        decode(data, name=path.name, limits=limits)
    except ImageError as error:
        return damage_of_bytes(data, error)
    return None


def _unread(path: Path, limits: Limits) -> Damage:
    if not path.is_file():
        return "unreadable"
    size = path.stat().st_size
    return "empty" if size == 0 else "too_large" if size > limits.max_file_bytes else "unreadable"


def damage_of_bytes(data: bytes, error: ImageError) -> Damage:
    """Return the damage of the bytes of a file that could not be decoded."""
    if "the limit is" in error.message or "too many pixels" in error.message:
        return "too_large"
    kind = image_format(data)
    if kind_of(data) in ("dicom", "nifti"):
        return _damage_of_scan(error.message)
    if not kind:
        return "not_an_image"
    ends_early = {"PNG": _png, "JPEG": _jpeg, "BMP": _bmp, "WEBP": _webp, "TIFF": _tiff}[kind]
    return "truncated" if ends_early(data) or "truncated" in error.message.rpartition("(")[2] else "corrupt"


def _damage_of_scan(message: str) -> Damage:
    if "truncated" in message or "cut off" in message:
        return "truncated"
    no_image = ("without PixelData", "DICOMDIR", "is no NIfTI file", "no DICOM file")
    return "not_an_image" if any(words in message for words in no_image) else "corrupt"


def _png(data: bytes) -> bool:
    """Tell whether the chain of chunks breaks off before the one that ends it."""
    position = 8
    while position + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        if name == b"IEND":
            return False
        position += 12 + length
    return True


def _jpeg(data: bytes) -> bool:
    """Tell whether the mark of the end is missing after the last scan (a thumbnail has marks of its own)."""
    scan = data.rfind(b"\xff\xda")
    return scan < 0 or data.find(b"\xff\xd9", scan) < 0


def _bmp(data: bytes) -> bool:
    return int.from_bytes(data[2:6], "little") > len(data)


def _webp(data: bytes) -> bool:
    return int.from_bytes(data[4:8], "little") + 8 > len(data)


def _tiff(data: bytes) -> bool:
    """Tell whether the directory of tags, or a strip or tile that it names, lies beyond the end."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"

    def number(place: int, size: int) -> int:
        return int.from_bytes(data[place : place + size], order)

    directory = number(4, 4)
    entries = range(directory + 2, directory + 2 + 12 * number(directory, 2), 12)
    if directory + 2 > len(data) or entries.stop > len(data):
        return True
    values: dict[int, list[int]] = {}
    for entry in entries:
        tag, size = number(entry, 2), {3: 2, 4: 4}.get(number(entry + 2, 2), 0)
        if tag not in _STRIP_TAGS or not size:
            continue
        count = number(entry + 4, 4)
        first = entry + 8 if count * size <= 4 else number(entry + 8, 4)
        if first + count * size > len(data):
            return True
        values[tag] = [number(place, size) for place in range(first, first + count * size, size)]
    return any(
        start + length > len(data)
        for offsets, lengths in _STRIPS
        for start, length in zip(values.get(offsets, ()), values.get(lengths, ()), strict=False)
    )
