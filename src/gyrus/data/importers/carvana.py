"""Carvana's cars: ``CAR_ANGLE.jpg`` with masks ``CAR_ANGLE_mask.gif`` (Kaggle 2017)."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.config.importing import ImportOptions
from gyrus.data.importers.cheng import box_of
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place, one_by_one
from gyrus.data.manifest import Row
from gyrus.errors import DataError, ImageError
from gyrus.imaging import DEFAULT_LIMITS
from gyrus.imaging.decoding import FORMATS, quiet_pillow
from gyrus.imaging.source import read_file

_IMAGE = re.compile(r"(?P<car>[0-9a-f]{12})_(?P<angle>\d{2})", re.IGNORECASE)
_MASK = "_mask"
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
           Image.DecompressionBombError)  # fmt: skip


def _masks(place: Place) -> dict[str, str]:
    """Return the masks by the stem of their image's file name."""
    found = {}
    for name in place.files.others:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".gif" and path.stem.endswith(_MASK):
            found[path.stem.removesuffix(_MASK)] = name
    return found


def _recognises(place: Place) -> bool:
    return any(_IMAGE.fullmatch(stem) for stem in _masks(place))


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    masks = _masks(place)
    images = {PurePosixPath(name).stem: name for name in place.files.images}
    orphans = [name for stem, name in masks.items() if stem not in images]
    strangers = [name for stem, name in images.items() if not _IMAGE.fullmatch(stem)]
    if orphans or strangers or not images:
        raise DataError(
            f"{len(orphans)} masks have no image, {len(strangers)} images are not named CAR_ANGLE.jpg",
            path=place.source,
            details=[*orphans, *strangers],
            fix="put train/ and train_masks/ into one folder, and nothing else",
        )
    rows = tuple(
        _row(place.folder, stem, images[stem], masks.get(stem, ""), store)
        for stem in one_by_one(list(images))
    )
    cars = len({row.subject_id for row in rows})
    return Imported(
        rows,
        (
            f"{len(rows)} images of {cars} cars, {sum(bool(row.mask) for row in rows)} with a mask; a car is "
            "a subject, so that its views stay together.",
            "gyrus reads the images where they lie; it does not read GIF: masks are written as PNG.",
        ),
        "segment",
    )


def _row(folder: Path, stem: str, name: str, mask: str, store: ImageStore) -> Row:
    match = _IMAGE.fullmatch(stem)
    written, boxes = "", ""
    if mask:
        marked = _marks(folder / mask, folder / name)
        written = store.pixels(f"masks/{stem}", marked.astype(np.uint8) * 255)
        boxes = box_of(marked)
    return Row(
        image_id=name,
        path=name,
        subject_id=match["car"].lower() if match else "",
        subject_source="pattern",
        mask=written,
        boxes=boxes,
        facts={"angle": match["angle"] if match else ""},
    )


def _marks(path: Path, image: Path) -> npt.NDArray[np.bool_]:
    """Return what a mask in a GIF marks, bool (height, width); its first frame."""
    with _opened(path, ("GIF",)) as mask, _opened(image, FORMATS) as shown:
        if mask.size != shown.size:
            raise DataError(
                f"the mask is {mask.width} x {mask.height}, its image {image.name} {shown.width} x "
                f"{shown.height}",
                path=path,
                fix="copy both files again",
            )
        try:
            marked: npt.NDArray[np.bool_] = np.asarray(mask.convert("L")) != 0
            return marked
        except _DAMAGE as error:
            raise ImageError("is damaged", path=path, fix="copy the file again") from error


def _opened(path: Path, formats: tuple[str, ...]) -> Image.Image:
    """Open an image file and check its size, which its header tells."""
    data = read_file(path)
    try:
        with quiet_pillow:
            image = Image.open(io.BytesIO(data), formats=formats)
    except _DAMAGE as error:
        raise ImageError(f"is no {'/'.join(formats)}, or damaged", path=path, fix="copy it again") from error
    DEFAULT_LIMITS.check_pixels(*image.size, str(path))
    return image


CARVANA = Importer("carvana", "Carvana's cars with masks", _recognises, _read)
