"""Hostile PNG, JPEG, TIFF, BMP, WebP and IDX files, and files that are two things at once."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

from PIL import Image

from bombs.parts import (
    MIB,
    chunk,
    dicom,
    gzipped,
    image_elements,
    pixel_element,
    png,
    zero_blocks,
    zlib_zeros,
)  # fmt: skip

_GREY = zlib.compress(b"".join(b"\0" + bytes(range(64)) for _ in range(64)))


def _good_png(*extra: bytes) -> bytes:
    return png(64, 64, _GREY, *extra)


def _good_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def png_bombs(scale: int) -> dict[str, bytes]:
    """Return PNG files by name; ``scale`` multiplies what they unpack to (16: as reported)."""
    megapixels = zlib_zeros(78)  # 9000 rows of 9001 bytes are 77.3 MiB
    text = zlib_zeros(8 * scale)
    frame = struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 1, 0, 0)
    frames = b"".join(chunk(b"fcTL", frame) for _ in range(5000))
    return {
        "81-megapixels.png": png(9000, 9000, megapixels),
        "lying-2147483647.png": png(2**31 - 1, 2**31 - 1, _GREY),
        "lying-narrow.png": png(50_000_000, 1, _GREY),
        "lying-7000.png": png(7000, 7000, _GREY),
        "lying-small.png": png(2, 2, zlib_zeros(4 * scale)),
        "zero.png": png(0, 0, _GREY),
        "text-bomb.png": _good_png(chunk(b"zTXt", b"Comment\0\0" + text)),
        "itxt-bomb.png": _good_png(chunk(b"iTXt", b"Comment\0\1\0\0\0" + text)),
        "profile-bomb.png": _good_png(chunk(b"iCCP", b"icc\0\0" + text)),
        "chunks-200000.png": _good_png(chunk(b"tEXt", b"a\0b") * 200_000),
        "chunk-length-lies.png": _good_png(struct.pack(">I", 0x7FFFFFFF) + b"tEXtabc"),
        "palette-missing.png": png(64, 64, _GREY, color=3),
        "depth-32.png": png(64, 64, _GREY, depth=32),
        "frames.png": _good_png(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)), frames),
        "sixteen-bit-colour-lies.png": png(6000, 6000, _GREY, depth=16, color=2),
        "sixteen-bit-colour-49-megapixels.png": png(7000, 7000, zlib_zeros(281), depth=16, color=2),
        "sixteen-bit-49-megapixels.png": png(7000, 7000, zlib_zeros(94), depth=16),
        "no-idat.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)),
        "exif-loop.png": _good_png(chunk(b"eXIf", exif_loop())),
    }


def exif_loop(kind: int = 0x8769) -> bytes:
    """Return EXIF data whose directory points to itself, by a tag and as its own successor."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHII", kind, 4, 1, 8)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + entries + struct.pack("<I", 8)


def _with_exif(exif: bytes) -> bytes:
    whole = _good_jpeg()
    block = b"Exif\0\0" + exif
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + whole[2:]


def jpeg_bombs(scale: int) -> dict[str, bytes]:
    """Return JPEG files by name."""
    whole = _good_jpeg()
    start = whole.index(b"\xff\xc0")
    large = bytearray(whole)
    struct.pack_into(">HH", large, start + 5, 65500, 65500)
    fits = bytearray(whole)
    struct.pack_into(">HH", fits, start + 5, 7000, 7000)
    none = bytearray(whole)
    struct.pack_into(">HH", none, start + 5, 0, 256)
    return {
        "exif-loop.jpg": _with_exif(exif_loop()),
        "exif-gps-loop.jpg": _with_exif(exif_loop(0x8825)),
        "exif-far.jpg": _with_exif(b"II*\0" + struct.pack("<I", 0xFFFFFFF0)),
        "exif-many.jpg": _with_exif(b"II*\0\x08\0\0\0\xff\xff" + bytes(60_000)),
        "exif-huge-value.jpg": _with_exif(
            b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x0112, 3, 0x7FFFFFFF, 20) + bytes(8)
        ),
        "lying-65500.jpg": bytes(large),
        "lying-7000.jpg": bytes(fits),
        "height-0.jpg": bytes(none),
        "scans.jpg": _scans(100 * scale),
        "markers-100000.jpg": whole[:2] + b"\xff\xfe\0\x02" * 100_000 + whole[2:],
        "fill-bytes.jpg": whole[:2] + b"\xff" * (2 * MIB) + whole[2:],
        "profile-pieces.jpg": whole[:2] + b"".join(
            b"\xff\xe2" + struct.pack(">H", 30) + b"ICC_PROFILE\0" + bytes((n % 255, 255)) + bytes(14)
            for n in range(2000)) + whole[2:],
        "cut-off.jpg": whole[: len(whole) // 2],
    }  # fmt: skip


