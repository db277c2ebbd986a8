"""The common kind of JPEG file, decoded without detours: bytes to pixels in one step, grey where it is grey.

Most images of public sets are grey and stored as colour. Decoding them to RGB only to find three equal
channels takes half as long again as decoding the luma alone. An encoder that optimises its Huffman tables
leaves a proof in the header, though: when the tables of both chroma components hold no symbol but 0 ("no
difference", "end of block"; ITU-T T.81, F.1.2), every chroma coefficient of the file is zero, both chroma
planes are 128 throughout, and red, green and blue equal the luma. Where the header proves nothing, the pixels
are compared.

What is decoded here has the very pixels that :func:`PIL.Image.open` gives. Everything uncommon (EXIF, colour
profiles, comments, progressive, a missing end) is left to it.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

_BEGINNING = b"\xff\xd8\xff\xe0"
_END = b"\xff\xd9"
_JFIF, _TABLES, _FRAME, _HUFFMAN, _SCAN = 0xE0, 0xDB, 0xC0, 0xC4, 0xDA
_JFIF_BYTES = 14
_EIGHT_BITS = b"\x08"
_COMPONENTS = (b"\1", b"\3")
_SAMPLINGS = frozenset(
    luma + chroma for luma in (b"\x11", b"\x12", b"\x21", b"\x22") for chroma in (b"", b"\x11\x11")
)
_NUMBERS = b"\0\1\2\3"  # of tables
_WHOLE_SCAN = b"\0\x3f\0"  # all coefficients, all bits
_WORD = np.dtype("<u4")  # red is the lowest byte on any machine
_SWATCH = 77


@dataclass(frozen=True, slots=True)
class PlainHeader:
    """What the header of a baseline JPEG file with nothing but a picture tells.

    Attributes
    ----------
    width, height : int
        In pixels.
    components : int
        1 (grey) or 3 (luma and two of chroma).
    proves_grey : bool
        Whether the Huffman tables of chroma can only say zero.
    header_bytes : int
        Where the coefficients begin.
    """

    width: int
    height: int
    components: int
    proves_grey: bool
    header_bytes: int


def plain_header(data: bytes) -> PlainHeader | None:
    """Return the header of a file; None where it holds anything uncommon.

    Parameters
    ----------
    data : bytes
        The whole file.
    """
    if not data.startswith(_BEGINNING) or not data.endswith(_END):
        return None
    frame, symbols = b"", dict[int, bytes]()
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position + 4 : end]
        if end > len(data):
            return None
        if marker == _SCAN:
            return _joined(frame, symbols, segment, end)
        if marker == _JFIF and position == 2:
            fits = segment.startswith(b"JFIF\0") and len(segment) == _JFIF_BYTES
        elif marker == _TABLES:
            fits = bool(segment) and len(segment) % 65 == 0 and not segment[::65].strip(_NUMBERS)
        elif marker == _HUFFMAN:
            fits = _take_symbols(segment, symbols)
        elif marker == _FRAME and not frame:
            frame, fits = segment, True
        else:
            fits = False
        if not fits:
            return None
        position = end
    return None


def decode_plain(data: bytes, header: PlainHeader) -> npt.NDArray[np.uint8] | None:
    """Return the pixels of a file with this header, (height, width) or (height, width, 3).

    None where they cannot be decoded, or not without Pillow's usual way.
    """
    if not _decodes_into_memory():
        return None
    grey = header.components == 1 or header.proves_grey
    try:
        return (_decode_grey if grey else _decode_colour)(data, header.height, header.width)
    except (ValueError, OSError):  # damaged: the usual way finds the words for it
        return None


def _joined(frame: bytes, symbols: dict[int, bytes], scan: bytes, end: int) -> PlainHeader | None:
    """Return the header, if frame and first scan are those of a common baseline file."""
    if frame[:1] != _EIGHT_BITS or frame[5:6] not in _COMPONENTS or len(frame) != 6 + 3 * frame[5]:
        return None
    components, ids, chosen = frame[5], frame[6::3], scan[2:-3:2]
    if frame[7::3] not in _SAMPLINGS or frame[8::3].strip(_NUMBERS) or len(set(ids)) != components:
        return None
    if scan[:1] != frame[5:6] or scan[1:-3:2] != ids or scan[-3:] != _WHOLE_SCAN or len(chosen) != components:
        return None
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not height or not width:
        return None
    proves_grey = components == 3 and all(
        _says_only_zero(symbols.get(pair >> 4)) and _says_only_zero(symbols.get(0x10 | pair & 15))
        for pair in set(chosen[1:])
    )
    return PlainHeader(width, height, components, proves_grey, end)


def _take_symbols(segment: bytes, symbols: dict[int, bytes]) -> bool:
    """Add the symbols of each table of a DHT segment; return whether its lengths fit."""
    while segment:
        count = sum(segment[1:17])
        if len(segment) < 17 + count or segment[0] & 0xEC:
            return False
        symbols[segment[0]] = segment[17 : 17 + count]
        segment = segment[17 + count :]
    return True


def _says_only_zero(symbols: bytes | None) -> bool:
    return symbols is not None and symbols != b"" and not symbols.strip(b"\0")


def _decode_grey(data: bytes, height: int, width: int) -> npt.NDArray[np.uint8]:
    pixels = np.empty((height, width), np.uint8)
    Image.frombuffer("L", (width, height), pixels, "raw", "L", 0, 1).frombytes(data, "jpeg", "L", "")
    return pixels


def _decode_colour(data: bytes, height: int, width: int) -> npt.NDArray[np.uint8]:
    words = np.empty((height, width), _WORD)  # red, green, blue and a byte that means nothing
    image = Image.frombuffer("RGBX", (width, height), words, "raw", "RGBX", 0, 1)
    image.frombytes(data, "jpeg", "RGBX", "")
    if _channels_differ(words[:: max(1, height // 8)]) or _channels_differ(words):
        return np.frombuffer(image.tobytes("raw", "RGB"), np.uint8).reshape(height, width, 3)
    return words.astype(np.uint8)


def _channels_differ(words: npt.NDArray[np.uint32]) -> bool:
    """Tell whether red, green and blue differ anywhere; a few rows first find most that do."""
    colours = np.ascontiguousarray(words).reshape(-1).view(np.uint8)
    equal = colours[:-4] == colours[1:-3]  # each with the next; the last pixel has none behind its last byte
    # of each pixel the first two answers count: red against green, green against blue
    together = int(np.bitwise_and.reduce(equal.view(_WORD)))
    return together & 0x0101 != 0x0101 or len({*colours[-4:-1].tolist()}) > 1


@functools.cache
def _decodes_into_memory() -> bool:
    """Tell whether this Pillow decodes into the memory that an image was made from, without a copy.

    It is documented for ``frombuffer`` and holds for ``frombytes``; should a future version copy before it
    writes, the pixels would never arrive.
    """
    stream = io.BytesIO()
    Image.new("L", (8, 8), _SWATCH).save(stream, "JPEG")
    pixels = np.zeros((8, 8), np.uint8)
    image = Image.frombuffer("L", (8, 8), pixels, "raw", "L", 0, 1)
    image.frombytes(stream.getvalue(), "jpeg", "L", "")
    return bool((pixels == _SWATCH).all())
