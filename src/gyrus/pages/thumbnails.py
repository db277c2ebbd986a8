"""Small pictures of a data set's images for a page, within a budget of bytes."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.data.manifest import Manifest, Row
from gyrus.errors import ImageError
from gyrus.imaging import read_image
from gyrus.imaging.look import look, orient
from gyrus.imaging.reading import Color

SIDE_PX = 160
_QUALITY = 72
_KEPT = 256  # decoded thumbnails held at once: a pair's pictures are asked for in different orientations


class Thumbnails:
    """Thumbnails by ``image_id``, as ``data:`` addresses (JPEG).

    Parameters
    ----------
    manifest : Manifest
        Where the images lie.
    color : {"grey", "rgb"}
        Reading policy.
    budget_bytes : int
        Once so many bytes were given out there are no more pictures.
    """

    def __init__(self, manifest: Manifest, color: Color, budget_bytes: int) -> None:
        self._manifest = manifest
        self._rows: dict[str, Row] = {row.image_id: row for row in manifest}
        self._color = color
        self.left_bytes = budget_bytes
        self._small: dict[str, npt.NDArray[np.uint8] | None] = {}

    def address(self, image_id: str, orientation: int = 0) -> str | None:
        """Return a thumbnail, moved as ``orientation`` says (:func:`gyrus.imaging.look.orient`).

        None where the budget is spent or the file cannot be read any more.
        """
        pixels = self.pixels(image_id)
        if pixels is None or self.left_bytes <= 0:
            return None
        moved = np.moveaxis(orient(np.moveaxis(pixels, -1, 0), orientation), 0, -1)
        picture = Image.fromarray(np.ascontiguousarray(moved.squeeze(-1) if moved.shape[-1] == 1 else moved))
        buffer = io.BytesIO()
        picture.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
        written = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
        self.left_bytes -= len(written)
        return written

    def pixels(self, image_id: str) -> npt.NDArray[np.uint8] | None:
        """Return the small picture (height, width, channels), the longer side at most 160 pixels."""
        if image_id not in self._small:
            if len(self._small) >= _KEPT:
                self._small.pop(next(iter(self._small)))
            self._small[image_id] = self._read(image_id)
        return self._small[image_id]

    def look(self, image_id: str) -> npt.NDArray[np.uint8] | None:
        """Return the picture at 64 x 64, grey; see :func:`gyrus.imaging.look.look`."""
        pixels = self.pixels(image_id)
        if pixels is None:
            return None
        grey = pixels[:, :, 0] if pixels.shape[2] == 1 else np.asarray(Image.fromarray(pixels).convert("L"))
        return look(grey)

    def _read(self, image_id: str) -> npt.NDArray[np.uint8] | None:
        row = self._rows.get(image_id)
        if row is None:
            return None
        try:
            pixels = read_image(self._manifest.source_of(row), color=self._color)
        except (ImageError, OSError):  # moved or changed since the audit: its name is still shown
            return None
        picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
        picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        small = np.asarray(picture)
        return small[:, :, np.newaxis] if small.ndim == 2 else small
