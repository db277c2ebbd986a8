"""Images that an importer writes, because gyrus does not read the container that they come in.

Nothing is lost: pixels are written as PNG with as many bits as they had, files that lie within another file
byte by byte.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.errors import DataError, ImageError

Written = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
_UNSAFE = re.compile(r"[^\w.\-]+")
_LONGEST = 120


class ImageStore:
    """A folder of images under construction.

    Parameters
    ----------
    folder : Path
        Where to write.
    target : Path
        Where the folder will stand when it is complete: what :meth:`pixels` and :meth:`file` return starts
        with it.

    Attributes
    ----------
    count : int
        Files written.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder = folder
        self._target = target.resolve()
        self._names: set[str] = set()
        self.count = 0

    def pixels(self, name: str, pixels: Written) -> str:
        """Write pixels (height, width) or (height, width, 3) as PNG and return the path.

        Parameters
        ----------
        name : str
            Path below the folder, without ending; letters that a file name cannot have are replaced.
        pixels : ndarray
            uint8, or uint16 for grey.
        """
        buffer = io.BytesIO()
        # level 1: an eighth larger than 6 on slices, and three times as fast
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
        return self.file(f"{name}.png", buffer.getvalue())

    def file(self, name: str, data: bytes) -> str:
        """Write a file as it is and return its path.

        Raises
        ------
        DataError
            When one of that name was written before.
        """
        safe = "/".join(_safe(part) for part in name.split("/") if part not in ("", ".", ".."))
        if not safe or safe.casefold() in self._names:
            raise DataError(f"two images would be written as {safe!r}", fix="give them names of their own")
        self._names.add(safe.casefold())
        path = self._folder / safe
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.count += 1
        return (self._target / safe).as_posix()


def _safe(part: str) -> str:
    clean = _UNSAFE.sub("_", part).strip(".") or "_"
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[: _LONGEST - len(ending)]}{dot}{ending}" if len(clean) > _LONGEST else clean


def unsigned(pixels: npt.NDArray[np.integer], name: str) -> tuple[Written, str]:
    """Return whole numbers as uint8 or uint16 without loss, and what was done where they were shifted.

    Raises
    ------
    ImageError
        When they span more than 16 bits.
    """
    low, high = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False), ""
    if low >= 0 and high <= 65535:
        return pixels.astype(np.uint16), ""
    if high - low > 65535:
        raise ImageError(f"holds numbers from {low} to {high}; a PNG holds 16 bits", path=name)
    shifted = (pixels.astype(np.int64) - low).astype(np.uint16)
    return shifted, f"pixel values are written plus {-low}"
