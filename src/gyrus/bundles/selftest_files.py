"""The images of the self-test: PNG files that hold pixels and nothing else, within the size of an image.

A decoder reads them later; here the chunks are walked (PNG specification, third edition, sections 5 and 11),
so that no text, profile, trailing file or size beyond reason reaches it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from gyrus.bundles import canonical_json
from gyrus.errors import BundleError

_FIX = "export the model again"
FOLDER = "selftest/"
LARGEST_SIDE_PX = 4096
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER, _PIXELS, _END = b"IHDR", b"IDAT", b"IEND"
_GREY, _RGB = 0, 2
_LENGTH = struct.Struct(">I")
_SIZE = struct.Struct(">IIBBBBB")


def check_selftest(members: Mapping[str, bytes]) -> None:
    """Check the form of all members ``selftest/…``.

    Raises
    ------
    BundleError
        For an image that is more, or something else, than pixels of 8 bits; for JSON in another form.
    """
    for name, data in members.items():
        if not name.startswith(FOLDER):
            continue
        try:
            if name.endswith(".json"):
                canonical_json.load(data)
            else:
                _check_png(memoryview(data))
        except ValueError as error:
            raise BundleError(
                f"member {name} cannot be used: {error}", fix="export the model again"
            ) from error


def _check_png(data: memoryview) -> None:
    if data[: len(_SIGNATURE)] != _SIGNATURE:
        raise ValueError("it is no PNG")
    position, kinds = len(_SIGNATURE), list[bytes]()
    while position < len(data):
        kind, body, position = _chunk(data, position)
        if kind == _HEADER and not kinds:
            _check_size(body)
        elif kind == _END and kinds[-1:] == [_PIXELS] and not body and position == len(data):
            return
        elif kind != _PIXELS or not kinds:
            raise ValueError(f"it holds a part {kind!r} where only pixels belong")
        kinds.append(kind)
    raise ValueError("it is cut off")


def _chunk(data: memoryview, position: int) -> tuple[bytes, memoryview, int]:
    if len(data) - position < 12:
        raise ValueError("it is cut off")
    (size,) = _LENGTH.unpack_from(data, position)
    start = position + 8
    if size > len(data) - start - 4:
        raise ValueError("it is cut off")
    body = data[start : start + size]
    if zlib.crc32(data[position + 4 : start + size]) != _LENGTH.unpack_from(data, start + size)[0]:
        raise ValueError("a part of it has a wrong checksum")
    return bytes(data[position + 4 : start]), body, start + size + 4


def _check_size(body: memoryview) -> None:
    if len(body) != _SIZE.size:
        raise ValueError("its header has a wrong length")
    width, height, depth, kind, packing, filters, interlace = _SIZE.unpack(body)
    if not (1 <= width <= LARGEST_SIDE_PX and 1 <= height <= LARGEST_SIDE_PX):
        raise ValueError(f"it is {width} x {height} pixels; at most {LARGEST_SIDE_PX} each way are allowed")
    if (depth, packing, filters, interlace) != (8, 0, 0, 0) or kind not in (_GREY, _RGB):
        raise ValueError("it is not grey or RGB with 8 bits, without interlace")
