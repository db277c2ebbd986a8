"""Pixels of DICOM and NIfTI files, read by the children of :mod:`gyrus.imaging.child`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from gyrus.imaging.child import Reads, ask
from gyrus.imaging.kinds import kind_of_file
from gyrus.imaging.limits import Limits
from gyrus.imaging.pixel_file import PixelFile, from_description


def frame_of_scan(path: Path, frame: str, limits: Limits) -> bytes:
    """Return one image of a DICOM or NIfTI file as bytes that :func:`gyrus.imaging.decode` reads.

    Raises
    ------
    ImageError
        When the file cannot be read or has no such image.
    """
    reads: Reads = "dicom" if kind_of_file(path) == "dicom" else "nifti"
    return _pixels(reads, {"path": str(path.absolute()), "frame": frame}, b"", str(path), limits).to_bytes()


def frame_of_scan_bytes(data: bytes, kind: Reads, frame: str, name: str, limits: Limits) -> bytes:
    """Return one image of the bytes of a DICOM or NIfTI file; see :func:`frame_of_scan`."""
    return _pixels(kind, {"path": None, "frame": frame}, data, name, limits).to_bytes()


def decode_scan(data: bytes, kind: Literal["dicom", "nifti"], name: str, limits: Limits) -> PixelFile:
    """Decode the bytes of a DICOM or NIfTI file; of one that holds several images, the one in the middle.

    Raises
    ------
    ImageError
        When it cannot be read.
    """
    return _pixels(kind, {"path": None, "frame": ""}, data, name, limits)


def _pixels(reads: Reads, request: dict[str, Any], data: bytes, name: str, limits: Limits) -> PixelFile:
    described, numbers = ask(reads, {"do": "pixels", **request}, data, name=name, limits=limits)
    return from_description(described, numbers, name, limits)
