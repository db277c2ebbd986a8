"""Reading a mask: from its file to a class number for each pixel of its image.

PNG, TIFF, BMP, GIF and NIfTI label maps. A palette's colours count by their place in it, unless all are grey.
Nothing is guessed: a mask of another size, with values that mean nothing, in colour, or with the grey levels
of a picture is refused.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_classes import MaskClasses, class_of
from gyrus.errors import DataError, ImageError
from gyrus.imaging import DEFAULT_LIMITS, decode
from gyrus.imaging.decoding import FORMATS, quiet_pillow
from gyrus.imaging.source import Source

Mask = npt.NDArray[np.uint8]

NO_MASK = "no_mask"
"""Fact column: ``empty`` where an image without a mask is taken for one in which nothing is marked."""
EMPTY = "empty"
MOST_LEVELS = 32
"""Grey levels of a mask that has two meanings; a picture has more."""
_SIGNED_OFFSET = 32767
_SHOWN = 8
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
           Image.DecompressionBombError)  # fmt: skip


def read_mask(row: Row, manifest: Manifest, classes: MaskClasses) -> Mask:
    """Return the mask of an image: (height, width) uint8, 0 background, i the class ``classes.names[i - 1]``.

    Raises
    ------
    DataError
        When the image has no mask, or the mask has another size, is in colour, is a picture, or holds values
        that are no class.
    ImageError
        When its file cannot be read.
    """
    if not row.mask:
        if row.facts.get(NO_MASK) == EMPTY:
            return np.zeros(_image_size(row, manifest), np.uint8)
        raise DataError(
            f"{row.image_id} has no mask",
            path=manifest.root,
            fix="fill in the column mask; --missing-masks skip leaves such images out, empty takes it that "
            "nothing is marked there",
        )
    source = Source(manifest.root / row.mask, row.frame)
    gone = absent_file(row, manifest)
    if gone is not None:
        raise gone
    stored = stored_values(source)
    _check_size(stored, _image_size(row, manifest), row, source)
    return class_numbers(stored, row, classes, source)


def class_numbers(
    stored: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], row: Row, classes: MaskClasses, source: Source
) -> Mask:
    """Return the class numbers that the stored values of a mask stand for.

    Parameters
    ----------
    stored : ndarray
        As :func:`stored_values` returns them.
    row : Row
        Of the image.
    classes : MaskClasses
    source : Source
        Where the mask lies, for messages.

    Raises
    ------
    DataError
        When the mask is a picture, or holds values that are no class.
    """
    if classes.kind == "values":
        return _by_value(stored, classes, source)
    _check_levels(stored, source)
    marked: Mask = (stored != 0).astype(np.uint8)
    return marked * np.uint8(class_of(row, classes)) if stored.any() else marked


def absent_file(row: Row, manifest: Manifest) -> DataError | None:
    """Return the error of a mask that is named and not there; None where it is, or none is named."""
    path = manifest.root / row.mask
    if not row.mask or path.exists():
        return None
    return DataError(
        f"the mask of {row.image_id} does not exist",
        path=path,
        fix="bring it back, or mend the column mask: an empty cell is a missing mask, and --missing-masks "
        "says what becomes of it",
    )


def stored_values(source: Source) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Return the numbers of a mask file, (height, width), as they are stored.

    Raises
    ------
    DataError
        When it is in colour, a JPEG with grey levels, or its numbers are not whole.
    ImageError
        When it cannot be read.
    """
    data = source.read()
    indexed = _indexed(data, str(source))
    if indexed is not None:
        return indexed
    decoded = decode(data, name=str(source))
    pixels = decoded.pixels
    if pixels.ndim != 2:
        raise DataError(
            "is in colour; a mask has one channel", path=str(source), fix="save it as grey: 0 outside"
        )
    if decoded.format == "JPEG" and len(np.unique(pixels)) > 2:
        raise DataError(
            f"is a JPEG with {len(np.unique(pixels))} grey levels: its compression has smeared the borders, "
            "and what was marked can no longer be told",
            path=str(source),
            fix="save the masks as PNG, from where they were drawn",
        )
    _check_numbers(pixels, decoded.format, decoded.mode, decoded.notes, source)
    return pixels


