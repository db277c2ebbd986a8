"""The folder of ``gyrus predict --masks``: every mask as PNG and as NIfTI."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.imaging import DEFAULT_LIMITS
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of
from gyrus.imaging.nifti.writing import mask_of_image, mask_of_volume
from gyrus.imaging.source import Source
from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.mask_rows import mask_png
from gyrus.runs.atomic import write_bytes
from gyrus.verbs.predict_folder import FreeStems, check_new

NIFTI = ".nii.gz"


class MaskFolder:
    """Writes the masks of one image after the other.

    A PNG holds the class numbers. A NIfTI file is written for each image; of a NIfTI volume, one for all of
    its slices that were asked about, in the volume's own shape and place.

    Parameters
    ----------
    path : Path
        A new or empty folder.

    Raises
    ------
    UsageError
        When something lies in the folder.
    """

    def __init__(self, path: Path) -> None:
        check_new(path)
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._stems = FreeStems()
        self._volume: Path | None = None
        self._slices: dict[str, npt.NDArray[np.uint8]] = {}

    def add(self, evidence: Evidence) -> Path | None:
        """Write the mask of an image, and return the PNG's place; None of a refused image."""
        told, asked = evidence.answer.segmentation, evidence.asked
        if self._volume is not None and asked.source.path != self._volume:
            self._end_volume()
        if told is None or evidence.refused is not None:
            return None
        place = self.path / f"{self._stems.free(asked)}.png"
        write_bytes(place, mask_png(told.mask))
        if _is_volume(asked):
            self._volume = asked.source.path
            self._slices[asked.source.frame] = told.mask
        else:
            spacing = asked.spacing
            data = mask_of_image(told.mask, None if spacing is None else spacing.pixel_mm)
            write_bytes(place.with_suffix(NIFTI), data)
        return place

    def close(self) -> None:
        """Write the volume that is still open."""
        if self._volume is not None:
            self._end_volume()

    def _end_volume(self) -> None:
        assert self._volume is not None
        data = Source(self._volume).read(DEFAULT_LIMITS)
        stem = self._stems.free(Asked(Source(self._volume.with_suffix("")), ""))
        write_bytes(self.path / f"{stem}{NIFTI}", mask_of_volume(data, self._slices))
        self._volume, self._slices = None, {}


def _is_volume(asked: Asked) -> bool:
    if ":" not in asked.source.frame:
        return False
    with asked.source.path.open("rb") as stream:
        return kind_of(stream.read(BEGINNING_BYTES)) == "nifti"
