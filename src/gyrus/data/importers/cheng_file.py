"""One slice of Cheng's brain tumour set: a MATLAB v7.3 file, which is HDF5.

The group ``cjdata`` holds ``label`` (1 meningioma, 2 glioma, 3 pituitary), ``PID`` (characters as numbers),
``image`` (int16), ``tumorBorder`` (coordinates of points in turn) and ``tumorMask`` (Cheng 2017, Figshare
1512427). MATLAB stores columns first, HDF5 rows first: what is read here is turned back.

A file may only hold its numbers itself: links to other files and data stored elsewhere are refused, and
every size is checked before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError, require
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits

CLASSES = {1: "meningioma", 2: "glioma", 3: "pituitary"}
GROUP = "cjdata"
_LONGEST_ID = 64
_MOST_POINTS = 100_000
_PURPOSE = "reading MATLAB v7.3 files"
_FIX = "copy the file again, or leave it out"


@dataclass(frozen=True, slots=True)
class ChengSlice:
    """What a file holds.

    Attributes
    ----------
    label, patient : str
        Class name, and the patient's id as published.
    image : ndarray of integers
        (height, width), as MATLAB shows it.
    mask : ndarray of bool or None
        (height, width); None where the file has none.
    border : tuple of float
        Coordinates of the border's points, in the order of the file.
    """

    label: str
    patient: str
    image: npt.NDArray[np.integer]
    mask: npt.NDArray[np.bool_] | None
    border: tuple[float, ...]


def looks_like_matlab(path: Path) -> bool:
    """Tell whether a file begins as MATLAB's v7.3 files, or plain HDF5, do."""
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError:
        return False
    return start.startswith((b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n"))


def read_cheng(path: Path, limits: Limits = DEFAULT_LIMITS) -> ChengSlice:
    """Read one file.

    Raises
    ------
    MissingDependencyError
        Without h5py.
    ImageError
        When it is no such file, damaged, or its mask is not of the image's size.
    """
    h5py = require("h5py", "readers", _PURPOSE)
    name = str(path)
    try:
        limits.check_bytes(path.stat().st_size, name)
        with h5py.File(path, "r") as opened:
            return _slice(_Group(h5py, opened, name), limits)
    except ImageError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        reason = str(error).partition("\n")[0][:120] or type(error).__name__
        raise ImageError(
            f"is damaged or no MATLAB v7.3 file: {reason}",
            path=name,
            fix=_FIX,
        ) from error


def _slice(group: _Group, limits: Limits) -> ChengSlice:
    name = group.name
    number = group.numbers("label", most=1)[0]
    if number not in CLASSES:
        expected = ", ".join(f"{key} {value}" for key, value in CLASSES.items())
        raise ImageError(f"has the label {number:g}; expected {expected}", path=name, fix=_FIX)
    image = group.picture("image", limits)
    mask = group.picture("tumorMask", limits) if group.has("tumorMask") else None
    if mask is not None and mask.shape != image.shape:
        raise ImageError(f"has an image of {_size(image)} and a mask of {_size(mask)}", path=name, fix=_FIX)
    border = group.numbers("tumorBorder", most=_MOST_POINTS) if group.has("tumorBorder") else ()
    if len(border) % 2:
        raise ImageError(f"has a border of {len(border)} coordinates; they come in pairs", path=name)
    return ChengSlice(
        CLASSES[int(number)],
        _text(group.numbers("PID", most=_LONGEST_ID), name),
        image,
        None if mask is None else mask != 0,
        border,
    )


class _Group:
    """``cjdata`` of an open file, whose members are looked at before they are read."""

    def __init__(self, h5py: Any, opened: Any, name: str) -> None:
        self._h5py, self.name = h5py, name
        if not isinstance(self._held(opened, GROUP), h5py.Group):
            raise ImageError(f"has no group {GROUP!r}; it is not of Cheng's set", path=name, fix=_FIX)
        self._group = opened[GROUP]

    def has(self, member: str) -> bool:
        return member in self._group

    def numbers(self, member: str, *, most: int) -> tuple[float, ...]:
        data = self._dataset(member)
        if not 1 <= data.size <= most:
            raise ImageError(f"{member} holds {data.size:,} numbers; expected 1 to {most:,}", path=self.name)
        values = np.asarray(data[()], np.float64).ravel()
        if not np.isfinite(values).all():
            raise ImageError(f"{member} holds NaN or infinite numbers", path=self.name, fix=_FIX)
        return tuple(values.tolist())

    def picture(self, member: str, limits: Limits) -> npt.NDArray[np.integer]:
        data = self._dataset(member)
        if data.ndim != 2 or data.dtype.kind not in "iu" or data.dtype.itemsize > 4:
            raise ImageError(
                f"{member} is {data.dtype} of {data.ndim} dimensions; expected whole numbers in 2",
                path=self.name,
                fix=_FIX,
            )
        width, height = data.shape
        limits.check_pixels(width, height, self.name)
        return np.ascontiguousarray(np.asarray(data[()]).T)

    def _dataset(self, member: str) -> Any:
        data = self._held(self._group, member)
        if not isinstance(data, self._h5py.Dataset) or data.dtype.kind not in "iuf":
            raise ImageError(f"{GROUP}/{member} holds no numbers", path=self.name, fix=_FIX)
        if data.is_virtual or data.external:
            raise ImageError(
                f"{GROUP}/{member} is stored in another file", path=self.name, fix="leave the file out"
            )
        return data

    def _held(self, parent: Any, member: str) -> Any:
        """Return a member that the file itself holds; a link to another file is not followed."""
        if member not in parent:
            raise ImageError(f"has no {member!r}; it is not of Cheng's set", path=self.name, fix=_FIX)
        if not isinstance(parent.get(member, getlink=True), self._h5py.HardLink):
            raise ImageError(f"{member!r} is a link; expected the data", path=self.name, fix=_FIX)
        return parent[member]


def _text(numbers: tuple[float, ...], name: str) -> str:
    """Return MATLAB's characters, which come as their numbers."""
    if not all(number.is_integer() and 32 < number < 127 for number in numbers):
        raise ImageError("PID holds other characters than letters and digits", path=name, fix=_FIX)
    return "".join(chr(int(number)) for number in numbers)


def _size(pixels: npt.NDArray[Any]) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
