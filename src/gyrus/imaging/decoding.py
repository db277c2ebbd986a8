"""Bytes of an image file to an array of its own pixels, within limits.

Pillow does the decoding; what is added here is the list of formats that are let in, limits that are
checked on the header, the unfolding of every colour mode to grey or RGB, and one kind of error.
"""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow_version
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from gyrus.errors import ImageError
from gyrus.imaging.header_walk import check_parts
from gyrus.imaging.idx import FRAME_BEGINNING, decode_frame
from gyrus.imaging.kinds import kind_of
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.pixel_file import BEGINNING as PIXEL_FILE
from gyrus.imaging.pixel_file import PixelFile, from_bytes
from gyrus.imaging.plain_jpeg import decode_plain, plain_header
from gyrus.imaging.signature import looks_like
from gyrus.imaging.sixteen_bit_colour import layout_of, read_deep

# named by their readers: what is not imported when the first image comes, Pillow seeks among 40 plugins
FORMATS = tuple(
    str(reader.format) for reader in (PngImageFile, JpegImageFile, TiffImageFile, BmpImageFile, WebPImageFile)
)
_LARGE_BYTES = 4 * 2**20  # below, even a file of nothing but parts is walked along within a second
_SCAN_READERS = 1  # raised when DICOM or NIfTI files come to be read otherwise
# pixels of lossy formats may differ between versions
DECODER = f"pillow-{pillow_version}-scans-{_SCAN_READERS}"

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

# Where Pillow looks for an orientation in all formats but TIFF.
_ORIENTED = frozenset({"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"})

# What Pillow's readers raise on damaged files, seen by fuzzing them.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError,
    AttributeError, AssertionError, OverflowError, ZeroDivisionError, RuntimeError,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """The pixels that a file holds, upright.

    Attributes
    ----------
    pixels : ndarray of uint8 or uint16
        (height, width); (height, width, 3) where the channels differ anywhere. Not to be written to.
    format : str
        ``PNG``, ``JPEG``, ``TIFF``, ``BMP``, ``WEBP``, ``IDX``, ``DICOM`` or ``NIFTI``.
    mode : str
        Pillow's name of the stored colour mode (``L``, ``RGBA``, ``I;16``, …); of DICOM the photometric
        interpretation (``MONOCHROME2``), of NIfTI the stored type (``int16``).
    notes : tuple of str
        What was done that a user may want to know.
    header_bytes : int or None
        How much of the file can hold text about the image, where that is known.
    window : tuple of float or None
        The grey levels of ``pixels`` that the file itself wants shown black and white, if it says.
    """

    pixels: Pixels
    format: str
    mode: str
    notes: tuple[str, ...] = ()
    header_bytes: int | None = None
    window: tuple[float, float] | None = None


