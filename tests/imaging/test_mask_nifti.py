import gzip

import nibabel
import numpy as np
import pytest

from gyrus.imaging import DEFAULT_LIMITS
from gyrus.imaging.nifti.reader import NiftiReader
from gyrus.imaging.nifti.writing import mask_of_image, mask_of_volume

AXES = [np.eye(4), np.diag([-2.0, -1.0, 3.0, 1.0]), np.array(
    [[0, 0, 1.5, 4], [-0.7, 0, 0, 9], [0, 2.0, 0, -5], [0, 0, 0, 1]], float)]  # fmt: skip


def as_read(data, frame):
    return NiftiReader().pixels(data, DEFAULT_LIMITS, frame).pixels


@pytest.mark.parametrize("affine", AXES)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_mask_lies_where_its_slice_was_read(affine, plane):
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 255, (5, 6, 7)).astype(np.uint8)
    image = nibabel.Nifti1Image(numbers, affine)
    image.set_sform(affine, 1)
    data = image.to_bytes()
    frame = f"{plane}:3"
    seen = as_read(data, frame)
    written = mask_of_volume(data, {frame: (seen > 100).astype(np.uint8)})
    back = nibabel.Nifti1Image.from_bytes(gzip.decompress(written))
    assert np.allclose(back.affine, affine)
    marked = np.asarray(back.dataobj)
    assert marked.shape == numbers.shape
    assert marked.any()
    assert (numbers[marked > 0] > 100).all()
    assert marked.sum() == (seen > 100).sum()
    assert written == mask_of_volume(data, {frame: (seen > 100).astype(np.uint8)})


def test_a_picture_s_mask_reads_back_as_it_was():
    mask = np.zeros((9, 5), np.uint8)
    mask[2:4, 1:3], mask[7, 4] = 1, 2
    data = mask_of_image(mask, (0.5, 0.25))
    assert (as_read(data, "") == mask).all()
    header = nibabel.Nifti1Image.from_bytes(gzip.decompress(data)).header
    assert header.get_zooms()[:2] == (0.25, 0.5)
