"""Hostile DICOM and NIfTI files."""

from __future__ import annotations

import io
import struct
import zipfile

from bombs.parts import (
    DEFLATED,
    JPEG,
    JPEG_2000,
    MIB,
    RLE,
    UNDEFINED,
    deflated,
    dicom,
    element,
    fragments,
    gzipped,
    image_elements,
    nifti,
    pixel_element,
    short,
)  # fmt: skip

_PIXELS = bytes(64 * 64 * 2)


def _plain(**changes: int) -> bytes:
    return image_elements(**changes) + pixel_element(_PIXELS)  # type: ignore[arg-type]


def _nested(depth: int, *, defined: bool = False) -> bytes:
    """Return sequences within sequences, ended by nothing or by their delimiters."""
    start = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, UNDEFINED) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, UNDEFINED
    )
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return start * depth + (ends * depth if not defined else b"")


def _rle(rows: int, columns: int, frames: int) -> bytes:
    """Return PackBits runs: two bytes make 128."""
    run = b"\x81\x00" * (rows * columns // 128)
    header = struct.pack("<16I", 2, 64, 64 + len(run), *[0] * 13)
    return fragments(*[header + run + run] * frames)


def _jpeg(width: int, height: int) -> bytes:
    """Return the start of a JPEG that says it is this large."""
    frame = struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)
    return (
        b"\xff\xd8\xff\xc0"
        + struct.pack(">H", len(frame) + 2)
        + frame
        + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
        + bytes(400)
    )


def _j2k(width: int, height: int) -> bytes:
    """Return the start of a JPEG 2000 stream that says it is this large."""
    size = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, width, height, 0, 0, 1) + b"\x0f\x01\x01"
    cod = struct.pack(">BBHBBBBBB", 0, 0, 1, 0, 5, 4, 4, 0, 1)
    tile = struct.pack(">HHIBB", 10, 0, 0, 0, 1)
    parts = (
        b"\xff\x4f", b"\xff\x51", struct.pack(">H", len(size) + 2), size,
        b"\xff\x52", struct.pack(">H", len(cod) + 2), cod,
        b"\xff\x5c\0\x13\x40", bytes(16), b"\xff\x90", tile, b"\xff\x93", bytes(64), b"\xff\xd9",
    )  # fmt: skip
    return b"".join(parts)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        for name, data in members.items():
            opened.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def dicom_bombs(scale: int) -> dict[str, bytes]:
    """Return DICOM files by name; ``scale`` multiplies what they unpack to (16: as reported)."""
    body = image_elements(rows=40000, columns=40000)
    size = 100 * scale * MIB
    lying = {
        "rows-65535.dcm": image_elements(65535, 65535) + pixel_element(_PIXELS),
        "rows-0.dcm": image_elements(0, 0) + pixel_element(_PIXELS),
        "too-few-pixels.dcm": image_elements(64, 65) + pixel_element(_PIXELS),
        "frames-2147483647.dcm": image_elements(frames="2147483647") + pixel_element(_PIXELS),
        "frames-minus.dcm": image_elements(frames="-5") + pixel_element(_PIXELS),
        "frames-text.dcm": image_elements(frames="many") + pixel_element(_PIXELS),
        "bits-7.dcm": image_elements(bits=7) + pixel_element(_PIXELS),
        "bits-64.dcm": image_elements(bits=64) + pixel_element(_PIXELS),
        "samples-3.dcm": image_elements(samples=3, bits=8) + pixel_element(_PIXELS),
        "samples-250.dcm": image_elements(samples=250) + pixel_element(_PIXELS),
        "no-pixels.dcm": image_elements(),
        "length-4-gigabytes.dcm": image_elements() + pixel_element(_PIXELS, 0xFFFFFFF0),
        "length-odd.dcm": image_elements() + pixel_element(_PIXELS, 8191),
        "fragments-without-end.dcm": image_elements() + fragments(bytes(64), end=False),
    }
    files = {name: dicom(data) for name, data in lying.items()}
    files |= {
        "deflated.dcm": dicom(deflated(body + pixel_element(b"", size), 100 * scale), DEFLATED),
        "deflated-text.dcm": dicom(
            deflated(element(0x0008, 0x1030, b"UT", b"", size), 100 * scale), DEFLATED
        ),
        "deflated-cut-off.dcm": dicom(deflated(body, 50 * scale, end=False)[:-9], DEFLATED),
        "rle-one-frame.dcm": dicom(image_elements(16384, 16384) + _rle(16384, 16384, 1), RLE),
        "rle-frames.dcm": dicom(
            image_elements(2048, 2048, frames=str(6 * scale)) + _rle(2048, 2048, 6 * scale), RLE
        ),
        "rle-lies.dcm": dicom(image_elements() + _rle(8192, 8192, 1), RLE),
        "jpeg-inside-65500.dcm": dicom(image_elements(bits=8) + fragments(_jpeg(65500, 65500)), JPEG),
        "j2k-inside-60000.dcm": dicom(image_elements() + fragments(_j2k(60000, 60000)), JPEG_2000),
        "j2k-inside-2147483647.dcm": dicom(
            image_elements() + fragments(_j2k(2**31 - 1, 2**31 - 1)), JPEG_2000
        ),
        "nested-3000.dcm": dicom(_nested(3000) + _plain()),
        "nested-100000.dcm": dicom(_nested(100_000) + _plain()),
        "nested-open.dcm": dicom(_nested(3000, defined=True)),
        "elements-300000.dcm": dicom(short(0x0009, 0x1001, 1) * 300_000 + _plain()),
        "fragments-200000.dcm": dicom(image_elements(bits=8) + fragments(*[b"\0\0"] * 200_000), JPEG),
        "syntax-unknown.dcm": dicom(_plain(), "1.2.3.4.5"),
        "syntax-empty.dcm": dicom(_plain(), ""),
        "mz-preamble.dcm": dicom(_plain(), preamble=b"MZ\x90\0" + bytes(56) + b"\x80\0\0\0"),
        "elf-preamble.dcm": dicom(_plain(), preamble=b"\x7fELF\2\1\1"),
        "script-preamble.dcm": dicom(_plain(), preamble=b"#!/bin/sh\nexit 1\n#"),
        "pdf-preamble.dcm": dicom(_plain(), preamble=b"%PDF-1.4\n1 0 obj<</Length 9999>>stream\n"),
        "page-preamble.dcm": dicom(_plain(), preamble=b"<html><script>alert(1)</script><!--"),
        "tiff-preamble.dcm": dicom(_plain(), preamble=b"II*\0\x08\0\0\0"),
        "preamble-only.dcm": bytes(128) + b"DICM",
        "meta-length-lies.dcm": bytes(128)
        + b"DICM"
        + element(0x0002, 0, b"UL", b"\xff\xff\xff\xff")
        + _plain(),
        "series-bomb.zip": _zip({"a.dcm": dicom(_plain()), "b.dcm": bytes(64 * scale * MIB)}),
        "series-outside.zip": _zip({"../../outside.dcm": dicom(_plain()), "/abs.dcm": dicom(_plain())}),
        "series-in-zip.zip": _zip({"a.zip": _zip({"a.dcm": dicom(_plain())})}),
    }
    return files


