"""The images below a folder and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gyrus.data.files import list_files
from gyrus.errors import DataError
from gyrus.imaging import decode
from gyrus.imaging.source import Source


@dataclass(frozen=True, slots=True)
class Sized:
    """An image file, what it may be called, and its size."""

    names: tuple[str, ...]
    source: Source
    width_px: int
    height_px: int


def sized_images(folder: Path) -> dict[str, Sized]:
    """Return the images below a folder by their path without ending.

    Raises
    ------
    DataError
        When it is no folder, holds no image, or two that differ in their ending only.
    ImageError
        For one that cannot be read.
    """
    if not folder.is_dir():
        raise DataError("is no folder of images", path=folder, fix="check --images")
    found: dict[str, Sized] = {}
    for name in list_files(folder).images:
        pure = PurePosixPath(name)
        stem = pure.with_suffix("").as_posix()
        if stem in found:
            raise DataError(
                f"holds two images called {stem}", path=folder, fix="rename one of them", details=[name]
            )
        source = Source(folder / name)
        # decoded, not asked by the header alone: a camera's turn of the picture swaps the sides
        height, width = decode(source.read(), name=str(source)).pixels.shape[:2]
        found[stem] = Sized(tuple(dict.fromkeys((name, pure.name, pure.stem))), source, width, height)
    if not found:
        raise DataError("holds no image", path=folder, fix="check --images")
    return found
