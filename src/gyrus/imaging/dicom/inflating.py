"""Deflated DICOM files, unpacked within a limit before any library sees them."""

from __future__ import annotations

import struct
import zlib

from gyrus.errors import ImageError
from gyrus.imaging.limits import Limits

_META_START = 144  # preamble, mark, and the element that tells how long the rest of the meta group is
_GROUP_LENGTH = b"\x02\0\0\0UL\x04\0"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PLAIN = b"1.2.840.10008.1.2.1".ljust(len(_DEFLATED), b"\0")


def inflated(data: bytes, limits: Limits) -> bytes:
    """Return a deflated file (Deflated Explicit VR Little Endian) as a plain one; others as they are.

    Raises
    ------
    ImageError
        When it unpacks to more than a file may have, or is damaged.
    """
    if data[132:140] != _GROUP_LENGTH:
        return data
    end = _META_START + int(struct.unpack("<I", data[140:_META_START])[0])
    meta = data[:end]
    if end > len(data) or _DEFLATED not in meta:
        return data
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = unpacking.decompress(data[end:], limits.max_file_bytes)
    except zlib.error as error:
        raise ImageError("is damaged: it cannot be inflated", fix="copy the file again") from error
    if unpacking.unconsumed_tail:
        raise ImageError(
            f"unpacks to more bytes than the limit of {limits.max_file_bytes:,}", fix="store it smaller"
        )
    return meta.replace(_DEFLATED, _PLAIN) + body