def _scans(count: int) -> bytes:
    """Return a progressive JPEG with the last of its scans over and over: each costs as much as an image."""
    buffer = io.BytesIO()
    Image.new("L", (2048, 2048), 90).save(buffer, "JPEG", progressive=True, quality=20)
    whole = buffer.getvalue()
    last = whole.rindex(b"\xff\xda")
    before = whole.rindex(b"\xff\xc4", 0, last) if b"\xff\xc4" in whole[last - 200 : last] else last
    scan = whole[before:-2]
    return whole[:-2] + scan * count + b"\xff\xd9"


def _tiff(
    width: int, height: int, *tags: tuple[int, int, int, int], after: int = 0, data: bytes = b""
) -> bytes:
    """Return a TIFF of one directory; tags are (number, type, count, value or place)."""
    basic = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1),
    ]  # fmt: skip
    given = {tag[0] for tag in tags}
    entries = sorted([tag for tag in basic if tag[0] not in given] + list(tags))
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0"
        + struct.pack("<I", 8)
        + struct.pack("<H", len(entries))
        + body
        + struct.pack("<I", after)
        + data
    )


def tiff_bombs(scale: int) -> dict[str, bytes]:
    """Return TIFF files by name."""
    packed = zlib_zeros(8 * scale)
    place = 8 + 2 + 12 * 9 + 4
    deflate = (
        (259, 3, 1, 8), (273, 4, 1, place), (278, 4, 1, 7000), (279, 4, 1, len(packed)),
    )  # fmt: skip
    return {
        "directories-loop.tif": _tiff(64, 64, (259, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 64), after=8),
        "exif-loop.tif": _tiff(64, 64, (259, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 64), (34665, 4, 1, 8)),
        "sub-directories-loop.tif": _tiff(64, 64, (273, 4, 1, 8), (279, 4, 1, 64), (330, 4, 1, 8)),
        "lying-4294967295.tif": _tiff(2**32 - 1, 2**32 - 1, (273, 4, 1, 8), (279, 4, 1, 64)),
        "lying-7000.tif": _tiff(7000, 7000, (273, 4, 1, 8), (278, 4, 1, 7000), (279, 4, 1, 64)),
        "deflate-bomb.tif": _tiff(7000, 7000, *deflate, data=packed),
        "deflate-small.tif": _tiff(8, 8, *deflate, data=packed),
        "strips-many.tif": _tiff(64, 64, (273, 4, 2**31 - 1, 8), (279, 4, 2**31 - 1, 8)),
        "tiles-many.tif": _tiff(7000, 7000, (322, 4, 1, 1), (323, 4, 1, 1), (324, 4, 49_000_000, 8),
                                (325, 4, 49_000_000, 8)),
        "tags-65535.tif": b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 65000, 1, 1, 1) * 65535,
        "value-huge.tif": _tiff(64, 64, (270, 2, 0x7FFFFFFF, 8), (273, 4, 1, 8), (279, 4, 1, 64)),
        "samples-65535.tif": _tiff(64, 64, (277, 3, 1, 65535), (273, 4, 1, 8), (279, 4, 1, 64)),
        "bits-64-float.tif": _tiff(64, 64, (258, 3, 1, 64), (339, 3, 1, 3), (273, 4, 1, 8), (279, 4, 1, 64)),
        "big-tiff-far.tif": b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63 - 8),
        "palette-16-bits.tif": _tiff(64, 64, (262, 3, 1, 3), (320, 3, 196608, 8), (273, 4, 1, 8)),
    }  # fmt: skip