def nifti_bombs(scale: int) -> dict[str, bytes]:
    """Return NIfTI files by name."""
    voxels = bytes(8 * 8 * 8 * 2)
    deep = (512, 512, 32 * scale)
    return {
        "gzip-bomb.nii.gz": gzipped(nifti(deep, 64, 64), 64 * scale),
        "gzip-beyond-header.nii.gz": gzipped(nifti((8, 8, 8)), 64 * scale),
        "gzip-extension.nii.gz": gzipped(
            nifti((8, 8, 8), offset=1.9e9, extension=b"\1\0\0\0" + struct.pack("<ii", 0x7FFFFFF0, 4)),
            64 * scale,
        ),
        "gzip-cut-off.nii.gz": gzipped(nifti((8, 8, 8)), 16)[:-5],
        "gzip-in-gzip.nii.gz": gzipped(gzipped(nifti((8, 8, 8)), 16), 0),
        "gzip-of-text.nii.gz": gzipped(b"no volume", 0),
        "lying-32767.nii": nifti((32767, 32767, 32767)) + voxels,
        "lying-7-dimensions.nii": nifti((32767,) * 7) + voxels,
        "minus.nii": nifti((-8, 8, 8)) + voxels,
        "zero.nii": nifti((0, 8, 8)) + voxels,
        "dimensions-9.nii": nifti((8, 8, 8), dimensions=9) + voxels,
        "dimensions-minus.nii": nifti((8, 8, 8), dimensions=-3) + voxels,
        "five-dimensions.nii": nifti((4, 4, 4, 2, 4)) + voxels,
        "one-slice.nii": nifti((16, 16)) + voxels,
        "type-unknown.nii": nifti((8, 8, 8), kind=999) + voxels,
        "type-complex.nii": nifti((8, 8, 8), kind=1792, bits=128) + voxels * 8,
        "bits-lie.nii": nifti((8, 8, 8), kind=4, bits=1) + voxels,
        "affine-nan.nii": nifti((8, 8, 8), affine=float("nan")) + voxels,
        "affine-zero.nii": nifti((8, 8, 8), affine=0.0) + voxels,
        "slope-zero.nii": nifti((8, 8, 8), slope=0.0) + voxels,
        "slope-nan.nii": nifti((8, 8, 8), slope=float("nan")) + voxels,
        "slope-infinite.nii": nifti((8, 8, 8), slope=float("inf")) + voxels,
        "slope-huge.nii": nifti((8, 8, 8), slope=3e38) + b"\xff\x7f" * 512,
        "offset-minus.nii": nifti((8, 8, 8), offset=-1e9) + voxels,
        "offset-far.nii": nifti((8, 8, 8), offset=1e9) + voxels,
        "offset-nan.nii": nifti((8, 8, 8), offset=float("nan")) + voxels,
        "extension-far.nii": nifti((8, 8, 8), extension=b"\1\0\0\0" + struct.pack("<ii", 0x7FFFFFF0, 4))
        + voxels,
        "extension-minus.nii": nifti((8, 8, 8), extension=b"\1\0\0\0" + struct.pack("<ii", -16, 4)) + voxels,
        "cut-off.nii": nifti((8, 8, 8))[:200],
        "nan-voxels.nii": nifti((8, 8, 4), 16, 32) + struct.pack("<f", float("nan")) * 256,
    }
