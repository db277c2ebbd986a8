"""Pixels straight from the files, with the face of the pixel cache: for data that are too large to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyrus.data.manifest import Manifest
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.training.dataset import ImageDataset


class FilePixels:
    """The labelled images of a manifest; each is read and brought to a square whenever it is asked for.

    They are the very pixels that the cache would hold.

    Parameters
    ----------
    manifest : Manifest
    geometry : Geometry
        How an image becomes a square.
    color : {"grey", "rgb"}
        How files are read.
    """

    def __init__(self, manifest: Manifest, geometry: Geometry, color: Color) -> None:
        labelled = manifest.with_rows(row for row in manifest if row.label)
        self._images = ImageDataset(labelled, transform=geometry.apply, color=color)
        self._row_of = {row.image_id: number for number, row in enumerate(labelled)}
        side = geometry.size_px
        self.shape = (len(labelled), side, side, {"grey": 1, "rgb": 3}[color])

    @property
    def pixels(self) -> FilePixels:
        """What is indexed by rows: itself."""
        return self

    def rows_of(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the row of each image."""
        return np.array([self._row_of[image_id] for image_id in image_ids], dtype=np.int64)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return the squares (len(rows), side, side, channels) of some rows.

        Raises
        ------
        ImageError
            When a file cannot be read; names it.
        """
        return np.stack([self._images[int(row)][0] for row in rows])
