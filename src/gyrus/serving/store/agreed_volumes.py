"""Masks of a scan's slices that a reviewer agreed with, as one label map that lies over the scan."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of

MOST_VOXELS = 2**27
"""Of a larger scan (or one whose header says so) a server does not set the memory aside."""


def label_map_of(scan: bytes, masks: Mapping[str, bytes]) -> bytes | None:
    """Return masks of slices as .nii.gz with the shape and the affine of the scan.

    Parameters
    ----------
    scan : bytes
        The file that was asked about.
    masks : mapping of str to bytes
        Frame (``axial:12``) -> mask, a PNG.

    Returns
    -------
    bytes or None
        None where the scan has no affine (DICOM), or is too large.
    """
    if kind_of(scan[:BEGINNING_BYTES]) != "nifti":
        return None
    from gyrus.imaging.nifti.volume import Volume  # nibabel: only where a NIfTI file is exported
    from gyrus.imaging.nifti.writing import mask_of_volume

    try:
        if math.prod(Volume(scan, numbers=False).shape) > MOST_VOXELS:
            return None
        return mask_of_volume(scan, {frame: _read(data) for frame, data in masks.items()})
    except ImageError:  # the header is read another way than when it was answered: the PNGs remain
        return None


def _read(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image, np.uint8)
