"""The predictions file of a segmentation, folders of masks, spacings."""

import numpy as np
import pytest
from PIL import Image

from gyrus.data.manifest import Manifest, Row
from gyrus.data.spacing import parse_spacing, spacing_of
from gyrus.errors import LeakageError, ManifestError, PredictionsError
from gyrus.evaluation.mask_folder import read_mask_folder
from gyrus.evaluation.mask_predictions import (
    MaskPredictions,
    is_mask_predictions,
    mask_file_name,
    pool_masks,
    read_mask_predictions,
    read_predicted,
    write_mask_predictions,
)


def predictions(folder, names=("a/1.png", "b 2.png"), subjects=("P1", "P2"), **more):
    return MaskPredictions(
        image_ids=tuple(names), subject_ids=tuple(subjects), classes=("core", "edema"),
        masks=tuple(folder / "masks" / mask_file_name(name) for name in names), **more,
    )  # fmt: skip


def test_the_file_comes_back_as_it_was(tmp_path):
    given = predictions(tmp_path, folds=("0", "1"), group_ids=("x", "x"))
    write_mask_predictions(given, tmp_path / "p.csv")
    assert read_mask_predictions(tmp_path / "p.csv") == given
    assert is_mask_predictions(tmp_path / "p.csv")
    assert "masks/a%2F1.png.png" in (tmp_path / "p.csv").read_text()


def test_other_tables_are_none(tmp_path):
    (tmp_path / "c.csv").write_text("image_id,subject_id,label,p:a,p:b\n")
    (tmp_path / "m.csv").write_text("image_id,path,mask,classes\n")
    assert not any(is_mask_predictions(tmp_path / name) for name in ("c.csv", "m.csv", "absent.csv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image_id,mask\na,b\n", "no column classes"),
        ("image_id,mask,classes\na,,x\n", "1 bad rows"),
        ("image_id,mask,classes\na,m,x\nb,m,y\n", "2 different lists"),
        ("image_id,mask,classes\na,m,x\na,m,x\n", "stand twice"),
        ("image_id,mask,classes\n", "no row"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, said):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises((PredictionsError, ManifestError), match=said):
        read_mask_predictions(tmp_path / "p.csv")


def test_folds_are_pooled_and_patients_in_two_refused(tmp_path):
    one, two = predictions(tmp_path, ("a", "b"), ("P1", "")), predictions(tmp_path, ("c",), ("P2",))
    pooled = pool_masks([one, two], ["0", "1"])
    assert pooled.folds == ("0", "0", "1")
    with pytest.raises(LeakageError, match="1 patients stand in several folds"):
        pool_masks([one, predictions(tmp_path, ("c",), ("P1",))], ["0", "1"])
    with pytest.raises(PredictionsError, match="stand twice"):
        pool_masks([one, predictions(tmp_path, ("b",), ("P2",))], ["0", "1"])


def saved(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


def test_predicted_masks_are_read_as_numbers(tmp_path):
    path = saved(tmp_path / "m.png", [[0, 1], [2, 0]])
    assert read_predicted(path, (2, 2), 2).tolist() == [[0, 1], [2, 0]]
    assert read_predicted(saved(tmp_path / "w.png", [[0, 255]]), (1, 2), 1).tolist() == [[0, 1]]
    with pytest.raises(PredictionsError, match="2 x 2, the true one 3 x 2"):
        read_predicted(path, (2, 3), 2)
    with pytest.raises(PredictionsError, match="holds 255"):
        read_predicted(saved(tmp_path / "w.png", [[0, 255]]), (1, 2), 2)
    with pytest.raises(PredictionsError, match="does not exist"):
        read_predicted(tmp_path / "absent.png", (2, 2), 1)


def test_a_folder_is_joined_by_names(tmp_path):
    rows = tuple(Row(name, name) for name in ("x/1.jpg", "x/2.jpg", "y/3.jpg", "z/4.jpg"))
    for name in (mask_file_name("x/1.jpg"), "2_mask.png", "deep/3.png"):
        saved(tmp_path / name, [[0]])
    found = read_mask_folder(tmp_path, Manifest(rows, tmp_path), ("lesion",))
    assert found.image_ids == ("x/1.jpg", "x/2.jpg", "y/3.jpg")
    assert [path.name for path in found.masks] == ["x%2F1.jpg.png", "2_mask.png", "3.png"]


def test_slices_of_a_volume_are_joined_as_predict_names_them(tmp_path):
    frames = [f"axial:{number}" for number in range(3)]
    rows = tuple(Row(f"in/P1.nii.gz#{frame}", "in/P1.nii.gz", frame=frame) for frame in frames)
    for frame in frames[:2]:
        saved(tmp_path / f"P1.nii-{frame.replace(':', '_')}.png", [[0]])
    (tmp_path / "P1.nii.gz").write_bytes(b"the same masks as a label map")
    found = read_mask_folder(tmp_path, Manifest(rows, tmp_path), ("lesion",))
    assert found.image_ids == ("in/P1.nii.gz#axial:0", "in/P1.nii.gz#axial:1")
    assert [path.name for path in found.masks] == ["P1.nii-axial_0.png", "P1.nii-axial_1.png"]
    for path in found.masks:
        path.unlink()
    with pytest.raises(PredictionsError, match=r"P1\.nii\.gz"):
        read_mask_folder(tmp_path, Manifest(rows, tmp_path), ("lesion",))


def test_names_that_fit_no_image_or_two_are_listed(tmp_path):
    rows = (Row("x/1.jpg", "x/1.jpg"), Row("y/1.jpg", "y/1.jpg"), Row("y/2.jpg", "y/2.jpg"))
    for name in ("1.png", "9.png"):
        saved(tmp_path / name, [[0]])
    with pytest.raises(PredictionsError) as caught:
        read_mask_folder(tmp_path, Manifest(rows, tmp_path), ("lesion",))
    said = str(caught.value)
    assert "mask without an image: 9.png" in said
    assert "fits several images" in said
    assert "image without a mask: y/2.jpg" in said


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(PredictionsError, match="holds no mask"):
        read_mask_folder(tmp_path, Manifest((Row("a", "a"),), tmp_path), ("lesion",))


@pytest.mark.parametrize(("text", "numbers"), [
    ("0.5 x 0.25 x 6", (0.5, 0.25, 6.0)), ("0.5x0.5", (0.5, 0.5, None)), ("1, 2, 3", (1, 2, 3)),
    ("0.9 × 0.9", (0.9, 0.9, None)),
])  # fmt: skip
def test_spacings_are_read(text, numbers):
    found = parse_spacing(text, "a")
    assert (found.height_mm, found.width_mm, found.slice_mm) == numbers


@pytest.mark.parametrize("text", ["nan x nan", "0 x 1", "-1 x 1", "1", "1 x 1 x 1 x 1", "wide", "1 x inf"])
def test_what_is_no_spacing_is_refused(text):
    with pytest.raises(ManifestError, match="two or three distances above 0"):
        spacing_of(Row("a", "a.png", facts={"spacing_mm": text}))


def test_no_spacing_is_none():
    assert spacing_of(Row("a", "a.png")) is None
    assert spacing_of(Row("a", "a.png", facts={"spacing_mm": "2 x 3 x 4"})).volume_mm3 == 24
