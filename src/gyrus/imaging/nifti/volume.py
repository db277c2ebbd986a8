"""A NIfTI file, opened without trusting it: header first, then numbers as they are asked for."""

from __future__ import annotations

import gzip
import math
import zlib
from io import BytesIO
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from nibabel.arrayproxy import ArrayProxy
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from gyrus.errors import ImageError
from gyrus.imaging.nifti.placing import place_in

_GZIP = b"\x1f\x8b"
_HEADER_BYTES = 544
_KEPT_BYTES = 400 * 2**20  # a volume up to this size is unpacked once; of a larger one, what is asked for
_COPY_AGAIN = "copy the file again"
NO_ORIENTATION = "states no orientation; its axes are taken as left, front, up"

Numbers = npt.NDArray[Any]


class Volume:
    """The numbers of a NIfTI file and where they lie in the body.

    Parameters
    ----------
    data : bytes
        The whole file.
    numbers : bool
        Whether :meth:`section` will be asked; without it nothing but the header is unpacked.

    Attributes
    ----------
    shape : tuple of int
        Always three axes, as stored.
    volumes : int
        How many such in the file.
    orientation : ndarray
        (3, 2): of each stored axis, the axis of the body (0 to the right, 1 to the front, 2 up) and 1 or -1.
    zooms_mm : tuple of float
        Spacing along the stored axes.
    affine : ndarray
        (4, 4) from stored places to millimetres in the body.
    states_orientation : bool
        Whether the file tells it.
    remarks : tuple of str
        What of the header was passed over.

    Raises
    ------
    ImageError
        When it is no NIfTI file of images, damaged, cut off, or its affine is no map.
    """

    def __init__(self, data: bytes, *, numbers: bool = True) -> None:
        stream = _stream(data)
        start = _read(stream, _HEADER_BYTES)
        header = _header(start)
        self.shape, self.volumes = _shape(header)
        self._slope, self._intercept = _scaling(header)
        kind = header.get_data_dtype()
        if kind.kind not in "iuf":
            raise ImageError(
                "is a NIfTI file of colours or complex numbers", fix="store it as int16 or float32"
            )
        self.type = kind.name
        place = place_in(header)
        self.affine, self.orientation, self.zooms_mm = place.affine, place.orientation, place.zooms_mm
        self.states_orientation, self.remarks = place.stated, place.remarks
        offset = int(header.get_data_offset())
        if not len(start) >= 352 or offset < 352:
            raise ImageError(
                "is a NIfTI file whose numbers lie elsewhere (.img), or nowhere", fix="store it as .nii"
            )
        if not numbers:
            return
        wanted = offset + math.prod(self.shape) * self.volumes * kind.itemsize
        source = _whole(data, stream, start, wanted)
        self._proxy = ArrayProxy(source, ((*self.shape, self.volumes), kind, offset, 1.0, 0.0), mmap=False)

    def section(self, axis: int, index: int, volume: int) -> Numbers:
        """Return the numbers across a stored axis, (n, m) along the two others; nothing else is read."""
        asked: list[Any] = [slice(None)] * 3
        asked[axis] = index
        try:
            found: Numbers = np.asarray(self._proxy[(*asked, volume)])
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise ImageError(
                "is truncated or damaged: its numbers cannot be read", fix=_COPY_AGAIN
            ) from error
        if self._slope < 0:  # bright is dark: the scaled numbers are wanted
            found = found.astype(np.float64) * self._slope + self._intercept
        return found


def _stream(data: bytes) -> IO[bytes]:
    return gzip.GzipFile(fileobj=BytesIO(data)) if data.startswith(_GZIP) else BytesIO(data)  # type: ignore[return-value]


def _read(stream: IO[bytes], count: int) -> bytes:
    try:
        return stream.read(count)
    except (EOFError, zlib.error, OSError) as error:
        raise ImageError("is a gzip file that is damaged or cut off", fix=_COPY_AGAIN) from error


def _header(start: bytes) -> Nifti1Header:
    size = start[:4]
    little, big = int.from_bytes(size, "little"), int.from_bytes(size, "big")
    if 348 in (little, big) and start[344:347] in (b"n+1", b"ni1"):
        kind, length = Nifti1Header, 348
    elif 540 in (little, big) and start[4:7] in (b"n+2", b"ni2"):
        kind, length = Nifti2Header, 540
    else:
        raise ImageError("is no NIfTI file", fix="copy the file again, or convert it to .nii.gz")
    if b"ni1" in (start[344:347],) or start[4:7] == b"ni2":
        raise ImageError("is a NIfTI header whose numbers lie in another file (.img)", fix="store it as .nii")
    if len(start) < length:
        raise ImageError("is truncated: it ends within its header", fix=_COPY_AGAIN)
    return kind(start[:length], check=False)  # type: ignore[no-untyped-call]


def _shape(header: Nifti1Header) -> tuple[tuple[int, int, int], int]:
    sizes = [int(size) for size in header.get_data_shape()]
    if not sizes or min(sizes) < 1:
        raise ImageError("is a NIfTI file without numbers, by its header", fix=_COPY_AGAIN)
    if any(size > 1 for size in sizes[4:]):
        described = " x ".join(map(str, sizes))
        raise ImageError(
            f"is a NIfTI file of {len(sizes)} dimensions ({described}); expected 2 to 4",
            fix="store one volume a file",
        )
    if len(sizes) == 1 or math.prod(sizes[:2]) == 1:
        raise ImageError(f"is a NIfTI file of a row of numbers ({sizes[0]}), no image", fix="leave it out")
    three = (sizes[0], sizes[1], sizes[2] if len(sizes) > 2 else 1)
    return three, sizes[3] if len(sizes) > 3 else 1


def _scaling(header: Nifti1Header) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 (or none) means by the standard: as stored."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ImageError("is a NIfTI file whose scl_slope or scl_inter is no number", fix="store it again")
    return slope, intercept


def _whole(data: bytes, stream: IO[bytes], start: bytes, wanted: int) -> IO[bytes]:
    """Return what the numbers are read from: unpacked where the header says that it is not too large."""
    if not data.startswith(_GZIP):
        _check_there(len(data), wanted)
        return stream
    if wanted > _KEPT_BYTES:
        return stream
    unpacked = start + _read(stream, max(0, wanted - len(start)))
    _check_there(len(unpacked), wanted)
    return BytesIO(unpacked)


def _check_there(there: int, wanted: int) -> None:
    if there < wanted:
        raise ImageError(
            f"is truncated: by its header it has {wanted:,} bytes, and {there:,} are there", fix=_COPY_AGAIN
        )
