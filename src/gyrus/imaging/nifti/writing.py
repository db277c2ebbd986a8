"""Masks as NIfTI files: of a single image, or of a volume, each slice where it was read."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header, Nifti1Image

from gyrus.imaging.nifti.reader import place_of, sides_of, stored_axis_of
from gyrus.imaging.nifti.volume import Volume

Mask = npt.NDArray[np.uint8]
_SCANNER = 1
"""Code of an affine that leads to the scanner's millimetres."""
_LEVEL = 6


def mask_of_image(mask: Mask, pixel_mm: tuple[float, float] | None = None) -> bytes:
    """Return a mask (height, width) as .nii.gz, one slice thick; read back by gyrus it is the same.

    Parameters
    ----------
    mask : ndarray of uint8
    pixel_mm : tuple of float, optional
        Distance of rows and of columns; without it 1, and no unit.
    """
    header = Nifti1Header()
    header.set_data_dtype(np.uint8)
    height_mm, width_mm = pixel_mm or (1.0, 1.0)
    # without a stated orientation the standard's first axis runs to the left, as an image's rows do
    image = Nifti1Image(mask.T[:, ::-1, np.newaxis], np.diag([-width_mm, height_mm, 1.0, 1.0]), header)
    # a picture tells of no direction in the body: only how large its pixels are
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    image.header.set_zooms((width_mm, height_mm, 1.0))
    if pixel_mm is not None:
        image.header.set_xyzt_units("mm")
    return _packed(image)


def mask_of_volume(data: bytes, slices: Mapping[str, Mask]) -> bytes:
    """Return masks of a volume's slices as .nii.gz that lies over the volume: its shape, its affine.

    Parameters
    ----------
    data : bytes
        The NIfTI file that was asked about.
    slices : mapping of str to ndarray of uint8
        Frame (``axial:12``) -> mask (height, width); slices that are not named are 0.

    Raises
    ------
    ImageError
        When it is no NIfTI file, or has no such slice.
    """
    volume = Volume(data, numbers=False)
    marked = np.zeros(volume.shape, np.uint8)
    for frame, mask in slices.items():
        plane, index, _, _ = place_of(volume, frame)
        axis = stored_axis_of(volume, plane)
        rows, columns = sides_of(volume, plane)
        stored = index if volume.orientation[axis, 1] > 0 else volume.shape[axis] - 1 - index
        # the way of NiftiReader.pixels, backwards
        section = mask.T[::-1, ::-1]
        if volume.orientation[rows, 1] < 0:
            section = section[:, ::-1]
        if volume.orientation[columns, 1] < 0:
            section = section[::-1]
        where: list[int | slice] = [slice(None)] * 3
        where[axis] = stored
        marked[tuple(where)] = section.T if columns > rows else section
    header = Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_xyzt_units("mm")
    image = Nifti1Image(marked, volume.affine, header)
    image.set_sform(volume.affine, code=_SCANNER if volume.states_orientation else 0)
    image.set_qform(volume.affine, code=_SCANNER if volume.states_orientation else 0)
    return _packed(image)


def _packed(image: Nifti1Image) -> bytes:
    # without a time: the same mask gives the same bytes
    return gzip.compress(image.to_bytes(), compresslevel=_LEVEL, mtime=0)