def decode(data: bytes, *, name: str, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode the bytes of an image file, or of one image of a file that holds several.

    PNG, JPEG, TIFF, BMP and WebP are decoded here, DICOM and NIfTI in another process
    (:mod:`gyrus.imaging.child`); of a volume it is the slice in the middle, and a note says so.

    EXIF orientation is applied; transparency is composited on black; palettes, CMYK and other colour modes
    become RGB (colour profiles are not applied), and RGB whose channels are equal becomes grey. 16 bits stay
    16 bits.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What the file is called in errors.
    limits : Limits
        Bounds, checked before decoding.

    Raises
    ------
    ImageError
        When it is empty, too large, of another format, damaged or truncated.
    """
    limits.check_bytes(len(data), name)
    if data.startswith(FRAME_BEGINNING):
        return Decoded(decode_frame(data, name, limits), "IDX", "L")
    scan = _scan(data, name, limits)
    if scan is not None:
        return Decoded(scan.pixels, scan.format, scan.mode, scan.notes, header_bytes=0, window=scan.window)
    if len(data) > _LARGE_BYTES:
        check_parts(data, name)
    header = plain_header(data)
    if header is not None:
        limits.check_pixels(header.width, header.height, name)
        plain = decode_plain(data, header)
        if plain is not None:
            mode = "L" if header.components == 1 else "RGB"
            return Decoded(plain, "JPEG", mode, header_bytes=header.header_bytes)
    frames = check_parts(data, name)
    image = _open(data, name)
    with image:
        limits.check_pixels(*image.size, name)
        image_format, mode = image.format or "", image.mode
        notes = _header_notes(image, data, frames)
        layout = layout_of(image)
        try:
            if layout:
                deep = read_deep(data, FORMATS, layout, lambda opened: _upright(opened)[0])
                note = ("transparency is composited on black",) if "A" in layout else ()
                return Decoded(deep, image_format, layout, (*notes, *note))
            upright, orientation_notes = _upright(image)
            limits.check_pixels(*upright.size, name)
            pixels, pixel_notes = _unfold(upright, name)
        except ImageError:
            raise
        except _DAMAGE as error:
            raise _damaged(name, image_format, error) from error
    return Decoded(
        pixels, image_format.replace("MPO", "JPEG"), mode, (*notes, *orientation_notes, *pixel_notes)
    )


def _scan(data: bytes, name: str, limits: Limits) -> PixelFile | None:
    """Return what a DICOM or NIfTI file holds, or one image of such; None for all other files."""
    if data.startswith(PIXEL_FILE):
        return from_bytes(data, name, limits)
    kind = kind_of(data)
    if kind != "dicom" and kind != "nifti":
        return None
    from gyrus.imaging.scan_pixels import decode_scan

    return decode_scan(data, kind, name, limits)


def _open(data: bytes, name: str) -> Image.Image:
    try:
        with quiet_pillow:
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if _known_beginning(data):
            raise _damaged(name, "image", error) from error
        raise ImageError(
            f"is no PNG, JPEG, TIFF, BMP, WebP, DICOM or NIfTI image; it looks like {looks_like(data)}",
            path=name,
            fix="convert it, or copy it again",
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError("has too many pixels to be decoded", path=name, fix="store it smaller") from error
    except _DAMAGE as error:
        raise _damaged(name, "image", error) from error


def _known_beginning(data: bytes) -> bool:
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")) or (
        data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    )


def _damaged(name: str, image_format: str, error: BaseException) -> ImageError:
    # str(KeyError) is only the key, str(AssertionError) is empty: the class says more
    reason = str(error) if isinstance(error, (OSError, ValueError, SyntaxError)) else ""
    if isinstance(error, UnidentifiedImageError):
        reason = "its header cannot be read"
    return ImageError(
        f"is damaged or truncated: the {image_format} cannot be decoded ({reason or type(error).__name__})",
        path=name,
        fix="copy the file again",
    )


class _Quiet:
    """Keeps Pillow's own warnings (corrupt EXIF, large image) from the user; errors still come through.

    ``catch_warnings`` is not thread-safe and costs a quarter of the decoding of a small image: hence one that
    is opened by the first who enters and closed by the last who leaves. Its filter is so narrow that even
    one left behind by another thread's ``catch_warnings`` would silence nothing but Pillow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


quiet_pillow = _Quiet()
"""``with quiet_pillow:`` around many images spares each of them the cost."""


def _header_notes(image: Image.Image, data: bytes, frames: int) -> list[str]:
    notes = []
    if image.format != "TIFF":  # Pillow would go through the directories of a TIFF once more
        with contextlib.suppress(*_DAMAGE), quiet_pillow:
            frames = int(getattr(image, "n_frames", 1))
    if frames > 1:
        notes.append(f"holds {frames} frames; the first is read")
    return notes


def _upright(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Decode, then turn the image as its EXIF orientation says."""
    with quiet_pillow:  # of a TIFF, Pillow reads the tags while it decodes, and may warn then
        image.load()
    if image.format != "TIFF" and _ORIENTED.isdisjoint(image.info):
        return image, []
    try:
        with quiet_pillow:
            return ImageOps.exif_transpose(image), []
    except _DAMAGE:
        return image, ["its EXIF data cannot be read; no orientation is applied"]


def _unfold(image: Image.Image, name: str) -> tuple[Pixels, list[str]]:
    """Return grey or RGB pixels of any colour mode."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), []
    if image.mode in ("I", "F"):
        return _to_uint16(np.asarray(image), name)
    if image.mode == "1":
        return np.array(image.convert("L")), []
    if image.has_transparency_data:
        return _on_black(image), ["transparency is composited on black"]
    if image.mode == "L":
        return np.asarray(image), []
    return _colour(image if image.mode == "RGB" else image.convert("RGB")), []


def _colour(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return the pixels of an RGB image; of one that is grey, (height, width)."""
    red = image.tobytes("raw", "R")  # twice as fast as by way of an image of the channel
    if red == image.tobytes("raw", "G") and red == image.tobytes("raw", "B"):
        return np.frombuffer(red, np.uint8).reshape(image.height, image.width)
    return np.asarray(image)


def _on_black(image: Image.Image) -> npt.NDArray[np.uint8]:
    grey = image.mode in ("L", "LA", "La")
    with_alpha = image.convert("LA" if grey else "RGBA")
    black = Image.new("L" if grey else "RGB", image.size, 0)
    black.paste(with_alpha.convert(black.mode), mask=with_alpha.getchannel("A"))
    return np.asarray(black) if grey else _colour(black)


def _to_uint16(
    values: npt.NDArray[np.int32] | npt.NDArray[np.float32], name: str
) -> tuple[Pixels, list[str]]:
    """Bring 32-bit whole or floating numbers to 16 bits; whole numbers that fit keep their values."""
    if not np.all(np.isfinite(values)):
        raise ImageError("holds NaN or infinite pixels", path=name, fix="store it as 8- or 16-bit grey")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "i" and low >= 0 and high <= 65535:
        return values.astype(np.uint16), []
    scale = 65535.0 / (high - low) if high > low else 0.0
    scaled = np.rint((values.astype(np.float64) - low) * scale).astype(np.uint16)
    return scaled, [f"pixel values {low:g} to {high:g} are scaled to 16 bits"]
