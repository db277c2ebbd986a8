"""NIfTI files, by way of the child process."""

import gzip
import itertools

import nibabel
import numpy as np
import pytest

from gyrus.data.masks import stored_values
from gyrus.errors import ImageError
from gyrus.imaging import decode, read_image
from gyrus.imaging.frames import frames_of
from gyrus.imaging.source import Source
from scan_files import write_nifti

# of each voxel, where it lies: x to the right, y to the front, z up
RAS = np.fromfunction(lambda x, y, z: 1 + x * 100 + y * 10 + z, (5, 6, 4)).astype(np.int16)


def pixels(path, frame=""):
    return decode(Source(path, frame).read(), name=str(path)).pixels


def refused(path, message, frame=""):
    with pytest.raises(ImageError, match=message) as caught:
        pixels(path, frame)
    assert str(path) in str(caught.value.path)


def stored_as(axes, signs):
    """Return the volume as another scanner stores it, with the affine that says so."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    stored = RAS.transpose(axes)
    for axis, (body, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[body, axis] = sign * (1.0, 1.5, 3.0)[body]
        if sign < 0:
            stored = np.flip(stored, axis)
    return stored, affine


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, 1)])
def test_however_it_is_stored_a_slice_looks_the_same(tmp_path, axes, signs):
    stored, affine = stored_as(axes, signs)
    path = write_nifti(tmp_path / "a.nii", np.ascontiguousarray(stored), affine)
    # right of the patient on the left, front or top above, the nose of a sagittal slice to the left
    np.testing.assert_array_equal(pixels(path, "axial:1"), RAS[::-1, ::-1, 1].T)
    np.testing.assert_array_equal(pixels(path, "coronal:2"), RAS[::-1, 2, ::-1].T)
    np.testing.assert_array_equal(pixels(path, "sagittal:3"), RAS[3, ::-1, ::-1].T)
    facts = frames_of(path, plane="coronal")
    assert facts.frames == tuple(f"coronal:{number}" for number in range(6))
    assert (facts.width_px, facts.height_px) == (5, 4)
    assert facts.facts["spacing_mm"] == "3 x 1 x 1.5"


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.float32, np.float64, ">i2", ">f4"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_types_and_byte_orders(tmp_path, kind, ending):
    small = (RAS % 250).astype(kind)
    found = pixels(write_nifti(tmp_path / f"a{ending}", small), "axial:0")
    np.testing.assert_array_equal(found, small[::-1, ::-1, 0].T)
    assert found.dtype == (np.uint8 if kind is np.uint8 else np.uint16)


def test_the_slice_in_the_middle_where_none_is_named(tmp_path):
    path = write_nifti(tmp_path / "a.nii", RAS)
    decoded = decode(path.read_bytes(), name="a")
    np.testing.assert_array_equal(decoded.pixels, RAS[::-1, ::-1, 2].T)
    assert decoded.notes == ("holds 4 axial slices; the middle one is read",)
    assert read_image(path).shape == (6, 5, 1)


def test_four_dimensions(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", np.stack([RAS, RAS * 2], axis=3))
    np.testing.assert_array_equal(pixels(path, "axial:0:1"), 2 * RAS[::-1, ::-1, 0].T)
    assert frames_of(path).notes == ("holds 2 volumes; the first is read",)
    refused(path, "4 axial slices and 2 volumes", "axial:0:2")


def test_five_dimensions(tmp_path):
    refused(
        write_nifti(tmp_path / "a.nii", np.zeros((3, 3, 2, 2, 2), np.int16)),
        r"5 dimensions \(3 x 3 x 2 x 2 x 2\)",
    )
    flat = write_nifti(tmp_path / "b.nii", RAS[..., np.newaxis, np.newaxis])
    assert pixels(flat, "axial:0").shape == (6, 5)


def test_a_volume_of_one_slice_has_one_plane(tmp_path):
    path = write_nifti(tmp_path / "a.nii", RAS[2:3])
    facts = frames_of(path, plane="axial")
    assert facts.frames == ("sagittal:0",)
    assert facts.notes == ("is one slice thick; its plane is sagittal",)
    np.testing.assert_array_equal(pixels(path), RAS[2, ::-1, ::-1].T)
    refused(path, "its only plane is sagittal", "axial:0")


def test_an_affine_of_nan(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", RAS, srow_x=[np.nan, 0, 0, 0]), "affine holds NaN")


NO_DISTANCE = np.array([1, np.nan, np.inf, np.nan, 0, 0, 0, 0], np.float32)


@pytest.mark.parametrize("pixdim", [NO_DISTANCE, np.full(8, np.nan, np.float32)])
def test_a_spacing_that_is_none_is_that_of_a_sound_affine(tmp_path, pixdim):
    whole, affine = stored_as((0, 1, 2), (-1, 1, 1))
    path = write_nifti(tmp_path / "a.nii", np.ascontiguousarray(whole), affine, pixdim=pixdim)
    facts = frames_of(path)
    assert facts.facts["spacing_mm"] == "1.5 x 1 x 3"
    assert facts.notes == ("its pixdim holds what is no distance; its spacing is that of its affine",)
    np.testing.assert_array_equal(pixels(path, "axial:1"), RAS[::-1, ::-1, 1].T)
    label_map = write_nifti(tmp_path / "b.nii", (RAS % 3).astype(np.uint8), affine, pixdim=pixdim)
    assert set(np.unique(stored_values(Source(label_map, "axial:0")))) == {0, 1, 2}


@pytest.mark.parametrize("codes", [(0, 0), (0, 1)])
def test_a_spacing_that_is_none_and_no_sform(tmp_path, codes):
    header = {"pixdim": NO_DISTANCE, "sform_code": codes[0], "qform_code": codes[1]}
    path = write_nifti(tmp_path / "a.nii", RAS, **header)
    with pytest.raises(ImageError, match="affine holds NaN") as caught:
        frames_of(path)
    assert "pixdim" in caught.value.fix


def test_a_qform_where_the_sform_cannot_be_used(tmp_path):
    codes = {"sform_code": 1, "qform_code": 1}
    path = write_nifti(tmp_path / "a.nii", RAS, np.diag([1, 1.5, 3, 1]), srow_x=[np.nan, 0, 0, 0], **codes)
    facts = frames_of(path)
    assert facts.facts["spacing_mm"] == "1.5 x 1 x 3"
    assert facts.notes == ("its sform cannot be used; its qform is",)


def test_a_quaternion_without_handedness_has_the_usual_one(tmp_path):
    pixdim = np.array([0, 1, 1.5, 3, 0, 0, 0, 0], np.float32)
    path = write_nifti(tmp_path / "a.nii", RAS, sform_code=0, qform_code=1, pixdim=pixdim)
    assert frames_of(path).facts["spacing_mm"] == "1.5 x 1 x 3"
    refused(
        write_nifti(tmp_path / "b.nii", RAS, sform_code=0, qform_code=1, quatern_b=3),
        "cannot be made of its quaternion",
    )


def test_an_affine_that_lays_two_axes_on_one(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", RAS, srow_x=[0, 0, 0, 0]), "affine lays two axes on one")


def test_a_slope_of_zero_means_as_stored(tmp_path):
    path = write_nifti(tmp_path / "a.nii", RAS, scl_slope=0, scl_inter=7)
    np.testing.assert_array_equal(pixels(path, "axial:0"), RAS[::-1, ::-1, 0].T)


def test_a_negative_slope_turns_dark_and_bright(tmp_path):
    found = pixels(write_nifti(tmp_path / "a.nii", RAS, scl_slope=-1, scl_inter=1000), "axial:0")
    np.testing.assert_array_equal(found, 1000 - RAS[::-1, ::-1, 0].T)


def test_a_slope_that_is_no_number(tmp_path):
    refused(
        write_nifti(tmp_path / "a.nii", RAS, scl_slope=np.inf, scl_inter=0),
        "scl_slope or scl_inter is no number",
    )


def test_pixels_that_are_no_numbers(tmp_path):
    numbers = RAS.astype(np.float32)
    numbers[0, 0, 0] = np.nan
    decoded = decode(Source(write_nifti(tmp_path / "a.nii", numbers), "axial:0").read(), name="a")
    assert "read as the least" in decoded.notes[0]
    refused(
        write_nifti(tmp_path / "b.nii", np.full((3, 3, 3), np.nan, np.float32)), "no pixel that is a number"
    )


def test_colours_and_complex_numbers(tmp_path):
    refused(write_nifti(tmp_path / "a.nii", RAS.astype(np.complex64)), "colours or complex numbers")


def test_no_orientation_is_said(tmp_path):
    path = write_nifti(tmp_path / "a.nii", RAS, sform_code=0, qform_code=0)
    assert "states no orientation" in frames_of(path).notes[0]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_truncated_and_lying_files(tmp_path, ending):
    whole = write_nifti(tmp_path / "a.nii", RAS).read_bytes()
    path = tmp_path / f"cut{ending}"
    packed = gzip.compress if ending == ".nii.gz" else bytes
    path.write_bytes(packed(whole[:-20]))
    refused(path, "is truncated: by its header it has 592 bytes, and 572 are there")
    path.write_bytes(packed(whole[:200]))
    refused(path, "is no NIfTI file|is no PNG|is truncated")
    lying = bytearray(whole)
    lying[42:48] = np.array([30000, 30000, 2], "<i2").tobytes()
    path.write_bytes(packed(bytes(lying)))
    refused(path, "is truncated|pixels; the limit is")


def test_a_gzip_of_something_else(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(b"no scan at all" * 100))
    refused(path, "is no NIfTI file")
    path.write_bytes(gzip.compress(b"x" * 1000)[:-6])
    refused(path, "is no NIfTI file|damaged or cut off")


def test_no_such_slice(tmp_path):
    path = write_nifti(tmp_path / "a.nii", RAS)
    for frame in ("axial:4", "axial:-1", "upwards:1", "axial:x", "axial:", "3"):
        refused(path, "has no such slice", frame)


def test_real_volumes(shared_data):
    path = shared_data / "dicom_nifti/nibabel/doc/source/downloads/someones_anatomy.nii.gz"
    if not path.is_file():
        pytest.skip("no NIfTI files in ../shared/data")
    image = nibabel.load(path)
    stored = nibabel.Nifti1Image(np.asarray(image.dataobj.get_unscaled()), image.affine)
    canonical = np.asarray(nibabel.as_closest_canonical(stored).dataobj)
    np.testing.assert_array_equal(pixels(path, "axial:30"), canonical[::-1, ::-1, 30].T)
    np.testing.assert_array_equal(pixels(path, "sagittal:20"), canonical[20, ::-1, ::-1].T)
