"""DICOM as the child process reads it: the header once, then as many of its frames as are asked for."""

from __future__ import annotations

from typing import Any

from gyrus.errors import ImageError
from gyrus.imaging.dicom.facts import facts_of, frame_order, plane_of, subject_of
from gyrus.imaging.dicom.header import Header
from gyrus.imaging.dicom.pixels import pixels_of
from gyrus.imaging.limits import Limits
from gyrus.imaging.pixel_file import PixelFile


class DicomReader:
    """Keeps the header of the file asked last."""

    def __init__(self) -> None:
        self._data = b""
        self._limits: Limits | None = None
        self._header: Header | None = None

    def facts(self, data: bytes, limits: Limits, *, plane: str, key: bytes) -> dict[str, Any]:
        """Return the fields of :class:`gyrus.imaging.file_facts.FileFacts`; ``plane`` chooses nothing."""
        header = self._open(data, limits)
        return {
            "frames": [str(frame) for frame in frame_order(header)] if header.frames > 1 else [""],
            "facts": facts_of(header, key),
            "plane": plane_of(header),
            "width_px": header.columns,
            "height_px": header.rows,
            "subject": subject_of(header, key),
            "notes": [],
        }

    def pixels(self, data: bytes, limits: Limits, frame: str) -> PixelFile:
        """Return one frame: that of this number, or with none the one in the middle."""
        header = self._open(data, limits)
        if frame and not (frame.isdecimal() and len(frame) < 7 and int(frame) < header.frames):
            raise ImageError(f"has no such frame; its {header.frames} frames are counted from 0")
        number = int(frame) if frame else frame_order(header)[header.frames // 2]
        notes = (
            (f"holds {header.frames} frames; the middle one is read",)
            if header.frames > 1 and not frame
            else ()
        )
        return pixels_of(header, number, notes)

    def _open(self, data: bytes, limits: Limits) -> Header:
        if self._header is None or data != self._data or limits != self._limits:
            self._header = None
            self._header = Header(data, limits)
            self._data, self._limits = data, limits
        return self._header
