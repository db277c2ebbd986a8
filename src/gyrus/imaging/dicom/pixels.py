"""From the stored numbers of a DICOM frame to 8 or 16 bits, bright where it is shown bright.

The numbers are kept as they are stored where 16 bits hold them: rescaling to units (Hounsfield) and windowing
are linear, so that the window, brought into stored numbers, does the same in one step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from gyrus.errors import ImageError
from gyrus.imaging.dicom.header import Header
from gyrus.imaging.dicom.syntaxes import decoder_of
from gyrus.imaging.pixel_file import PixelFile
from gyrus.imaging.sixteen_bits import Levels, to_levels

_COLOUR = "is in colour: most likely a secondary capture or a map rather than a scan"
_SIXTEEN_BIT_COLOUR = "16-bit colour is read by its high byte"
_MOSAIC = "is a mosaic: many slices side by side in one picture"
_NO_WINDOW = "its window (WindowCenter, WindowWidth) is no window and is not used"
_LOOK_UP = "its VOI look-up table is not applied"
_SIGMOID = "its sigmoid window is read as a linear one"
_BURNT_IN = "says that text is burnt into its pixels (BurnedInAnnotation)"

Stored = npt.NDArray[Any]


def pixels_of(header: Header, frame: int, notes: tuple[str, ...] = ()) -> PixelFile:
    """Decode one frame.

    Raises
    ------
    ImageError
        When no decoder reads it, its pixels are cut off, or its numbers make no image.
    """
    photometric = header.text("PhotometricInterpretation").strip().upper()
    if photometric not in _KNOWN:
        raise ImageError(
            "is a DICOM file whose PhotometricInterpretation is not known", fix="export it as MONOCHROME2"
        )
    stored = _decode(header, frame)
    remarks = [*notes, *_remarks(header)]
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, header.dataset)
    if stored.ndim == 3:
        return _colour(stored, photometric, remarks)
    return _grey(header, frame, stored, photometric, remarks)


_KNOWN = frozenset(
    {
        "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420",
        "YBR_ICT", "YBR_RCT",
    }
)  # fmt: skip


def _decode(header: Header, frame: int) -> Stored:
    samples = header.number("SamplesPerPixel")
    if samples not in (1, 3):
        raise ImageError(
            "is a DICOM file whose SamplesPerPixel is neither 1 nor 3", fix="copy the file again"
        )
    decoder = decoder_of(header.syntax)
    if not header.syntax.is_encapsulated:
        _check_length(header, int(samples))
    dataset = header.dataset
    dataset.file_meta.TransferSyntaxUID = header.syntax
    array, _ = decoder.as_array(dataset, index=frame)
    if array.shape[:2] != (header.rows, header.columns) or array.ndim not in (2, 3):
        raise ImageError(
            "is damaged: its pixels have another shape than its header says", fix="copy the file again"
        )
    return array


def _check_length(header: Header, samples: int) -> None:
    """Tell at once whether the numbers of all frames are there."""
    allocated = header.number("BitsAllocated") or 0
    half = header.text("PhotometricInterpretation").strip().upper() == "YBR_FULL_422"
    per_frame = header.rows * header.columns * (2 if half else samples) * allocated / 8
    there = max(len(header.dataset.get(keyword) or b"") for keyword in _ELEMENTS)
    wanted = int(per_frame * header.frames)
    if there < wanted:
        raise ImageError(
            f"is truncated: its pixels take {wanted:,} bytes, and {there:,} are there",
            fix="copy the file again",
        )


_ELEMENTS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def _remarks(header: Header) -> list[str]:
    remarks = []
    if "MOSAIC" in header.text("ImageType").upper().split():
        remarks.append(_MOSAIC)
    if header.text("BurnedInAnnotation").strip().upper() == "YES":
        remarks.append(_BURNT_IN)
    return remarks


def _colour(stored: Stored, photometric: str, remarks: list[str]) -> PixelFile:
    if stored.dtype.itemsize == 2:
        stored, remarks = (stored >> 8).astype(np.uint8), [*remarks, _SIXTEEN_BIT_COLOUR]
    if stored.dtype != np.uint8 or stored.shape[2] != 3:
        raise ImageError("is a DICOM file in colour of neither 8 nor 16 bits", fix="export it as MONOCHROME2")
    red = stored[:, :, 0]
    if np.array_equal(red, stored[:, :, 1]) and np.array_equal(red, stored[:, :, 2]):
        return PixelFile(red, "DICOM", photometric, None, tuple(remarks))
    return PixelFile(stored, "DICOM", photometric, None, (*remarks, _COLOUR))


def _grey(header: Header, frame: int, stored: Stored, photometric: str, remarks: list[str]) -> PixelFile:
    slope, intercept = _rescaling(header, frame)
    if header.dataset.get("ModalityLUTSequence"):
        stored, slope, intercept = apply_modality_lut(stored, header.dataset), 1.0, 0.0
    stored = _without_padding(header, stored)
    window, window_remarks = _window(header, frame)
    if window is not None:
        window = ((window[0] - intercept) / slope, (window[1] - intercept) / slope)
    levels = to_levels(stored, window)
    if (slope < 0) != (photometric == "MONOCHROME1"):
        levels = _inverted(levels, int(header.number("BitsStored") or 16))
    elif slope < 0 and levels.window is not None:
        levels = Levels(levels.pixels, (levels.window[1], levels.window[0]), levels.notes)
    return PixelFile(
        levels.pixels, "DICOM", photometric, levels.window, (*remarks, *window_remarks, *levels.notes)
    )


def _rescaling(header: Header, frame: int) -> tuple[float, float]:
    slope, intercept = header.number("RescaleSlope", frame), header.number("RescaleIntercept", frame)
    if slope == 0 or (slope is None and header.stated("RescaleSlope", frame)):
        raise ImageError(
            "is a DICOM file whose RescaleSlope is 0 or no number: all its pixels would be alike",
            fix="export it again, or leave it out",
        )
    return (1.0 if slope is None else slope), (0.0 if intercept is None else intercept)


def _without_padding(header: Header, stored: Stored) -> Stored:
    """Give pixels outside the scan (PixelPaddingValue) the least value within it."""
    padding = header.number("PixelPaddingValue")
    if padding is None:
        return stored
    outside = stored == padding
    if not outside.any() or outside.all():
        return stored
    filled = stored.copy()
    filled[outside] = stored[~outside].min()
    return filled


def _window(header: Header, frame: int) -> tuple[tuple[float, float] | None, list[str]]:
    """Return the first window of the file, in its units, by PS3.3 C.11.2.1.2: from black to white."""
    if not header.stated("WindowCenter", frame) or not header.stated("WindowWidth", frame):
        return None, [_LOOK_UP] if header.dataset.get("VOILUTSequence") else []
    center, width = header.number("WindowCenter", frame), header.number("WindowWidth", frame)
    function = header.text("VOILUTFunction", frame).strip().upper()
    exact = function in ("LINEAR_EXACT", "SIGMOID")
    if center is None or width is None or width <= (0 if exact else 1):
        return None, [_NO_WINDOW]
    low, high = (
        (center - width / 2, center + width / 2) if exact else (center - width / 2, center + width / 2 - 1)
    )
    return (low, high), [_SIGMOID] if function == "SIGMOID" else []


def _inverted(levels: Levels, bits: int) -> Levels:
    """Turn dark into bright, as MONOCHROME1 and a negative slope mean it."""
    pixels = levels.pixels
    top = 255 if pixels.dtype == np.uint8 else max((1 << min(bits, 16)) - 1, int(pixels.max()))
    window = levels.window
    if window is not None:
        window = (top - max(window), top - min(window))
    turned: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] = np.subtract(top, pixels, dtype=pixels.dtype)
    return Levels(turned, window, levels.notes)
