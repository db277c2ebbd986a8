"""DICOM and NIfTI files as data sets: rows, facts, patients, and what is said about them."""

import numpy as np
import pytest

from gyrus.config.options import DataOptions
from gyrus.data import read_manifest
from gyrus.data.cache_folder import default_cache_folder
from gyrus.data.facts import FactsMemory
from gyrus.data.loading import load
from gyrus.data.manifest import write_manifest
from gyrus.data.scanning import scan
from gyrus.errors import DataError, UsageError
from scan_files import PLANTED, ramp, write_dicom, write_nifti

RAMP = ramp()
VOLUME = (np.arange(20 * 18 * 16).reshape(20, 18, 16) % 3000).astype(np.int16)


def said(loaded, words):
    found = [note for note in loaded.notes if words in note]
    assert found, loaded.notes
    return found[0]


@pytest.fixture
def dicom_folder(tmp_path):
    """Two classes, three patients; one series stored in the wrong order, names without endings."""
    for number, place in enumerate((10, 0, 5)):
        write_dicom(tmp_path / "glioma" / f"IM{number}", RAMP + place, ImagePositionPatient=[0, 0, place])
    for number, patient in enumerate(("A1", "B2")):
        write_dicom(
            tmp_path / "none" / f"{number}.dcm", RAMP * 2 + number, PatientID=patient,
            SeriesInstanceUID=f"7.{number}", Modality="CT" if number else "MR",
        )  # fmt: skip
    (tmp_path / "none" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + bytes(100))
    return tmp_path


def test_a_folder_of_dicom_files(dicom_folder):
    loaded = load(dicom_folder)
    assert [row.path for row in loaded.manifest][:3] == ["glioma/IM1", "glioma/IM2", "glioma/IM0"]
    assert [row.image_id for row in loaded.manifest] == [row.path for row in loaded.manifest]
    assert len({row.subject_id for row in loaded.manifest}) == 3
    assert all(row.subject_id.startswith("p-") for row in loaded.manifest)
    assert {row.subject_source for row in loaded.manifest} == {"dicom"}
    assert {row.plane for row in loaded.manifest} == {"axial"}
    assert loaded.manifest.rows[0].facts["spacing_mm"] == "0.5 x 0.75 x 5"
    assert said(loaded, "DICOM files") == "5 DICOM files of 3 series (CT 1, MR 4)."
    assert "DICOMDIR" in said(loaded, "are no images")


def test_the_manifest_names_nobody_and_is_read_back(dicom_folder, tmp_path):
    scanned = scan(load(dicom_folder).manifest, progress=False).manifest
    out = tmp_path / "out" / "manifest.csv"
    out.parent.mkdir()
    write_manifest(scanned, out)
    text = out.read_text()
    assert PLANTED not in text
    assert "0815" not in text
    assert "1.2.3.4" not in text
    again = load(out)
    assert [row.facts for row in again.manifest] == [row.facts for row in scanned]
    assert not any("DICOM" in note for note in again.notes)  # not a header was read


def test_the_scan_reads_them_and_hashes_the_files(dicom_folder):
    scanned = scan(load(dicom_folder).manifest, progress=False)
    row = scanned.manifest.rows[0]
    assert (row.width_px, row.height_px) == (32, 24)
    assert scanned.nuisance[row.image_id].format == "DICOM"
    again = scan(scanned.manifest, progress=False)
    assert again.manifest.rows == scanned.manifest.rows


def test_one_that_cannot_be_read_is_told_with_the_others(dicom_folder):
    path = dicom_folder / "none" / "1.dcm"
    path.write_bytes(path.read_bytes()[:-500])
    manifest = load(dicom_folder).manifest
    with pytest.raises(DataError, match=r"1 of 5 images cannot be read\n.*none/1\.dcm: is truncated"):
        scan(manifest, progress=False)
    assert len(scan(manifest, on_bad_file="skip", progress=False).manifest) == 4


def test_patients_that_are_nobody(dicom_folder):
    for number in range(2):
        write_dicom(
            dicom_folder / "none" / f"{number}.dcm", RAMP, PatientID="ANON", StudyInstanceUID=f"5.{number}"
        )
    loaded = load(dicom_folder)
    assert {row.subject_source for row in loaded.manifest} == {"dicom", "dicom study"}
    assert "their study stands for the patient" in said(loaded, "name no patient")


def test_what_the_user_says_about_patients_takes_precedence(dicom_folder):
    loaded = load(dicom_folder, DataOptions(subject_pattern=r"(IM\d|\d)"))
    assert {row.subject_source for row in loaded.manifest} == {"pattern"}


