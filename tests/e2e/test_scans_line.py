"""Folders of DICOM and NIfTI files through the same line: doctor, audit, split, train, predict."""

import numpy as np
import pytest
from PIL import Image

from gyrus.bundles import read_bundle
from gyrus.data import read_manifest
from scan_files import PLANTED, write_dicom, write_nifti

from .conftest import gyrus

NUMBER = "MRN-0815"


@pytest.fixture(scope="module")
def scans(workplace):
    """The cohort's slices as DICOM files without endings (two classes) and small NIfTI volumes (two more)."""
    folder = workplace / "scans"
    patients = {}
    for label in sorted(entry.name for entry in (workplace / "cohort").iterdir() if entry.is_dir()):
        for number, image in enumerate(sorted((workplace / "cohort" / label).iterdir())):
            pixels = np.asarray(Image.open(image).convert("L")).astype(np.uint16) * 12 + number % 2
            patient = image.stem.split("_")[0]
            if label in ("glioma", "meningioma"):
                write_dicom(
                    folder / label / f"IM{number:04d}", pixels, PatientID=f"{NUMBER}-{patient}",
                    StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.2.{number}.1",
                    WindowCenter=1500, WindowWidth=3000,
                )  # fmt: skip
            else:
                volume = np.repeat(pixels.T[::-1, ::-1, np.newaxis], 4, axis=2) + np.arange(
                    4, dtype=np.uint16
                )
                write_nifti(folder / label / f"{image.stem}.nii.gz", volume)
            patients[image.stem] = patient
    return folder


def everything_below(folder):
    """Return all bytes of all files of a folder, the names of the files included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return b"\n".join(str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in files)


@pytest.fixture(scope="module")
def split(scans, workplace):
    out = workplace / "scans-split.csv"
    done = gyrus("split", scans, "--slices", "2", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_doctor_audit_and_split(scans, split, workplace, gyrus_here):
    assert gyrus_here("doctor", scans, "--slices", "2").returncode in (0, 3)
    done = gyrus_here("audit", scans, "--slices", "2", "--out", workplace / "scans-audit")
    assert done.returncode in (0, 4), done.stderr
    assert "DICOM files of" in done.stderr
    manifest = read_manifest(split)
    sides = {}
    for row in manifest:
        sides.setdefault(row.subject_id, set()).add(row.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {row.subject_source for row in manifest} >= {"dicom", "file"}
    told = everything_below(workplace / "scans-audit") + split.read_bytes()
    assert PLANTED.encode() not in told
    assert NUMBER.encode() not in told


def test_predict(scans, trained, tmp_path, gyrus_here, capsys):
    files = [scans / "glioma", next((scans / "pituitary").iterdir())]
    done = gyrus_here(
        "predict",
        *files,
        "--model",
        trained.run,
        "--slices",
        "2",
        "--by",
        "patient",
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    told = everything_below(tmp_path / "out")
    assert b"#axial:1" in told
    assert PLANTED.encode() not in told
    assert NUMBER.encode() not in told
    assert NUMBER not in done.stderr


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::gyrus.metrics.undefined.UndefinedMetricWarning")
def test_train(split, workplace, gyrus_here):
    run = workplace / "runs" / "scans"
    done = gyrus_here(
        "train", split, "--architecture", "simple_cnn", "--image-size", "32", "--epochs", "1",
        "--precision", "float32", "--out", run,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_bundle(run / "model.gyrus").card["input"]["reading_policy"] == "grey8/2"
    told = everything_below(run)
    assert PLANTED.encode() not in told
    assert NUMBER.encode() not in told
