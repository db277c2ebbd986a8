"""What kind of file it is: told by its first bytes, never by its name alone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

Kind = Literal["image", "idx", "dicom", "nifti", "nothing"]

BEGINNING_BYTES = 352
"""How much of a file's beginning tells its kind."""
SCAN_SUFFIXES = frozenset({".dcm", ".dicom", ".ima", ".nii", ".nii.gz"})
"""Endings of DICOM and NIfTI files. Many DICOM files have none, or digits that belong to an identifier."""
DICOMDIR = "dicomdir"
_GZIP = b"\x1f\x8b"
_NIFTI = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")
_HEADER_SIZES = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
_IDX = bytes((0, 0, 8))
_VALUE_TYPES = frozenset((
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "OB", "OD", "OF", "OL",
    "OV", "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US",
    "UT", "UV",
))  # fmt: skip
# beginnings that a preamble must not have: the file would be run, or shown, as something else
_OTHER_LIVES = (
    (b"MZ", "a Windows program"), (b"\x7fELF", "a Linux program"), (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS program"), (b"#!", "a script"), (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"), (b"\x89PNG", "a PNG"), (b"\xff\xd8\xff", "a JPEG"), (b"GIF8", "a GIF"),
    (b"BM", "a BMP"), (b"RIFF", "a RIFF file"), (b"<", "a web page"),
)  # fmt: skip


def kind_of(start: bytes) -> Kind:
    """Return the kind of a file that begins like this; ``nothing`` for an empty one.

    Parameters
    ----------
    start : bytes
        Its first :data:`BEGINNING_BYTES`, or more.

    Returns
    -------
    str
        ``dicom``, ``nifti`` (also gzipped: no other gzipped images but IDX files are read, and those are
        told by their names), ``idx``, ``nothing``, or ``image`` for everything that Pillow is to judge.
    """
    if not start:
        return "nothing"
    if start[128:132] == b"DICM" or _is_bare_dicom(start):
        return "dicom"
    if start.startswith(_GZIP) or (
        start[:4] in _HEADER_SIZES and (start[344:348] in _NIFTI or start[4:8] in _NIFTI)
    ):
        return "nifti"
    return "idx" if start.startswith(_IDX) else "image"


def kind_of_file(path: Path) -> Kind:
    """Return the kind of a file; ``nothing`` for one that cannot be opened, whose reading tells why.

    A gzipped file is ``idx`` when it is named like one (see :func:`gyrus.imaging.idx.holds_many`).
    """
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return "nothing"
        with path.open("rb") as stream:
            kind = kind_of(stream.read(BEGINNING_BYTES))
    except OSError:
        return "nothing"
    named = path.name.lower().removesuffix(".gz")
    return "idx" if kind == "nifti" and named.endswith(("idx3-ubyte", "idx1-ubyte")) else kind


def is_scan_name(name: str) -> bool:
    """Tell whether a file's name ends like that of a DICOM or NIfTI file."""
    lowered = name.lower()
    return lowered.endswith(".nii.gz") or PurePosixPath(lowered).suffix in SCAN_SUFFIXES


def may_be_scan(name: str) -> bool:
    """Tell whether a file's name says nothing, as those of DICOM files often do: its bytes must tell."""
    last = name.rpartition("/")[2]
    suffix = PurePosixPath(last).suffix
    return last.lower() != DICOMDIR and (not suffix or suffix[1:].isdigit())


def second_life(start: bytes) -> str:
    """Return what else a DICOM file is, by its preamble (``a Windows program``); empty when nothing.

    The 128 bytes before the mark of a DICOM file may hold anything (CVE-2019-11687). A TIFF there is common
    and meant (DICOM PS3.10 section 7.1).
    """
    if start[128:132] != b"DICM":
        return ""
    return next((name for beginning, name in _OTHER_LIVES if start.startswith(beginning)), "")


def _is_bare_dicom(start: bytes) -> bool:
    """Tell whether a file begins like a DICOM data set without preamble, as some old ones do."""
    if len(start) < 16 or start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    if start[2:4] not in (b"\0\0", b"\1\0", b"\2\0", b"\5\0", b"\x08\0", b"\x16\0", b"\x18\0"):
        return False
    explicit = start[4:6].decode("latin-1") in _VALUE_TYPES
    return explicit or int.from_bytes(start[4:8], "little") in range(2, 129)
