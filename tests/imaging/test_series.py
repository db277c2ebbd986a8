"""Series of a folder or archive: ordered by place, never mixed in silence."""

import zipfile

import numpy as np
import pytest

from gyrus.errors import ImageError
from gyrus.imaging import Limits, decode
from gyrus.imaging.series import one_series, series_of
from gyrus.imaging.source import Source
from gyrus.imaging.zipped import member_bytes, members
from scan_files import dicom_bytes, ramp, write_dicom

RAMP = ramp()
PLACES = {"IM3": 10, "IM1": 5, "IM2": -5, "IM10": 0}


def at(place, **changes):
    return {"ImagePositionPatient": [0, 0, place], **changes}


@pytest.fixture
def folder(tmp_path):
    for name, place in PLACES.items():
        write_dicom(tmp_path / "s" / name, RAMP + (place + 10), **at(place))
    (tmp_path / "s" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "s" / "notes.txt").write_text("no scan")
    return tmp_path / "s"


def test_slices_come_by_their_places(folder):
    (series,) = series_of(folder)
    assert [one.source.path.name for one in series.slices] == ["IM2", "IM10", "IM1", "IM3"]
    assert one_series(folder).describe() == "MR axial of 4 images"


def test_an_archive_is_read_as_its_folder(folder, tmp_path):
    archive = tmp_path / "s.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for path in folder.iterdir():
            writer.write(path, f"study/{path.name}")
    series = one_series(archive)
    assert [one.source.frame for one in series.slices] == [
        "study/IM2",
        "study/IM10",
        "study/IM1",
        "study/IM3",
    ]
    np.testing.assert_array_equal(decode(series.slices[0].source.read(), name="x").pixels, RAMP + 5)
    assert str(series.slices[0].source) == f"{archive}#study/IM2"


def test_without_places_their_numbers_order(tmp_path):
    for name, number in (("a", 2), ("b", 1)):
        write_dicom(tmp_path / name, RAMP, ImagePositionPatient=None, InstanceNumber=number)
    assert [one.source.path.name for one in one_series(tmp_path).slices] == ["b", "a"]


def test_mixed_series(folder):
    write_dicom(folder / "other", RAMP, **at(0, SeriesInstanceUID="9.9", SeriesDescription="t2 tse"))
    assert len(series_of(folder)) == 2
    with pytest.raises(ImageError, match=r"mixes 2 series: .*MR axial of 4 images"):
        one_series(folder)


def test_one_slice_is_no_volume(tmp_path):
    write_dicom(tmp_path / "a", RAMP)
    with pytest.raises(ImageError, match="one slice, no volume"):
        one_series(tmp_path)


def test_two_sizes_or_two_at_one_place(folder):
    write_dicom(folder / "again", RAMP, **at(5))
    with pytest.raises(ImageError, match="two slices at one place"):
        one_series(folder)
    write_dicom(folder / "again", RAMP[:8], **at(50))
    with pytest.raises(ImageError, match="2 sizes and 1 planes"):
        one_series(folder)


def test_no_dicom(tmp_path):
    with pytest.raises(ImageError, match="holds no DICOM file"):
        series_of(tmp_path)


def test_archives_that_are_none_or_hostile(tmp_path):
    broken = tmp_path / "a.zip"
    broken.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(ImageError, match="no zip archive"):
        members(broken)
    bomb = tmp_path / "b.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("a.dcm", bytes(3_000_000))
        writer.writestr("c.dcm", dicom_bytes(RAMP))
    with pytest.raises(ImageError, match="3,000,000 bytes; the limit is 1,000,000"):
        member_bytes(bomb, "a.dcm", Limits(max_file_bytes=1_000_000))
    with pytest.raises(ImageError, match="not in the archive"):
        Source(bomb, "../../etc/passwd").read()
    lying = bytearray(bomb.read_bytes())
    place = lying.rindex(b"PK\x01\x02")  # the directory's last entry: c.dcm
    lying[place + 24 : place + 28] = (100).to_bytes(4, "little")
    bomb.write_bytes(bytes(lying))
    with pytest.raises(ImageError):
        decode(member_bytes(bomb, "c.dcm", Limits()), name="c")
