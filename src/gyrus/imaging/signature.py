"""What a file that is no readable image seems to be, for the error message."""

from __future__ import annotations

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file (NIfTI?)"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"\x89HDF", "an HDF5 or MATLAB file"),
    (b"MATLAB", "a MATLAB file"),
    (b"version https://git-lfs", "a Git LFS pointer: the image itself was not downloaded"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"<!doctype", "a web page, perhaps an error page saved as an image"),
    (b"<html", "a web page, perhaps an error page saved as an image"),
    (b"<?xml", "XML or SVG"),
    (b"<svg", "SVG"),
)


def looks_like(data: bytes) -> str:
    """Say in a few words what ``data`` seems to be, judged by its first bytes."""
    start = data[:64].lstrip()
    for beginning, name in _BEGINNINGS:
        if start.lower().startswith(beginning.lower()) or data.startswith(beginning):
            return name
    if data[128:132] == b"DICM":
        return "a DICOM file"
    if data[4:12] in (b"ftypheic", b"ftypavif", b"ftypmif1"):
        return "a HEIC or AVIF"
    if not any(data):
        return "nothing but zeros"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in data[:64]):
        return f"text ({data[:24].decode('ascii')!r}…)"
    return f"unknown (first bytes {data[:8].hex(' ')})"
