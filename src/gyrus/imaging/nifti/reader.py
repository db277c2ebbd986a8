"""NIfTI as the child process reads it: slices in the planes of the body, as a radiologist looks at them.

Rows of an axial or coronal slice run from the patient's right to the left, columns from front or top
downwards; rows of a sagittal slice from front to back: as DICOM images are mostly stored. Slices are counted
from the patient's left, back, or feet (RAS).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.errors import ImageError
from gyrus.imaging.file_facts import PLANES
from gyrus.imaging.limits import Limits
from gyrus.imaging.nifti.volume import NO_ORIENTATION, Volume
from gyrus.imaging.pixel_file import PixelFile
from gyrus.imaging.sixteen_bits import to_levels

_BODY_AXIS = {"axial": 2, "coronal": 1, "sagittal": 0}
_PLANE_OF = {axis: plane for plane, axis in _BODY_AXIS.items()}
_MOST_DIGITS = 6


class NiftiReader:
    """Keeps the volume asked last."""

    def __init__(self) -> None:
        self._data = b""
        self._volume: Volume | None = None

    def facts(self, data: bytes, limits: Limits, *, plane: str, key: bytes) -> dict[str, Any]:
        """Return the fields of :class:`gyrus.imaging.file_facts.FileFacts`; nothing here needs the key."""
        volume = self._open(data)
        plane, notes = _plane_in(volume, plane)
        axis = stored_axis_of(volume, plane)
        rows, columns = sides_of(volume, plane)
        limits.check_pixels(volume.shape[columns], volume.shape[rows], "")
        spacing = [volume.zooms_mm[side] for side in (rows, columns, axis)]
        return {
            "frames": [f"{plane}:{index}" for index in range(volume.shape[axis])],
            "facts": {"spacing_mm": " x ".join(f"{size:.4g}" for size in spacing)},
            "plane": plane,
            "width_px": volume.shape[columns],
            "height_px": volume.shape[rows],
            "subject": "",
            "notes": [*notes, *_remarks(volume)],
            "grid": {
                "shape": list(volume.shape),
                "volumes": volume.volumes,
                "affine": volume.affine[:3].ravel().tolist(),
                "stated": volume.states_orientation,
            },
        }

    def pixels(self, data: bytes, limits: Limits, frame: str) -> PixelFile:
        """Return one slice: ``axial:12`` or ``axial:12:3``, or with none the axial one in the middle."""
        volume = self._open(data)
        plane, index, number, notes = place_of(volume, frame)
        rows, columns = sides_of(volume, plane)
        limits.check_pixels(volume.shape[columns], volume.shape[rows], "")
        axis = stored_axis_of(volume, plane)
        stored = index if volume.orientation[axis, 1] > 0 else volume.shape[axis] - 1 - index
        section = volume.section(axis, stored, number)
        if columns > rows:  # the first of the stored axes runs along the image's rows: lay it across
            section = section.T
        if volume.orientation[columns, 1] < 0:
            section = section[::-1]
        if volume.orientation[rows, 1] < 0:
            section = section[:, ::-1]
        upright = np.ascontiguousarray(section[::-1, ::-1].T)
        levels = to_levels(upright)
        return PixelFile(
            levels.pixels, "NIFTI", volume.type, None, (*notes, *_remarks(volume), *levels.notes)
        )

    def _open(self, data: bytes) -> Volume:
        if self._volume is None or data != self._data:
            self._volume = None
            self._volume = Volume(data)
            self._data = data
        return self._volume


def place_of(volume: Volume, frame: str) -> tuple[str, int, int, tuple[str, ...]]:
    """Return plane, slice and volume that a frame names."""
    if not frame:
        plane, notes = _plane_in(volume, "axial")
        count = volume.shape[stored_axis_of(volume, plane)]
        if count > 1:
            notes = (*notes, f"holds {count} {plane} slices; the middle one is read")
        return plane, count // 2, 0, notes
    plane, _, rest = frame.partition(":")
    index, _, number = rest.partition(":")
    if plane not in PLANES or not _is_count(index) or not _is_count(number or "0"):
        raise ImageError("has no such slice: a slice is named axial:12 (coronal:, sagittal:), counted from 0")
    count = volume.shape[stored_axis_of(volume, plane)]
    if int(index) >= count or int(number or 0) >= volume.volumes:
        raise ImageError(
            f"has no such slice; it has {count} {plane} slices and {volume.volumes} volumes, counted from 0"
        )
    if _plane_in(volume, plane)[0] != plane:
        raise ImageError(f"is one slice thick; its only plane is {_plane_in(volume, plane)[0]}")
    return plane, int(index), int(number or 0), ()


def _is_count(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _MOST_DIGITS


def _plane_in(volume: Volume, wanted: str) -> tuple[str, tuple[str, ...]]:
    """Return the plane that can be read: of a volume of one slice, its own."""
    thin = [axis for axis in range(3) if volume.shape[axis] == 1]
    if not thin or stored_axis_of(volume, wanted) in thin:
        return wanted, ()
    plane = _PLANE_OF[int(volume.orientation[thin[0], 0])]
    return plane, (f"is one slice thick; its plane is {plane}",)


def stored_axis_of(volume: Volume, plane: str) -> int:
    return int(np.flatnonzero(volume.orientation[:, 0] == _BODY_AXIS[plane])[0])


def sides_of(volume: Volume, plane: str) -> tuple[int, int]:
    """Return the stored axes along an image's columns (its height) and along its rows (its width)."""
    across, up = (axis for axis in range(3) if axis != _BODY_AXIS[plane])
    axes = [int(np.flatnonzero(volume.orientation[:, 0] == body)[0]) for body in (up, across)]
    return axes[0], axes[1]


def _remarks(volume: Volume) -> tuple[str, ...]:
    remarks = volume.remarks if volume.states_orientation else (NO_ORIENTATION,)
    return (*remarks, f"holds {volume.volumes} volumes; the first is read") if volume.volumes > 1 else remarks
