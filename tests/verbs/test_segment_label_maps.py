"""``gyrus evaluate PREDICTED --masks TRUE``: label maps of volumes, without the volumes."""

import json
import re

import nibabel
import numpy as np
import pytest

import gyrus
from gyrus.cli import main
from gyrus.errors import DataError, UsageError
from scan_files import write_nifti

AFFINE = np.array([[-0.9, 0.05, 0, 50], [0.05, 0.9, 0, -40], [0, 0, 3, 7], [0, 0, 0, 1.0]])
TWO = {"mask_classes": "values", "mask_values": ("zeta=1", "alpha=2")}


def label_map(shift=0):
    """(20, 16, 6): a 2 around a 1; nothing in the first and the last slice."""
    found = np.zeros((20, 16, 6), np.uint8)
    found[4 + shift : 12 + shift, 3:11, 1:5] = 2
    found[6 + shift : 10 + shift, 5:9, 2:4] = 1
    return found


@pytest.fixture
def place(tmp_path):
    """Two folders of two label maps each, as nnU-Net writes them: files beside them, and none of images."""
    for number in range(2):
        write_nifti(tmp_path / "true" / f"case_{number}.nii.gz", label_map(), AFFINE)
        write_nifti(tmp_path / "pred" / f"case_{number}.nii.gz", label_map(number + 1), AFFINE)
    (tmp_path / "pred" / "plans.json").write_text("{}")
    return tmp_path


def whole_dice(true, drawn):
    return 2 * (true & drawn).sum() / (true.sum() + drawn.sum())


def test_the_patients_figures_are_those_of_the_whole_volumes(place):
    result = gyrus.evaluate(place / "pred", masks=place / "true", **TWO).evaluation
    assert (result["classes"], result["unit"]) == (["alpha", "zeta"], "mm")
    assert (result["n_images"], result["n_subjects"]) == (12, 2)  # every slice, a file a patient
    for name, value in (("zeta", 1), ("alpha", 2)):
        expected = [whole_dice(label_map() == value, label_map(shift) == value) for shift in (1, 2)]
        block = result["per_class"][name]
        assert block["patients"]["dice"]["value"] == pytest.approx(np.mean(expected))
        assert block["images"]["empty"] == (12 - 4 if name == "zeta" else 12 - 8)
    volume = (label_map() == 1).sum() * abs(np.linalg.det(AFFINE[:3, :3]))
    told = result["per_class"]["zeta"]["patients"]["volume"]["true_mm3"]
    assert told == pytest.approx(volume, rel=1e-3)  # the spacing is that of the header
    assert "Every axial slice of the 2 label maps" in result["notes"][0]


def test_two_files_need_no_common_name(place):
    one, other = place / "pred" / "case_1.nii.gz", place / "true" / "case_0.nii.gz"
    result = gyrus.evaluate(one, masks=other).evaluation
    assert result["cases"]["subject_id"] == ["case_0.nii.gz"] * 6
    assert result["mean"]["dice"]["value"] == pytest.approx(whole_dice(label_map() > 0, label_map(2) > 0))
    assert any("true maps hold 1, 2" in note for note in result["notes"])  # joined, and said


def test_patients_may_be_told_otherwise_and_slices_cut_otherwise(place):
    result = gyrus.evaluate(
        place / "pred", masks=place / "true", subject_pattern="(case)_", plane="coronal"
    ).evaluation
    assert result["n_subjects"] == 1
    assert result["n_images"] == 2 * 16
    assert "Every coronal slice" in result["notes"][0]


def test_the_command_line_writes_figures_and_page(place, tmp_path, capsys):
    code = main(
        ["evaluate", str(place / "pred"), "--masks", str(place / "true"), "--out", str(tmp_path / "o")]
    )
    assert code == 0
    assert "12 images of 2 patients" in capsys.readouterr().out
    assert json.loads((tmp_path / "o" / "evaluation.json").read_text())["task"] == "segment"
    page = (tmp_path / "o" / "report.html").read_text()
    assert 'class="true"' in page
    assert "case_0.nii.gz#axial:" in page
    # class numbers of gyrus and values of these maps differ: no file of predictions says that they do not
    assert not (tmp_path / "o" / "predictions.csv").exists()


def test_names_that_do_not_pair_are_listed_on_both_sides(place):
    write_nifti(place / "true" / "lost.nii.gz", label_map(), AFFINE)
    write_nifti(place / "pred" / "strange.nii", label_map(), AFFINE)
    with pytest.raises(DataError, match=r"1 of 3 true label maps .* 1 of 3 predicted") as caught:
        gyrus.evaluate(place / "pred", masks=place / "true")
    assert caught.value.details == ["true, not predicted: lost.nii.gz", "predicted, not true: strange.nii"]
    result = gyrus.evaluate(place / "pred", masks=place / "true", missing_masks="skip").evaluation
    assert result["n_images"] == 12
    assert any("are left out" in note for note in result["notes"])


