"""Any numbers as 8 or 16 bits without loss where that is possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError

_SIGNED_OFFSET = 32768
_SCALED = "its numbers do not fit 16 bits and are scaled to them"
_NOT_FINITE = "holds pixels that are no numbers (NaN); they are read as the least"


@dataclass(frozen=True, slots=True)
class Levels:
    """Pixels as grey levels, with the window in the same levels."""

    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    window: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def to_levels(values: npt.NDArray[Any], window: tuple[float, float] | None = None) -> Levels:
    """Bring numbers to uint8 or uint16.

    Bytes stay bytes; whole numbers from 0 to 65535 keep their values; those from -32768 to 32767 are raised
    by 32768; all else is scaled linearly from its least to its greatest number. Numbers that are none become
    the least.

    Parameters
    ----------
    values : ndarray
        (height, width) of whole or floating numbers.
    window : tuple of float, optional
        In units of ``values``.

    Raises
    ------
    ImageError
        When no pixel is a finite number, or the numbers are complex.
    """
    if values.dtype == np.uint8:
        return Levels(values, window)
    if values.dtype.kind not in "iuf":
        raise ImageError(
            "holds numbers that make no grey image (complex, or several a pixel)", fix="store it as int16"
        )
    if values.dtype.kind == "f":
        return _from_floats(values, window)
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 65535:
        return Levels(values.astype(np.uint16), window)
    if low >= -_SIGNED_OFFSET and high < _SIGNED_OFFSET:
        raised = (values.astype(np.int32) + _SIGNED_OFFSET).astype(np.uint16)
        return Levels(raised, _moved(window, 1.0, float(_SIGNED_OFFSET)))
    return _scaled(values.astype(np.float64), float(low), float(high), window, ())


def _from_floats(values: npt.NDArray[Any], window: tuple[float, float] | None) -> Levels:
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        raise ImageError("holds no pixel that is a number (all NaN or infinite)", fix="copy the file again")
    notes: tuple[str, ...] = ()
    low, high = float(numbers[finite].min()), float(numbers[finite].max())
    if not finite.all():
        numbers, notes = np.where(finite, numbers, low), (_NOT_FINITE,)
    if low >= 0 and high <= 65535 and np.array_equal(numbers, np.rint(numbers)):
        return Levels(numbers.astype(np.uint16), window, notes)
    return _scaled(numbers, low, high, window, notes)


def _scaled(
    numbers: npt.NDArray[np.float64],
    low: float,
    high: float,
    window: tuple[float, float] | None,
    notes: tuple[str, ...],
) -> Levels:
    span = high - low
    if not np.isfinite(span):
        raise ImageError("holds numbers too far apart for any image", fix="copy the file again")
    scale = 65535.0 / span if span > 0 else 0.0
    levels = np.rint((numbers - low) * scale).astype(np.uint16)
    remarks = (*notes, _SCALED) if scale else notes
    return Levels(levels, _moved(window, scale, -low * scale) if scale else None, remarks)


def _moved(window: tuple[float, float] | None, scale: float, offset: float) -> tuple[float, float] | None:
    return None if window is None else (window[0] * scale + offset, window[1] * scale + offset)
