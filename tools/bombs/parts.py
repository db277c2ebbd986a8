"""Pieces that bombs are made of: compressed zeros without end, DICOM elements, NIfTI headers, PNG chunks."""

from __future__ import annotations

import functools
import gzip
import struct
import zlib

MIB = 1 << 20
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4.50"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
_LONG_FORM = frozenset({b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"UC", b"UR", b"OD", b"OL"})
UNDEFINED = 0xFFFFFFFF


@functools.cache
def zero_blocks(mebibytes: int) -> bytes:
    """Return raw deflate blocks of that many MiB of zeros; after a full flush they can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(bytes(mebibytes * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)) if mebibytes else b""


def deflated(start: bytes, zeros_mib: int, *, end: bool = True) -> bytes:
    """Return a raw deflate stream of ``start`` and zeros, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = zlib.compressobj(9, zlib.DEFLATED, -15).flush() if end else b""
    return head + zero_blocks(1) * zeros_mib + tail


def gzipped(start: bytes, zeros_mib: int) -> bytes:
    """Return a gzip file of ``start`` and zeros, in members of 16 MiB."""
    member = gzip.compress(bytes(16 * MIB), 9, mtime=0)
    return gzip.compress(start, 9, mtime=0) + member * (zeros_mib // 16)


def element(group: int, number: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    """Return a DICOM element in explicit VR, little endian; ``length`` is what it says of itself."""
    said = len(value) + len(value) % 2 if length is None else length
    value += b"\0" * (len(value) % 2) if length is None else b""
    form = "<HH2sHI" if kind in _LONG_FORM else "<HH2sH"
    parts = (group, number, kind, 0, said) if kind in _LONG_FORM else (group, number, kind, said & 0xFFFF)
    return struct.pack(form, *parts) + value


def short(group: int, number: int, value: int) -> bytes:
    return element(group, number, b"US", struct.pack("<H", value))


def image_elements(
    rows: int = 64, columns: int = 64, bits: int = 16, frames: str = "", samples: int = 1
) -> bytes:
    """Return the elements that describe an MR image, up to its pixels."""
    return b"".join((
        element(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.4"),
        element(0x0008, 0x0018, b"UI", b"1.2.3.4.5.6"),
        element(0x0008, 0x0060, b"CS", b"MR"),
        short(0x0028, 0x0002, samples),
        element(0x0028, 0x0004, b"CS", b"RGB" if samples == 3 else b"MONOCHROME2"),
        short(0x0028, 0x0006, 0) if samples == 3 else b"",
        element(0x0028, 0x0008, b"IS", frames.encode()) if frames else b"",
        short(0x0028, 0x0010, rows), short(0x0028, 0x0011, columns),
        short(0x0028, 0x0100, bits), short(0x0028, 0x0101, bits), short(0x0028, 0x0102, bits - 1),
        short(0x0028, 0x0103, 0),
    ))  # fmt: skip


def pixel_element(value: bytes, length: int | None = None) -> bytes:
    return element(0x7FE0, 0x0010, b"OW", value, length)


def fragments(*items: bytes, end: bool = True) -> bytes:
    """Return encapsulated pixels: an empty offset table, then the fragments."""
    parts = [
        struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED),
        struct.pack("<HHI", 0xFFFE, 0xE000, 0),
    ]
    for item in items:
        parts.append(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
    return b"".join(parts) + (struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) if end else b"")


def dicom(body: bytes, syntax: str = EXPLICIT, preamble: bytes = b"") -> bytes:
    """Return a DICOM file: preamble, mark, meta information, body."""
    meta = b"".join((
        element(0x0002, 0x0001, b"OB", b"\0\1"),
        element(0x0002, 0x0002, b"UI", b"1.2.840.10008.5.1.4.1.1.4"),
        element(0x0002, 0x0003, b"UI", b"1.2.3.4.5.6"),
        element(0x0002, 0x0010, b"UI", syntax.encode()),
        element(0x0002, 0x0012, b"UI", b"1.2.3.4"),
    ))  # fmt: skip
    size = element(0x0002, 0x0000, b"UL", struct.pack("<I", len(meta)))
    return preamble[:128].ljust(128, b"\0") + b"DICM" + size + meta + body


def nifti(
    shape: tuple[int, ...], kind: int = 4, bits: int = 16, *, offset: float = 352.0, slope: float = 1.0,
    affine: float = 1.0, extension: bytes = b"\0\0\0\0", dimensions: int | None = None,
) -> bytes:  # fmt: skip
    """Return the header of a NIfTI-1 file (type 4: int16); what it says need not be true."""
    sizes = [len(shape) if dimensions is None else dimensions, *shape]
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, *(sizes + [1] * 8)[:8])
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, 1, *[1] * 7)
    struct.pack_into("<fff", header, 108, offset, slope, 0.0)
    struct.pack_into("<hh", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, affine, 0, 0, 0, 0, affine, 0, 0, 0, 0, affine, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + extension


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, idat: bytes, *extra: bytes, depth: int = 8, color: int = 0) -> bytes:
    """Return a PNG of these sizes with any compressed data."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"".join((
        b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *extra, chunk(b"IDAT", idat), chunk(b"IEND", b"")
    ))  # fmt: skip


def zlib_zeros(mebibytes: int) -> bytes:
    """Return a zlib stream of zeros (its checksum is that of the zeros)."""
    size = mebibytes * MIB
    check = ((size % 65521) << 16) | 1  # Adler-32 of zeros
    last = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    return b"\x78\xda" + zero_blocks(1) * mebibytes + last + struct.pack(">I", check)
