"""Telling files by their bytes, and DICOM files by names that say nothing."""

import gzip

import pytest

from gyrus.imaging.kinds import is_scan_name, kind_of, kind_of_file, may_be_scan
from scan_files import dicom_bytes, ramp, write_nifti


def test_kinds(tmp_path):
    nifti = write_nifti(tmp_path / "a.nii", ramp()[:, :, None]).read_bytes()
    assert kind_of(dicom_bytes(ramp())) == "dicom"
    assert kind_of(nifti) == kind_of(gzip.compress(nifti)) == "nifti"
    assert kind_of(b"\0\0\x08\x03" + bytes(20)) == "idx"
    assert kind_of(b"\x89PNG\r\n\x1a\n" + bytes(400)) == "image"
    assert kind_of(b"\x89PNG" + nifti[4:]) == "image"
    assert kind_of(b"") == "nothing"
    assert kind_of(b"text that is none of all this, whatever it is worth") == "image"


def test_a_gzipped_idx_file_is_told_by_its_name(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03"))
    assert kind_of_file(path) == "idx"
    assert kind_of_file(tmp_path / "absent") == "nothing"
    assert kind_of_file(tmp_path) == "nothing"


@pytest.mark.parametrize("name", ["a.dcm", "A.DCM", "x/b.dicom", "c.IMA", "d.nii", "e.nii.gz", "E.NII.GZ"])
def test_names_of_scans(name):
    assert is_scan_name(name)


def test_other_names():
    assert not any(map(is_scan_name, ["a.png", "a.gz", "nii.gz.txt", "dcm", "a.json"]))
    assert all(map(may_be_scan, ["IM0001", "MR.1.3.12.2.1107.5.2", "98892001/CT2N/6154"]))
    assert not any(map(may_be_scan, ["DICOMDIR", "x/dicomdir", "a.png", "notes.txt", "b.mgz"]))