def test_what_tools_append_to_names_is_passed_over(place):
    (place / "true" / "case_0.nii.gz").rename(place / "true" / "Case_0_seg.nii.gz")
    assert gyrus.evaluate(place / "pred", masks=place / "true").evaluation["n_images"] == 12
    write_nifti(place / "true" / "case_0.nii", label_map(), AFFINE)
    with pytest.raises(DataError, match="1 label maps are called as another"):
        gyrus.evaluate(place / "pred", masks=place / "true")


def moved(millimetres):
    other = AFFINE.copy()
    other[0, 3] += millimetres
    return other


@pytest.mark.parametrize(
    ("numbers", "affine", "header", "said"),
    [
        (label_map()[:, :, 1:], AFFINE, {}, "has 20 x 16 x 5 voxels, not 20 x 16 x 6"),
        (label_map(), AFFINE @ np.diag([2, 1, 1, 1]), {}, r"has voxels of 1.80278 x .* \(spacing\)"),
        (label_map(), moved(5), {}, "lies elsewhere: .* up to 5 mm"),
        (label_map()[::-1], AFFINE @ np.diag([-1, 1, 1, 1]), {}, "lies elsewhere"),
        (label_map(), AFFINE, {"sform_code": 0, "qform_code": 0}, "does not state where it lies"),
        (np.stack([label_map()] * 2, -1), AFFINE, {}, "holds several volumes"),
    ],
)
def test_a_predicted_map_that_does_not_lie_on_the_true_one_is_refused(place, numbers, affine, header, said):
    path = write_nifti(place / "bad.nii", np.ascontiguousarray(numbers), affine, **header)
    with pytest.raises(DataError) as caught:
        gyrus.evaluate(path, masks=place / "true" / "case_0.nii.gz")
    told = " ".join([str(caught.value), *caught.value.details])
    assert "bad.nii" in told
    assert re.search(said, told)


def test_an_affine_written_anew_in_single_precision_is_the_same_place(place):
    """ITK writes direction, spacing and origin, and a quaternion beside them."""
    image = nibabel.Nifti1Image(label_map(1), moved(0.01))
    image.set_sform(None, 0)
    image.set_qform(moved(0.01), 1, strip_shears=True)
    nibabel.save(image, place / "itk.nii.gz")
    result = gyrus.evaluate(place / "itk.nii.gz", masks=place / "true" / "case_0.nii.gz").evaluation
    assert 0.8 < result["mean"]["dice"]["value"] < 1


def test_values_outside_of_the_classes_name_the_slice(place):
    path = write_nifti(place / "odd.nii", label_map() * 3, AFFINE)
    with pytest.raises(DataError, match=r"values that are no class: 6 \(") as caught:
        gyrus.evaluate(path, masks=place / "true" / "case_0.nii.gz", **TWO)
    assert "odd.nii#axial:1" in str(caught.value.path)
    halves = write_nifti(place / "half.nii", label_map() / np.float32(2), AFFINE)
    with pytest.raises(DataError, match="not whole"):
        gyrus.evaluate(halves, masks=place / "true" / "case_0.nii.gz")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"slices": "8"}, None),
        ({"slices": "middle"}, "--slices: of label maps"),
        ({"missing_masks": "empty"}, "--missing-masks: of label maps"),
        ({"test": True}, "--test"),
        ({"on": "name"}, "--on names a column"),
    ],
)
def test_options_that_do_nothing_are_refused(place, options, said):
    if said is None:
        assert gyrus.evaluate(place / "pred", masks=place / "true", **options).evaluation["n_images"] == 12
        return
    with pytest.raises(UsageError, match=said):
        gyrus.evaluate(place / "pred", masks=place / "true", **options)


def test_two_files_are_a_pair_whatever_their_names(place):
    predicted, true = place / "pred" / "case_0.nii.gz", place / "true" / "case_0.nii.gz"
    with pytest.raises(UsageError, match="--missing-masks: of label maps"):
        gyrus.evaluate(predicted, masks=true, missing_masks="skip")


def test_what_is_no_pair_of_label_maps_is_told(place, tmp_path):
    with pytest.raises(UsageError, match=r"is a folder, and --masks .* is a file"):
        gyrus.evaluate(place / "pred", masks=place / "true" / "case_0.nii.gz")
    with pytest.raises(UsageError, match="as predicted and as true"):
        gyrus.evaluate(place / "pred", masks=place / "pred")
    with pytest.raises(DataError, match="does not exist"):
        gyrus.evaluate(place / "pred", masks=place / "nowhere")
    with pytest.raises(UsageError, match="true masks are needed") as caught:
        gyrus.evaluate(place / "pred" / "case_0.nii.gz")
    assert "--masks TRUE" in caught.value.fix
    (place / "none").mkdir()
    with pytest.raises(DataError, match="holds no NIfTI file"):
        gyrus.evaluate(place / "none", masks=place / "true")
    (place / "text.nii").write_text("no such thing")
    with pytest.raises(DataError, match=r"is no NIfTI file"):
        gyrus.evaluate(place / "text.nii", masks=place / "true" / "case_0.nii.gz")
    (tmp_path / "p.csv").write_text("image_id,label,prediction\na,b,c\n")
    with pytest.raises(UsageError, match="--masks cannot be used without DATA"):
        gyrus.evaluate(tmp_path / "p.csv", masks=place / "true")
