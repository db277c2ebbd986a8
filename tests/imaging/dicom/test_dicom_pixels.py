"""Pixels of DICOM files, by way of the child process."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from gyrus.errors import ImageError
from gyrus.imaging import as_uint8, decode
from gyrus.imaging.frames import frames_of
from gyrus.imaging.source import Source
from scan_files import PLANTED, dicom_bytes, dicom_dataset, ramp, with_syntax, write_dicom

RAMP = ramp()


def read(data):
    return decode(data, name="scan.dcm")


def refused(data, message):
    with pytest.raises(ImageError, match=message) as caught:
        read(data)
    assert caught.value.path == "scan.dcm"
    assert PLANTED not in str(caught.value)
    assert "MRN-0815" not in str(caught.value)


def test_stored_numbers_come_through_unchanged():
    decoded = read(dicom_bytes(RAMP))
    assert decoded.pixels.dtype == np.uint16
    np.testing.assert_array_equal(decoded.pixels, RAMP)
    assert (decoded.format, decoded.mode, decoded.window, decoded.notes) == ("DICOM", "MONOCHROME2", None, ())


def test_bytes_stay_bytes():
    pixels = (RAMP // 16).astype(np.uint8)
    np.testing.assert_array_equal(read(dicom_bytes(pixels)).pixels, pixels)


def test_negative_numbers_are_raised_by_one_offset():
    signed = RAMP.astype(np.int16) - 1024
    np.testing.assert_array_equal(read(dicom_bytes(signed)).pixels, signed.astype(np.int32) + 32768)


def test_monochrome1_is_turned():
    data = dicom_bytes(RAMP, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read(data).pixels, 4095 - RAMP)


def test_the_window_of_the_file_is_used_in_its_own_units():
    hounsfield = dicom_bytes(
        RAMP, Modality="CT", RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=1000, WindowWidth=401
    )
    decoded = read(hounsfield)
    grey = as_uint8(decoded, "grey")[:, :, 0]
    units = RAMP.astype(float) * 2 - 1024
    expected = np.clip((units - (1000 - 0.5 - 200)) / 400, 0, 1) * 255  # PS3.3 C.11.2.1.2.1
    np.testing.assert_allclose(grey, expected, atol=0.51)
    assert len(np.unique(grey)) > 3


def test_the_first_policy_takes_percentiles_whatever_the_file_says():
    windowed = read(dicom_bytes(RAMP, WindowCenter=100, WindowWidth=50))
    plain = read(dicom_bytes(RAMP))
    np.testing.assert_array_equal(as_uint8(windowed, "grey", "grey8/1"), as_uint8(plain, "grey"))
    assert not np.array_equal(as_uint8(windowed, "grey"), as_uint8(plain, "grey"))


def test_a_window_and_monochrome1_meet():
    straight = read(dicom_bytes(RAMP, WindowCenter=2000, WindowWidth=1001, BitsStored=12, HighBit=11))
    turned = read(
        dicom_bytes(
            4095 - RAMP, PhotometricInterpretation="MONOCHROME1", WindowCenter=4095 - 2000 + 1,
            WindowWidth=1001, BitsStored=12, HighBit=11,
        )
    )  # fmt: skip
    np.testing.assert_array_equal(as_uint8(straight, "grey"), as_uint8(turned, "grey"))


@pytest.mark.parametrize("width", ["1", "0", "-3"])
def test_a_window_that_is_none_is_not_used_and_said(width):
    decoded = read(dicom_bytes(RAMP, WindowCenter=10, WindowWidth=width))
    assert decoded.window is None
    assert "is no window" in decoded.notes[0]


def test_padding_is_no_part_of_the_percentiles():
    signed = RAMP.astype(np.int16)
    signed[:, :4] = -2000
    decoded = read(dicom_bytes(signed, PixelPaddingValue=-2000))
    assert decoded.pixels.min() == signed[:, 4:].min()


def test_colour_becomes_rgb_and_is_remarked_where_grey_is_expected():
    colour = np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    decoded = read(dicom_bytes(colour))
    np.testing.assert_array_equal(decoded.pixels, colour)
    assert "is in colour" in decoded.notes[0]
    assert as_uint8(decoded, "grey").shape == (8, 9, 1)


def test_colour_of_equal_channels_is_grey():
    grey = (RAMP // 16).astype(np.uint8)
    decoded = read(dicom_bytes(np.repeat(grey[:, :, np.newaxis], 3, axis=2)))
    np.testing.assert_array_equal(decoded.pixels, grey)
    assert decoded.notes == ()


def test_frames_are_read_one_by_one_and_named(tmp_path):
    frames = np.stack([RAMP + number for number in range(5)])
    path = write_dicom(tmp_path / "many.dcm", frames)
    facts = frames_of(path)
    assert facts.frames == ("0", "1", "2", "3", "4")
    for number in (0, 4):
        decoded = decode(Source(path, str(number)).read(), name="x")
        np.testing.assert_array_equal(decoded.pixels, frames[number])
    whole = read(path.read_bytes())
    np.testing.assert_array_equal(whole.pixels, frames[2])
    assert whole.notes == ("holds 5 frames; the middle one is read",)
    for frame in ("5", "-1", "²"):
        with pytest.raises(ImageError, match="has no such frame; its 5 frames"):
            Source(path, frame).read()


def test_enhanced_frames_have_their_own_places_and_slopes(tmp_path):
    dataset = dicom_dataset(np.stack([RAMP, RAMP, RAMP]))
    del dataset.ImagePositionPatient
    dataset.PerFrameFunctionalGroupsSequence = []
    for place, slope in ((10, 1), (0, 2), (5, -1)):
        group, position, values = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, place]
        values.RescaleSlope, values.RescaleIntercept = slope, 0
        group.PlanePositionSequence = [position]
        group.PixelValueTransformationSequence = [values]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    path = tmp_path / "enhanced.dcm"
    dataset.save_as(path, enforce_file_format=True)
    assert frames_of(path).frames == ("1", "2", "0")
    turned = decode(Source(path, "2").read(), name="x").pixels
    assert turned[0, 0] > turned[0, -1]


def test_a_mosaic_is_named_as_such(tmp_path):
    path = write_dicom(tmp_path / "a", RAMP, ImageType=["ORIGINAL", "PRIMARY", "DIFFUSION", "MOSAIC"])
    assert frames_of(path).facts["mosaic"] == "yes"
    assert "is a mosaic" in read(path.read_bytes()).notes[0]


def test_burnt_in_text_is_remarked():
    assert "burnt into" in read(dicom_bytes(RAMP, BurnedInAnnotation="YES")).notes[0]


def test_not_dicom():
    refused(b"\0" * 128 + b"DICM", "holds no DICOM element that is known")
    refused(b"\0" * 128 + b"DICM" + b"rubbish" * 40, "damaged|no DICOM")


def test_no_pixel_data():
    refused(dicom_bytes(RAMP, PixelData=None), r"without PixelData \(MR Image Storage\)")


def test_unknown_syntax_and_the_plug_in_that_reads_it():
    refused(
        with_syntax(dicom_bytes(RAMP), "1.2.3.4.5"), "a transfer syntax that is not known, which is not read"
    )
    refused(dicom_bytes(RAMP, TransferSyntaxUID="1.2.840.10008.1.2.4.70"), "JPEG Lossless.*needs python-gdcm")


def test_lying_header():
    refused(dicom_bytes(RAMP, Rows=25), r"is truncated: its pixels take 1,600 bytes, and 1,536 are there")
    refused(
        dicom_bytes(RAMP, Rows=65535, Columns=65535), "65535 x 65535 = 4,294,836,225 pixels; the limit is"
    )
    refused(dicom_bytes(RAMP, NumberOfFrames=1000), "is truncated")
    refused(dicom_bytes(RAMP, NumberOfFrames="-3"), "NumberOfFrames is not 1 to")
    refused(dicom_bytes(RAMP, Columns=0), "Columns is no size")


def test_zero_slope():
    refused(dicom_bytes(RAMP, RescaleSlope=0, RescaleIntercept=5), "RescaleSlope is 0")


@pytest.mark.parametrize(
    ("beginning", "what"),
    [(b"MZ", "a Windows program"), (b"\x7fELF", "a Linux program"), (b"\x89PNG", "a PNG")],
)
def test_a_file_with_a_second_life_is_refused(beginning, what, tmp_path):
    data = beginning + dicom_bytes(RAMP)[len(beginning) :]
    refused(data, f"begins like {what}")
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    with pytest.raises(ImageError, match="begins like"):
        frames_of(path)


def test_a_truncated_file_is_named_so():
    data = dicom_bytes(RAMP)
    refused(data[:-100], "is truncated")


@pytest.mark.parametrize(
    "name", ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_bigendian", "MR_small_implicit"]
)
def test_every_syntax_gives_the_same_pixels(shared_data, name):
    folder = shared_data / "dicom_nifti/pydicom/src/pydicom/data/test_files"
    if not folder.is_dir():
        pytest.skip("no DICOM files in ../shared/data")
    plain = decode((folder / "MR_small.dcm").read_bytes(), name="a")
    np.testing.assert_array_equal(
        decode((folder / f"{name}.dcm").read_bytes(), name="b").pixels, plain.pixels
    )
