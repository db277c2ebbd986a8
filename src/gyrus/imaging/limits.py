"""How large an image may be: checked before memory is spent on it."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.errors import ImageError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that an image must keep.

    Attributes
    ----------
    max_file_bytes : int
        Largest file that is read.
    max_pixels : int
        Largest height times width that is decoded; told by the file's header, so that a small file that
        unpacks to gigabytes is refused before it is unpacked.
    max_seconds : float
        How long reading one DICOM or NIfTI file may take.
    """

    max_file_bytes: int = 256 * 2**20
    max_pixels: int = 50_000_000
    max_seconds: float = 8.0

    def check_bytes(self, size: int, name: str) -> None:
        """Raise ImageError when a file of ``size`` bytes is empty or too large."""
        if size == 0:
            raise ImageError("is empty (0 bytes)", path=name, fix="copy the file again")
        if size > self.max_file_bytes:
            raise ImageError(
                f"has {size:,} bytes; the limit is {self.max_file_bytes:,}", path=name, fix="store it smaller"
            )

    def check_pixels(self, width: int, height: int, name: str) -> None:
        """Raise ImageError when an image of this size is empty or too large."""
        if width < 1 or height < 1:
            raise ImageError(f"has no pixels ({width} x {height})", path=name)
        if width * height > self.max_pixels:
            raise ImageError(
                f"is {width} x {height} = {width * height:,} pixels; the limit is {self.max_pixels:,}",
                path=name,
                fix="store it smaller",
            )


DEFAULT_LIMITS = Limits()
