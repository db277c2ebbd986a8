"""Cheng's ``.mat`` files: what a good one gives, and every way that one can be bad."""

import re

import h5py
import numpy as np
import pytest
from PIL import Image

from data.importers.made_sets import slice_of_a_head, tumour_mask, write_cheng, write_cheng_set
from gyrus.data.importers import importer_of, place_of
from gyrus.data.importers.cheng import patient_of
from gyrus.data.importers.cheng_file import read_cheng
from gyrus.data.importers.image_store import ImageStore
from gyrus.errors import ImageError, MissingDependencyError
from gyrus.imaging import Limits, read_image


def test_a_file_gives_back_what_was_written(tmp_path):
    image, mask = slice_of_a_head(3, 40), tumour_mask(40, top=2, left=30, height=5, width=8)
    found = read_cheng(write_cheng(tmp_path / "7.mat", label=3, patient="MR040240B", image=image, mask=mask))
    assert (found.label, found.patient) == ("pituitary", "MR040240B")
    np.testing.assert_array_equal(found.image, image)  # not turned: MATLAB's columns are our columns
    np.testing.assert_array_equal(found.mask, mask.astype(bool))
    assert found.border == (20.0, 12.0, 29.0, 12.0, 29.0, 18.0, 20.0, 18.0)


def test_without_mask_and_border(tmp_path):
    path = write_cheng(tmp_path / "1.mat", leave_out=("tumorMask", "tumorBorder"))
    found = read_cheng(path)
    assert found.mask is None
    assert found.border == ()


@pytest.mark.parametrize(
    ("exam", "patient"), [("MR040240B", "MR040240"), ("100360", "100360"), ("MR040240", "MR040240")]
)
def test_exams_of_one_patient(exam, patient):
    assert patient_of(exam) == patient


def test_patients_are_those_of_the_shared_table(shared_data):
    lines = (shared_data / "cheng" / "patients.csv").read_text().splitlines()[1:]
    assert len(lines) == 3064
    for line in lines:
        _, _, exam, base = line.split(",")
        assert patient_of(exam) == base


def imported(folder, tmp_path):
    place = place_of(folder)
    importer = importer_of(place)
    assert importer.name == "cheng"
    (tmp_path / "written").mkdir()
    return importer.read(place, ImageStore(tmp_path / "written", tmp_path / "written"), None)


def test_images_keep_all_their_bits(tmp_path):
    image = slice_of_a_head(1, 32)
    image[0, 0] = 4097
    folder = tmp_path / "set"
    write_cheng(folder / "1.mat", image=image, mask=tumour_mask(32))
    row = imported(folder, tmp_path).rows[0]
    with Image.open(row.path) as written:
        assert written.mode.startswith("I;16")
        np.testing.assert_array_equal(np.asarray(written), image)
    with Image.open(row.mask) as mask:
        np.testing.assert_array_equal(np.asarray(mask), tumour_mask(32) * 255)
    assert row.boxes == "20 12 29 18"
    assert read_image(row.path).dtype == np.uint8


def test_negative_numbers_are_shifted_and_said_to_be(tmp_path):
    image = slice_of_a_head(1, 32)
    image -= 300
    write_cheng(tmp_path / "set" / "1.mat", image=image, mask=tumour_mask(32))
    row = imported(tmp_path / "set", tmp_path).rows[0]
    low = int(image.min())
    assert f"plus {-low}" in row.notes
    with Image.open(row.path) as written:
        np.testing.assert_array_equal(np.asarray(written).astype(int) + low, image)


def test_rows_are_in_natural_order_and_exams_are_joined(tmp_path):
    folder = tmp_path / "set"
    for number, exam in ((1, "MR040240B"), (2, "MR040240C"), (10, "100360")):
        write_cheng(folder / f"{number}.mat", patient=exam)
    (folder / "cvind.mat").write_bytes(b"MATLAB 5.0 MAT-file: the folds")
    found = imported(folder, tmp_path)
    assert [row.image_id for row in found.rows] == ["1.mat", "2.mat", "10.mat"]
    assert [row.subject_id for row in found.rows] == ["MR040240", "MR040240", "100360"]
    assert [row.facts["exam_id"] for row in found.rows] == ["MR040240B", "MR040240C", "100360"]
    assert any("3 ids of exams belong to 2 patients" in note for note in found.notes)


