"""Facts of DICOM headers: fixed words, numbers, keyed hashes, nothing else."""

import json
from dataclasses import asdict
from io import BytesIO

import pytest

from gyrus.imaging.dicom import words
from gyrus.imaging.frames import frames_of, frames_of_bytes
from gyrus.imaging.patient_key import keyed_hash, patient_key
from scan_files import PLANTED, dicom_dataset, ramp, write_dicom

RAMP = ramp()


def facts(tmp_path, **changes):
    return frames_of(write_dicom(tmp_path / "a.dcm", RAMP, **changes))


def test_what_a_header_tells(tmp_path):
    found = facts(
        tmp_path, BodyPartExamined="BRAIN ", SeriesDescription="Ax T1 SE +C", BurnedInAnnotation="NO",
        ImagePositionPatient=[1, 2, -12.5],
    )  # fmt: skip
    assert (found.kind, found.frames, found.width_px, found.height_px) == ("dicom", ("",), 32, 24)
    assert found.facts == {
        "modality": "MR", "body_part": "BRAIN", "sequence": "T1 contrast",
        "spacing_mm": "0.5 x 0.75 x 5", "burnt_in": "no", "position": "-12.5",
        "series": keyed_hash(patient_key(), "series", "1.2.3.4.5"),
    }  # fmt: skip
    assert found.subject == "p-" + keyed_hash(patient_key(), "patient", "MRN-0815")


def test_another_key_gives_other_patients(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RAMP)
    one, other, again = (frames_of(path, key=bytes([number] * 32)).subject for number in (1, 2, 1))
    assert one == again != other


def test_planted_names_come_through_nowhere(tmp_path):
    planted = dict.fromkeys(
        ("SeriesDescription", "ProtocolName", "SequenceName", "BodyPartExamined", "Modality",
         "ContrastBolusAgent", "PatientID", "StudyID", "AccessionNumber", "InstitutionName",
         "PatientComments",
         "ImageComments"),
        "DOEJANE1947",
    )  # fmt: skip
    found = facts(
        tmp_path, **planted, BurnedInAnnotation="DOEJANE1947", PhotometricInterpretation="MONOCHROME2"
    )
    told = json.dumps({**asdict(found), "facts": dict(found.facts)})
    assert "DOE" not in told
    assert PLANTED not in told
    assert found.facts["modality"] == found.facts["body_part"] == "other"


@pytest.mark.parametrize("nobody", ["", "ANONYMOUS", "anon", "0000", "xxxx", "Unknown", "PATIENT^"])
def test_who_is_nobody_is_known_by_the_study(tmp_path, nobody):
    found = facts(tmp_path, PatientID=nobody)
    assert found.subject == "s-" + keyed_hash(patient_key(), "study", "1.2.3.4")
    assert not facts(tmp_path, PatientID=nobody, StudyInstanceUID="").subject


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [([1, 0, 0, 0, 1, 0], "axial"), ([1, 0, 0, 0, 0, -1], "coronal"), ([0, 1, 0, 0, 0, -1], "sagittal"),
     ([1, 0, 0, 0, 0.7071, -0.7071], "oblique"), ([0, 0, 0, 0, 0, 0], "")],
)  # fmt: skip
def test_the_plane_is_that_of_the_orientation(tmp_path, orientation, plane):
    assert facts(tmp_path, ImageOrientationPatient=orientation).plane == plane


@pytest.mark.parametrize(
    ("text", "name"),
    [("AX T2 FLAIR", "FLAIR"), ("t1_mprage_sag", "T1"), ("T1 POST GD", "T1 contrast"),
     ("BraTS20_001_t1ce.nii.gz", "T1 contrast"),
     ("ep2d_diff_3scan_trace", "DWI"), ("ADC map", "ADC"), ("T2* axial", "SWI"), ("t2_tse_tra", "T2"),
     ("3D TOF multi slab", "MRA"), ("PD fs cor", "PD"), ("Meier, Anna", ""), ("", "")],
)  # fmt: skip
def test_sequences_by_their_descriptions(text, name):
    assert words.sequence([text], contrast_given=False) == name


@pytest.mark.parametrize(
    ("times", "name"),
    [((500, 15, None), "T1"), ((4000, 100, None), "T2"), ((9000, 120, 2500), "FLAIR"),
     ((2500, 20, None), "PD"),
     ((1500, 50, None), ""), ((None, 20, None), "")],
)  # fmt: skip
def test_sequences_by_their_times(times, name):
    assert words.sequence_of_times(*times) == name


def test_bytes_without_preamble_are_known_too():
    buffer = BytesIO()
    dicom_dataset(RAMP).save_as(buffer, enforce_file_format=False)
    bare = buffer.getvalue()
    assert b"DICM" not in bare
    assert frames_of_bytes(bare, "bare").subject.startswith("p-")
