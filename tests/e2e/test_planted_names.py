"""Names, numbers and dates planted in every field of a file are found nowhere afterwards.

Not on the terminal, not in the logs, manifests, run folders, bundles, pages, caches: whatever a verb wrote is
searched, archives unpacked.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from scan_files import dicom_dataset

from .conftest import gyrus

MARK = "ZQXPLANTED"
DATE, TIME, UID = "19610417", "112233.4567", "1.2.752.424242"
_TEXTS = {"AE": 16, "LO": 64, "LT": 500, "PN": 60, "SH": 16, "ST": 500, "UC": 500, "UT": 500}
_KEPT = {
    "SpecificCharacterSet", "PatientID", "PatientName", "SOPInstanceUID", "StudyInstanceUID",
    "SeriesInstanceUID", "SOPClassUID",
}  # fmt: skip


def planted_dicom(pixels: np.ndarray, patient: str, place: float) -> bytes:
    """Return an MR slice with something planted in every field that can hold text, a date or a UID."""
    series = f"{UID}.{zlib.crc32(patient.encode())}"
    dataset = dicom_dataset(
        pixels, PatientName=f"{MARK}^{patient}", PatientID=f"{MARK}-{patient}",
        StudyInstanceUID=f"{series}.1", SeriesInstanceUID=f"{series}.2",
        SOPInstanceUID=f"{UID}.3.{int(place)}", ImagePositionPatient=[0, 0, place],
    )  # fmt: skip
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.SourceApplicationEntityTitle = MARK
    for tag, (kind, count, _, retired, keyword) in DicomDictionary.items():
        group = tag >> 16
        if retired or keyword in _KEPT or keyword in dataset or not 0x0008 <= group <= 0x4010 or group % 2:
            continue
        if group in (0x0028, 0x0004, 0x5400) or count not in ("1", "1-n"):
            continue
        value = _value_of(kind)
        if value:
            dataset.add_new(tag, kind, value)
    item = Dataset()
    item.PatientName, item.StudyDescription = f"{MARK}^INSIDE", f"{MARK} inside"
    dataset.ReferencedStudySequence = Sequence([item])
    dataset.private_block(0x0029, f"{MARK} CREATOR", create=True).add_new(0x10, "LO", f"{MARK} private")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _value_of(kind: str) -> str:
    return {"DA": DATE, "DT": DATE + TIME, "TM": TIME, "UI": UID, "AS": "061Y"}.get(kind) or (
        (MARK + " text")[: _TEXTS[kind]] if kind in _TEXTS else ""
    )


def planted_nifti(voxels: np.ndarray) -> bytes:
    """Return a volume whose header's texts and an extension hold something."""
    image = nibabel.Nifti1Image(voxels, np.eye(4))
    image.header["descrip"] = f"{MARK} descrip"
    image.header["aux_file"] = f"{MARK} aux"
    image.header["intent_name"] = MARK
    image.header["db_name"] = MARK
    image.header.extensions.append(
        nibabel.nifti1.Nifti1Extension("comment", f"{MARK} extension {DATE}".encode())
    )
    return gzip.compress(image.to_bytes())


def planted_pictures(folder: Path, pixels: np.ndarray) -> None:
    """Write a PNG, a JPEG and a TIFF with texts."""
    image = Image.fromarray(pixels)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", f"{MARK} png")
    text.add_itxt("Author", f"{MARK} author")
    image.save(folder / "a.png", pnginfo=text)
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0132] = f"{MARK} description", f"{MARK} artist", "1961:04:17 11:22:33"
    image.save(folder / "b.jpg", exif=exif, comment=f"{MARK} comment")
    image.save(folder / "c.tif", tiffinfo={270: f"{MARK} tiff", 315: f"{MARK} artist"})