def test_burnt_in_text_is_told(dicom_folder):
    write_dicom(dicom_folder / "none" / "9.dcm", RAMP, BurnedInAnnotation="YES")
    assert "none/9.dcm" in said(load(dicom_folder), "burnt into their pixels")


def test_frames_and_slices_have_rows(tmp_path):
    write_dicom(tmp_path / "a" / "many.dcm", np.stack([RAMP + number for number in range(12)]))
    write_nifti(tmp_path / "b" / "x_t2.nii.gz", VOLUME)
    loaded = load(tmp_path, DataOptions(slices="2"))
    assert [row.image_id for row in loaded.manifest] == [
        "a/many.dcm#3", "a/many.dcm#8", "b/x_t2.nii.gz#axial:4", "b/x_t2.nii.gz#axial:11",
    ]  # fmt: skip
    assert "2 files are volumes; 4 of their 28 slices are taken" in said(loaded, "volumes;")
    assert loaded.manifest.rows[3].facts["sequence"] == "T2"
    scanned = scan(loaded.manifest, progress=False).manifest
    assert [(row.width_px, row.height_px) for row in scanned] == [(32, 24), (32, 24), (20, 18), (20, 18)]
    assert len({row.sha256 for row in scanned}) == 4


def test_planes_and_choices(tmp_path):
    write_nifti(tmp_path / "b" / "x.nii", VOLUME)
    one = load(tmp_path, DataOptions(slices="middle", plane="coronal")).manifest
    assert [row.frame for row in one] == ["coronal:9"]
    assert len(load(tmp_path, DataOptions(slices="all", plane="sagittal")).manifest) == 20
    assert len(load(tmp_path, DataOptions(slices="1000")).manifest) == 8
    for wrong in ("0", "-1", "most", "1.5", ""):
        with pytest.raises(UsageError, match="expected all, middle, or a number"):
            load(tmp_path, DataOptions(slices=wrong))


def test_a_volume_stands_for_a_patient_and_that_is_said(tmp_path):
    for name in ("x", "y"):
        write_nifti(tmp_path / "b" / f"{name}.nii", VOLUME)
    loaded = load(tmp_path)
    assert {row.subject_id for row in loaded.manifest} == {"b/x.nii", "b/y.nii"}
    assert "each file stands for a patient" in said(loaded, "NIfTI volumes")
    folders = load(tmp_path, DataOptions(subject_pattern=r"b/(.)"))
    assert {row.subject_id for row in folders.manifest} == {"x", "y"}


def test_masks_of_another_shape(tmp_path):
    write_nifti(tmp_path / "images" / "x.nii.gz", VOLUME)
    write_nifti(tmp_path / "masks" / "x.nii.gz", (VOLUME > 9).astype(np.uint8))
    (tmp_path / "t.csv").write_text("name,kind\nx,a\n")
    options = DataOptions(subjects=tmp_path / "t.csv", on="name", label_column="kind")
    assert {row.mask for row in load(tmp_path, options).manifest} == {"masks/x.nii.gz"}
    write_nifti(tmp_path / "masks" / "x.nii.gz", (VOLUME[:, :-1] > 9).astype(np.uint8))
    with pytest.raises(
        DataError, match=r"1 masks have another shape.*\n.*is 17 x 20 x 16, .* is 18 x 20 x 16"
    ):
        load(tmp_path, options)


def test_a_table_of_volumes(tmp_path):
    write_nifti(tmp_path / "x.nii.gz", VOLUME)
    (tmp_path / "t.csv").write_text("path,label,subject_id\nx.nii.gz,a,P1\n")
    manifest = load(tmp_path / "t.csv").manifest
    assert len(manifest) == 8
    assert {(row.label, row.subject_id) for row in manifest} == {("a", "P1")}
    assert len(read_manifest(tmp_path / "t.csv")) == 1


def test_a_decoder_that_is_missing_is_not_remembered(dicom_folder):
    lossless = {"TransferSyntaxUID": "1.2.840.10008.1.2.4.70"}
    write_dicom(dicom_folder / "none" / "5.dcm", RAMP, **lossless)
    cut = dicom_folder / "none" / "1.dcm"
    cut.write_bytes(cut.read_bytes()[:-500])
    manifest = load(dicom_folder).manifest
    scanned = scan(manifest, on_bad_file="skip", progress=False)
    assert {bad.image_id for bad in scanned.skipped} == {"none/1.dcm", "none/5.dcm"}
    remembered = FactsMemory(default_cache_folder()).known
    errors = [facts.error for facts in remembered.values() if facts.error]
    assert any("truncated" in error for error in errors)
    assert not any("JPEG Lossless" in error for error in errors)