def _check_numbers(
    pixels: npt.NDArray[np.generic], kind: str, mode: str, notes: tuple[str, ...], source: Source
) -> None:
    """Refuse numbers that were changed to be shown as a picture: of a label map each counts as it is."""
    nan = any("NaN" in note for note in notes)
    scaled = any("scaled" in note for note in notes)
    negative = kind == "NIFTI" and mode.startswith("int") and int(pixels.max()) >= _SIGNED_OFFSET
    if nan or scaled or negative:
        what = "NaN" if nan else "numbers below 0" if negative else "numbers that are not whole, or below 0"
        raise DataError(
            f"holds {what}; a mask holds whole numbers from 0 on",
            path=str(source),
            fix="store the label map as uint8",
        )


def _indexed(data: bytes, name: str) -> npt.NDArray[np.uint8] | None:
    """Return the values of a GIF, or of an image with a palette; None for all other files.

    They are the palette's greys where it has nothing else, or else the places in the palette.
    """
    gif = data[:4] == b"GIF8"
    if not gif and data[:4] not in (b"\x89PNG", b"II*\x00", b"MM\x00*") and data[:2] != b"BM":
        return None
    try:
        with quiet_pillow, Image.open(io.BytesIO(data), formats=("GIF",) if gif else FORMATS) as image:
            if image.mode != "P" and not gif:
                return None
            DEFAULT_LIMITS.check_pixels(*image.size, name)
            if image.mode != "P":
                return np.array(image.convert("L"))
            places = np.array(image)
            colours = np.asarray(image.getpalette("RGB") or (), np.uint8).reshape(-1, 3)
    except ImageError:
        raise
    except _DAMAGE as error:
        raise ImageError("is damaged, or no mask image", path=name, fix="copy the file again") from error
    used = np.unique(places)
    if len(colours) <= int(used.max()):
        return places
    shown = colours[used]
    if (shown == shown[:, :1]).all():
        levels: npt.NDArray[np.uint8] = colours[:, 0][places]
        return levels
    return places


def _image_size(row: Row, manifest: Manifest) -> tuple[int, int]:
    """Return height and width of a row's image."""
    if row.height_px is not None and row.width_px is not None:
        return row.height_px, row.width_px
    pixels = decode(manifest.source_of(row).read(), name=row.image_id).pixels
    return pixels.shape[0], pixels.shape[1]


def _check_size(stored: npt.NDArray[np.generic], size: tuple[int, int], row: Row, source: Source) -> None:
    if stored.shape != size:
        raise DataError(
            f"the mask is {stored.shape[1]} x {stored.shape[0]}, its image {Path(row.path).name} "
            f"{size[1]} x {size[0]}",
            path=str(source),
            fix="a mask has the size of its image: save it anew, or leave the image out",
        )


def _check_levels(stored: npt.NDArray[np.generic], source: Source) -> None:
    levels = len(np.unique(stored))
    if levels > MOST_LEVELS:
        raise DataError(
            f"has {levels} grey levels: that is a picture, or a mask with blurred borders",
            path=str(source),
            fix="cut it at the half and save it as PNG (0 and 255); grey values that are classes: "
            "--mask-classes values",
        )


def _by_value(
    stored: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], classes: MaskClasses, source: Source
) -> Mask:
    known = classes.values or {}
    found, counts = np.unique(stored, return_counts=True)
    unknown = [(int(value), int(count)) for value, count in zip(found, counts, strict=True)
               if value and int(value) not in known]  # fmt: skip
    if unknown:
        told = ", ".join(f"{value} ({count} px)" for value, count in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise DataError(
            f"holds values that are no class: {told}{more}; the classes are "
            + ", ".join(f"{name} {value}" for value, name in sorted(known.items())),
            path=str(source),
            fix="name them with --mask-values, or mend the mask",
        )
    table = np.zeros(int(found.max()) + 1, np.uint8)
    for value, name in known.items():
        if value < len(table):
            table[value] = classes.number_of(name)
    mask: Mask = table[stored]
    return mask