def damaged(data: bytes) -> dict[str, bytes]:
    """Return files that end in an error, to see what the error says."""
    rows = data.index(struct.pack("<HH2sH", 0x0028, 0x0010, b"US", 2))
    broken = bytearray(data)
    broken[rows + 8 : rows + 10] = b"\0\0"
    return {
        "zero-rows.dcm": bytes(broken),
        "cut-off.dcm": data[: len(data) // 2],
        "no-mark.dcm": data.replace(b"DICM", b"XXXX", 1),
        "syntax.dcm": data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0", 1),
        "text-as-number.dcm": data.replace(b"MONOCHROME2", MARK.encode().ljust(11)[:11], 1),
    }


@pytest.fixture(scope="module")
def cohort(workplace):
    """Two classes of DICOM slices, a volume and pictures; all of it planted."""
    folder = workplace / "planted" / "cohort"
    rng = np.random.default_rng(0)
    for label in ("glioma", "pituitary"):
        images = sorted((workplace / "cohort" / label).iterdir())
        for number, path in enumerate(images):
            pixels = np.asarray(Image.open(path).convert("L")).astype(np.uint16) * 11
            patient = f"{label}{path.stem.split('_')[0]}"
            target = folder / label / f"{number:03d}.dcm"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(planted_dicom(pixels, patient, float(number)))
        # of a size of their own, so that nothing else is asked of them than to be read
        voxels = rng.integers(0, 900, (48, 48, 6)).astype(np.int16)
        (folder / label / "volume.nii.gz").write_bytes(planted_nifti(voxels))
        planted_pictures(folder / label, rng.integers(0, 255, (48, 48), np.uint8))
    return folder


def found_in(data: bytes, name: str) -> list[str]:
    """Return where something planted stands in bytes; archives and gzipped data are unpacked."""
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [found_in(archive.read(member), f"{name}/{member}") for member in archive.namelist()]
        return [place for places in members for place in places]
    if data.startswith(b"\x1f\x8b"):
        return found_in(gzip.decompress(data), name)
    lowered = data.lower()
    words = (MARK.lower(), DATE, "1961-04-17", "1961:04:17", TIME[:6] + ".", UID, "061y")
    return [
        f"{name}: {word}"
        for word in words
        for form in (word.encode(), word.encode("utf-16-le"), word.encode().hex().encode())
        if form in lowered
    ]


def found_below(folder: Path) -> list[str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert paths
    names = [f"name of {path}" for path in paths if MARK.lower() in str(path).lower()]
    return names + [place for path in paths for place in found_in(path.read_bytes(), path.name)]


def test_what_is_planted_is_there(cohort):
    """The search finds it in the files themselves, or it would prove nothing."""
    found = {place.partition(":")[0] for place in found_below(cohort)}
    assert {"000.dcm", "volume.nii.gz", "a.png", "b.jpg", "c.tif"} <= found
    assert sum(place.startswith("000.dcm") for place in found_below(cohort)) >= 5


def test_audit_doctor_split_import_predict(cohort, trained, workplace, monkeypatch):
    out = workplace / "planted" / "out"
    out.mkdir()
    monkeypatch.setenv("GYRUS_CACHE", str(out / "cache"))
    monkeypatch.setenv("GYRUS_CONFIG", str(out / "config"))
    scans = sorted((cohort / "glioma").iterdir())[-6:]  # of each kind one at least
    for command in (
        ["audit", cohort, "--out", out / "audit", "--slices", "2"],
        ["doctor", cohort, "--slices", "2"],
        ["split", cohort, "--out", out / "split.csv", "--slices", "2", "--json"],
        ["import", cohort, "--out", out / "imported.csv"],
        ["predict", *scans, "--model", trained.run, "--out", out / "evidence", "--json"],
    ):
        done = gyrus(*command)
        assert done.returncode in (0, 3, 4), (command, done.stderr)
        assert found_in((done.stdout + done.stderr).encode(), str(command[0])) == []
        if command[0] != "predict":
            assert done.returncode in (0, 4), done.stderr
    assert found_below(out) == []
    assert (out / "evidence" / "evidence.json").is_file()
    assert "p-" in (out / "imported.csv").read_text()


def test_errors_quote_nothing(cohort, workplace, tmp_path, trained):
    whole = (cohort / "glioma" / "000.dcm").read_bytes()
    for label in ("a", "b"):
        (tmp_path / "bad" / label).mkdir(parents=True)
        for name, data in damaged(whole).items():
            (tmp_path / "bad" / label / name).write_bytes(data)
        volume = (cohort / "glioma" / "volume.nii.gz").read_bytes()
        (tmp_path / "bad" / label / "cut-off.nii.gz").write_bytes(volume[: len(volume) // 2])
    for command in (
        ["audit", tmp_path / "bad"],
        ["audit", tmp_path / "bad", "--on-bad-file", "skip", "--json"],
        ["doctor", tmp_path / "bad", "--json"],
        ["predict", *sorted((tmp_path / "bad" / "a").iterdir()), "--model", trained.run],
    ):
        done = gyrus(*command)
        assert done.returncode != 1, done.stderr  # no defect: its traceback would quote
        assert found_in((done.stdout + done.stderr).encode(), str(command[0])) == []


@pytest.mark.soak
def test_train_and_what_it_leaves(cohort, workplace, monkeypatch):
    out = workplace / "planted" / "training"
    out.mkdir()
    monkeypatch.setenv("GYRUS_CACHE", str(out / "cache"))
    monkeypatch.setenv("GYRUS_CONFIG", str(out / "config"))
    for command in (
        ["train", cohort, "--slices", "2", "--architecture", "simple_cnn", "--image-size", "48",
         "--epochs", "2", "--precision", "float32", "--out", out / "run", "--test"],
        ["bundle", "info", out / "run", "--json"],
        ["evaluate", out / "run"],
        ["predict", cohort / "glioma" / "000.dcm", "--model", out / "run", "--out", out / "evidence"],
    ):  # fmt: skip
        done = gyrus(*command)
        assert done.returncode == 0, (command, done.stderr)
        assert found_in((done.stdout + done.stderr).encode(), str(command[0])) == []
    assert found_below(out) == []
    assert (out / "run" / "model.gyrus").is_file()
    assert any((out / "run").rglob("*.html"))