def other_bombs(scale: int) -> dict[str, bytes]:
    """Return BMP, WebP and IDX files, and archives that are none, by name."""
    bmp = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 0)
    head = b"BM" + struct.pack("<IHHI", 4000, 0, 0, 1078)

    rle = struct.pack("<IiiHHIIiiII", 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 256, 0)

    def sized(width: int, height: int, depth: int = 24, compression: int = 0) -> bytes:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, 0, 0, 0, 0, 0)
        return head + info + bytes(100)

    webp = struct.pack("<I", 10) + bytes((0, 0, 0, 0)) + (2**24 - 1).to_bytes(3, "little") * 2
    return {
        "lying.bmp": sized(60000, 60000),
        "height-least.bmp": sized(64, -(2**31)),
        "width-minus.bmp": sized(-64, 64),
        "rle-lies.bmp": head + rle + bytes(1024) + b"\xff\0" * 100,
        "rle-jumps.bmp": head + bmp + bytes(1024) + b"\0\2\xff\xff" * 5000,
        "depth-0.bmp": sized(64, 64, 0),
        "canvas-16-million.webp": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + webp,
        "size-lies.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 \xff\xff\xff\x7f" + bytes(40),
        "gzip-bomb-images-idx3-ubyte.gz": gzipped(
            b"\0\0\x08\x03" + struct.pack(">III", 1000, 28, 28), 64 * scale
        ),
        "lying-images-idx3-ubyte": b"\0\0\x08\x03" + struct.pack(">III", 2**31, 2**31, 2**31),
        "zeros.png": bytes(4096),
        "empty.dcm": b"",
        "deflate.png": zero_blocks(1) * 10,
        "gzip.jpg": gzip.compress(_good_jpeg(), mtime=0),
    }  # fmt: skip


def polyglots() -> dict[str, bytes]:
    """Return files that are two things at once, by name."""
    body = image_elements() + pixel_element(bytes(8192))
    scan = dicom(body)
    good = _good_png()
    with_mark = bytearray(_good_png(chunk(b"tEXt", b"a\0" + bytes(400))))
    mark = with_mark.index(b"tEXt") + 6
    with_mark[128:132] = b"DICM"
    assert mark < 128
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    return {
        "png-and-dicom.png": bytes(with_mark),
        "png-and-dicom.dcm": dicom(body, preamble=good[:128]),
        "png-then-zip.png": good + archive,
        "png-then-page.png": good + b"<html><script>alert(1)</script>",
        "jpeg-then-zip.jpg": _good_jpeg() + archive,
        "jpeg-and-dicom.dcm": dicom(body, preamble=_good_jpeg()[:128]),
        "gif-and-dicom.dcm": dicom(body, preamble=b"GIF89a" + bytes(60)),
        "zip-and-dicom.dcm": dicom(body, preamble=archive),
        "bmp-and-dicom.dcm": dicom(body, preamble=b"BM" + bytes(60)),
        "tiff-and-nifti.nii": b"II*\0\x08\0\0\0" + bytes(336) + b"n+1\0" + bytes(4096),
        "dicom-and-nifti.nii": scan[:344] + b"n+1\0" + scan[348:],
        "dicom-in-gzip.nii.gz": gzip.compress(scan, mtime=0),
        "page-as-image.png": b"<!doctype html><script>alert(1)</script>",
        "pointer.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:"
        + b"0" * 64
        + b"\nsize 12345\n",
    }