def written_with(tmp_path, change):
    path = write_cheng(tmp_path / "bad.mat")
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replace(name, **arguments):
    def change(file):
        del file["cjdata"][name]
        file["cjdata"].create_dataset(name, **arguments)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replace("label", data=[[4.0]]), "label 4; expected 1 meningioma"),
        (replace("label", data=[[np.nan]]), "NaN"),
        (replace("image", data=np.zeros((4, 4, 4), np.int16)), "3 dimensions"),
        (replace("image", data=np.zeros((4, 4))), "float64"),
        (replace("image", shape=(20_000, 20_000), dtype="i2", chunks=True), "the limit is"),
        (replace("tumorMask", data=np.zeros((3, 3), np.uint8)), "image of 48 x 48 and a mask of 3 x 3"),
        (replace("tumorBorder", data=[[1.0, 2.0, 3.0]]), "come in pairs"),
        (replace("PID", data=np.full((1, 65), 49, np.uint16)), "expected 1 to 64"),
        (replace("PID", data=np.array([[7]], np.uint16)), "PID holds other characters"),
        (replace("image", data="text"), "holds no numbers"),
        (lambda file: file.pop("cjdata"), "no 'cjdata'"),
        (lambda file: file["cjdata"].pop("label"), "no 'label'"),
    ],
)
def test_bad_files_are_told(tmp_path, change, said):
    path = written_with(tmp_path, change)
    with pytest.raises(ImageError, match=re.escape(said)) as caught:
        read_cheng(path)
    assert str(path) in str(caught.value)


def test_links_and_foreign_storage_are_not_followed(tmp_path):
    write_cheng(tmp_path / "other.mat")
    (tmp_path / "secret.bin").write_bytes(bytes(48 * 48 * 2))

    def link(file):
        del file["cjdata"]["image"]
        file["cjdata"]["image"] = h5py.ExternalLink(str(tmp_path / "other.mat"), "/cjdata/image")

    with pytest.raises(ImageError, match="is a link"):
        read_cheng(written_with(tmp_path, link))
    outside = replace(
        "image", shape=(48, 48), dtype="i2", external=[(str(tmp_path / "secret.bin"), 0, 48 * 48 * 2)]
    )
    with pytest.raises(ImageError, match="stored in another file"):
        read_cheng(written_with(tmp_path, outside))

    def virtual(file):
        del file["cjdata"]["image"]
        layout = h5py.VirtualLayout((48, 48), "i2")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.mat"), "/cjdata/image", (48, 48))
        file["cjdata"].create_virtual_dataset("image", layout)

    with pytest.raises(ImageError, match="stored in another file"):
        read_cheng(written_with(tmp_path, virtual))


@pytest.mark.parametrize("keep", [0, 3, 600, 2000, -100])
def test_a_file_cut_off(tmp_path, keep):
    path = write_cheng(tmp_path / "1.mat")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ImageError):
        read_cheng(path)


def test_limits_hold_before_anything_is_read(tmp_path):
    with pytest.raises(ImageError, match="the limit is 100"):
        read_cheng(write_cheng(tmp_path / "1.mat"), Limits(max_file_bytes=100))


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = write_cheng(tmp_path / "1.mat")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r"gyrus\[readers\]"):
        read_cheng(path)


def test_a_set_of_a_folder(tmp_path):
    found = imported(write_cheng_set(tmp_path / "set", patients=2), tmp_path)
    assert len(found.rows) == 12
    assert {row.label for row in found.rows} == {"meningioma", "glioma", "pituitary"}
    assert len({row.subject_id for row in found.rows}) == 6
