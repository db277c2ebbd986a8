"""Where an image lies: a file, or one of the images that a file holds."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gyrus.errors import ImageError
from gyrus.imaging.idx import frame_bytes, is_idx, is_kept
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits

ZIP_BEGINNING = b"PK\x03\x04"
# opened once and asked then: half the time of asking by name first; without waiting for the writer of a pipe
_FOR_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an image lies.

    Attributes
    ----------
    path : Path
        The file.
    frame : str
        Which image of a file that holds several: its number, counted from 0, in an IDX file or a DICOM file
        of several frames; ``axial:12`` (``coronal:``, ``sagittal:``) for a slice of a NIfTI volume,
        ``axial:12:3`` for one of its fourth volume; a member's name in a zip archive. Empty for a file that
        is one image. Of other files it chooses nothing.
    """

    path: Path
    frame: str = ""

    def __str__(self) -> str:
        """Return ``PATH`` or ``PATH#FRAME``."""
        return f"{self.path}#{self.frame}" if self.frame else str(self.path)

    def read(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Return the bytes of the image, for :func:`gyrus.imaging.decode`.

        Raises
        ------
        ImageError
            As :func:`read_file`; or when a file of several images is damaged or has no such frame.
        """
        if not self.frame:
            return read_file(self.path, limits=limits)
        if is_kept(self.path):
            return frame_bytes(self.path, self.frame, limits=limits)
        start = _start_of(self.path)
        if is_idx(start) and self.frame.isdecimal():
            return frame_bytes(self.path, self.frame, limits=limits)
        if kind_of(start) in ("dicom", "nifti"):
            from gyrus.imaging.scan_pixels import frame_of_scan

            return frame_of_scan(self.path, self.frame, limits)
        if start.startswith(ZIP_BEGINNING):
            from gyrus.imaging.zipped import member_bytes

            return member_bytes(self.path, self.frame, limits)
        return read_file(self.path, limits=limits)


@dataclass(frozen=True, slots=True)
class Held(Source):
    """An image whose file is at hand as bytes, such as an upload: nothing is read from a disk.

    Attributes
    ----------
    path : Path
        What the file is called; nothing need lie there.
    data : bytes
        The whole file; left out of what this prints as and of comparisons.
    """

    data: bytes = field(default=b"", repr=False, compare=False)

    def read(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Return the bytes of the image, for :func:`gyrus.imaging.decode`."""
        kind = kind_of(self.data[:BEGINNING_BYTES])
        if not self.frame or (kind != "dicom" and kind != "nifti"):
            limits.check_bytes(len(self.data), str(self))
            return self.data
        from gyrus.imaging.scan_pixels import frame_of_scan_bytes

        return frame_of_scan_bytes(self.data, kind, self.frame, str(self), limits)


def source_of(image: Path | Source) -> Source:
    """Return a path as a source."""
    return image if isinstance(image, Source) else Source(image)


def read_file(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of an image file, its size checked first.

    Raises
    ------
    ImageError
        When it is absent, no regular file, empty, too large or not permitted.
    """
    try:
        descriptor = os.open(path, _FOR_READING)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ImageError("is no regular file", path=path)
            size = status.st_size
            limits.check_bytes(size, str(path))
            data = os.read(descriptor, size + 1)  # Python sets aside as much as is asked for
            while len(data) < size and (more := os.read(descriptor, size + 1 - len(data))):
                data += more
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise ImageError("does not exist", path=path) from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}", path=path) from error
    if len(data) != size:
        raise ImageError("changed while it was being read", path=path, fix="start again")
    return data


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a regular file; none of anything else, which :func:`read_file` explains."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(BEGINNING_BYTES)
    except OSError:
        return b""
