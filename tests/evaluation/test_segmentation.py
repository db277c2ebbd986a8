"""Figures of masks: means, clusters, sizes, folds, what is shown; two models compared."""

import json

import numpy as np
import pytest

from gyrus.data.spacing import Spacing
from gyrus.errors import PredictionsError
from gyrus.evaluation.segmentation import MaskMeasuring, evaluate_segmentation
from gyrus.evaluation.segmentation_cases import MaskPair, measure_pairs
from gyrus.evaluation.segmentation_compare import compare_segmentations, format_segmentation_comparison
from gyrus.evaluation.segmentation_text import format_segmentation

HOW = MaskMeasuring(tolerance=1.0, found_share=0.5, confidence=0.95)


def square(side, at=2, number=1):
    mask = np.zeros((24, 24), np.uint8)
    mask[at : at + side, at : at + side] = number
    return mask


def pair(name, true, predicted, patient="", fold="", spacing=None):
    return MaskPair(name, patient, patient or name, fold, true, predicted, spacing)


def measured(pairs, classes=("lesion",), unit="px"):
    return evaluate_segmentation(measure_pairs(pairs, classes, unit=unit, tolerance=1.0), HOW)


@pytest.fixture
def four():
    """A good answer, a half, a miss; a false alarm on an empty image: two patients."""
    half = square(4)
    half[2:4] = 0
    return [
        pair("good", square(4), square(4), "A"),
        pair("half", square(4), half, "A"),
        pair("miss", square(10), square(0), "B"),
        pair("false", square(0), square(2), "B"),
    ]


def test_means_leave_out_images_without_the_class(four):
    result = measured(four)
    block = result["per_class"]["lesion"]
    assert block["images"] == {"n": 4, "present": 3, "empty": 1, "missed": 1}
    assert block["dice"]["value"] == pytest.approx((1 + 2 * 8 / 24 + 0) / 3)
    assert block["iou"]["value"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert block["recall"]["value"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert block["precision"]["value"] == 1.0  # the miss has none
    assert block["hd95"]["value"] == pytest.approx(2 / 2)  # 0 and 2; the miss has none
    assert block["hd95_median"] == pytest.approx(2.0)  # 0, 2, infinite
    assert block["empty"]["n_false"] == 1
    assert block["empty"]["false_alarms"]["value"] == 1.0
    assert block["empty"]["false_area"]["value"] == 4.0
    assert block["pixels"]["dice"]["value"] == pytest.approx(2 * 24 / (132 + 28))
    assert result["mean"]["dice"] == block["dice"]
    assert (result["n_subjects"], result["clustered_by"], result["unit"]) == (2, "patients", "px")


def test_patients_are_their_slices_together(four):
    patients = measured(four)["per_class"]["lesion"]["patients"]
    assert patients["n"] == 2
    assert patients["dice"]["value"] == pytest.approx((2 * 24 / (32 + 24) + 0) / 2)
    assert [one["subject_id"] for one in patients["worst"]] == ["B", "A"]
    assert patients["volume"] is None


def test_distances_areas_and_volumes_in_the_body():
    spacing = Spacing(0.5, 0.5, 6.0)
    pairs = [pair(f"{who}{n}", square(4), square(5), who, spacing=spacing) for who in "AB" for n in range(2)]
    block = measured(pairs, unit="mm")["per_class"]["lesion"]
    volume = block["patients"]["volume"]
    assert volume["true_mm3"] == 2 * 16 * 1.5
    assert volume["bias_mm3"]["value"] == volume["size_mm3"]["value"] == 2 * 9 * 1.5
    assert volume["relative"]["value"] == pytest.approx(9 / 16)
    assert block["area_error"]["bias"]["value"] == 9 * 0.25
    assert block["hd95"]["value"] == pytest.approx(
        measured(pairs)["per_class"]["lesion"]["hd95"]["value"] / 2
    )
    assert block["by_area"][0]["low"] == 4.0


def test_no_volume_without_the_distance_of_slices():
    pairs = [pair(who, square(4), square(5), who, spacing=Spacing(0.5, 0.5)) for who in "AB"]
    assert measured(pairs, unit="mm")["per_class"]["lesion"]["patients"]["volume"] is None


def test_small_objects_are_told_apart_from_large_ones():
    pairs = []
    for number, side in enumerate((2, 2, 4, 4, 8, 8, 16, 16)):
        drawn = square(0) if side < 5 else square(side)
        pairs.append(pair(str(number), square(side), drawn, f"P{number}"))
    rows = measured(pairs)["per_class"]["lesion"]["by_object_size"]
    assert sum(row["objects"] for row in rows) == 8
    assert (rows[0]["objects"], rows[0]["low"], rows[-1]["high"]) == (2, 4, 256)
    assert rows[0]["found"]["value"] == 0
    assert rows[-1]["found"]["value"] == 1
    assert [row["low"] for row in rows] == sorted(row["low"] for row in rows)


def test_several_classes_are_averaged_over_those_that_are_there():
    true = square(4) + square(6, at=12, number=2)
    drawn = square(4)
    result = measured([pair("a", true, drawn, "A"), pair("b", true, drawn, "B")], ("core", "edema", "scar"))
    assert result["per_class"]["core"]["dice"]["value"] == 1
    assert result["per_class"]["edema"]["dice"]["value"] == 0
    assert np.isnan(result["per_class"]["scar"]["dice"]["value"])
    assert result["mean"]["dice"]["value"] == 0.5
    assert any("scar" in note for note in result["notes"])
    assert "scar" in format_segmentation(result)


def test_clustered_intervals_are_wider_than_those_of_images():
    rng = np.random.default_rng(0)
    drawn = [(f"P{number}", square(int(rng.integers(5, 11)))) for number in range(12)]
    by_patient = [pair(f"{who}-{n}", square(10), mask, who) for who, mask in drawn for n in range(6)]
    by_image = [pair(f"{who}-{n}", square(10), mask) for who, mask in drawn for n in range(6)]
    clustered, plain = (measured(pairs)["mean"]["dice"] for pairs in (by_patient, by_image))
    assert clustered["value"] == pytest.approx(plain["value"])
    assert clustered["high"] - clustered["low"] > 1.5 * (plain["high"] - plain["low"])
    assert (clustered["clusters"], plain["clusters"]) == (12, 72)


def names_shown(pairs):
    return {name: [one["image_id"] for one in row] for name, row in measured(pairs)["shown"].items()}


def test_best_middle_and_worst_are_of_different_patients(four):
    shown = names_shown([*four, pair("miss, larger", square(12), square(0), "C")])
    assert shown == {"best": ["good"], "median": ["miss", "half"], "worst": ["miss, larger"]}
    assert names_shown([*four, pair("also good", square(5), square(5), "A")])["best"] == ["good"]


def graded(*sides):
    """Images whose answers are squares of these sides; the true one has 8."""
    return [pair(f"{side}", square(8), square(side), f"P{number}") for number, side in enumerate(sides)]


@pytest.mark.parametrize(
    ("sides", "best", "median", "worst"),
    [
        ([4], [], ["4"], []),
        ([0], [], [], ["0"]),
        ([4, 6], ["6"], [], ["4"]),
        ([0, 6], ["6"], [], ["0"]),
        ([6, 0, 4], ["6"], ["4"], ["0"]),
        ([4, 7, 5, 6, 3], ["7", "6"], ["5"], ["3", "4"]),
    ],
)
def test_no_image_has_two_rows(sides, best, median, worst):
    assert names_shown(graded(*sides)) == {"best": best, "median": median, "worst": worst}


def test_what_is_missed_is_never_among_the_best():
    missed = [pair(f"miss {size}", square(size), square(0), f"P{size}") for size in (3, 9, 6)]
    shown = names_shown(missed)
    assert shown == {"best": [], "median": [], "worst": ["miss 9", "miss 6", "miss 3"]}
    found = [pair("found", square(4), square(3), "Q"), *missed, pair("miss 2", square(2), square(0), "R")]
    assert names_shown(found)["best"] == ["found"]


def test_images_that_are_all_alike_are_neither_best_nor_worst():
    shown = names_shown([pair(f"{number}", square(8), square(6), f"P{number}") for number in range(4)])
    assert (shown["best"], shown["worst"], len(shown["median"])) == ([], [], 3)


def test_folds_stand_beside_the_pooled_figure():
    pairs = [pair(f"{n}", square(4), square(4 + n % 2), f"P{n}", fold=str(n % 2)) for n in range(6)]
    folds = measured(pairs)["folds"]
    assert [one["fold"] for one in folds["each"]] == ["0", "1"]
    assert folds["worst"] == "1"
    assert folds["each"][0]["dice"]["value"] == 1
    assert "(worst)" in format_segmentation(measured(pairs))


def test_nothing_to_find_anywhere_is_undefined_and_said():
    result = measured([pair("a", square(0), square(0), "A"), pair("b", square(0), square(2), "B")])
    assert np.isnan(result["mean"]["dice"]["value"])
    assert result["shown"] == {"best": [], "median": [], "worst": []}
    assert any("No image shows lesion" in note for note in result["notes"])
    assert "undefined" in format_segmentation(result)


def test_one_patient_is_no_patients():
    slices = [pair(str(at), square(8), square(8), "A", spacing=Spacing(1.0, 1.0, 5.0)) for at in range(2)]
    text = format_segmentation(measured(slices))
    assert "1 patient, slices together" in text
    assert "volume of 1 patient:" in text


def test_no_image_is_refused():
    with pytest.raises(PredictionsError, match="no image"):
        measured([])


def test_the_figures_are_json(four):
    cases = json.loads(json.dumps(measured(four)["cases"], allow_nan=False))
    assert cases["image_id"] == ["good", "half", "miss", "false"]
    assert cases["dice"][2] == [0]
    assert cases["hd95"][2] == [None]


def several(strength, seed, n=10):
    rng = np.random.default_rng(seed)
    return [
        pair(f"{who}-{k}", square(8), square(8 - int(rng.integers(0, strength + 1))), f"P{who}")
        for who in range(n)
        for k in range(2)
    ]


def test_the_better_one_of_two_is_told_with_a_paired_interval():
    first, second = measured(several(1, 0)), measured(several(5, 1)[::-1])
    compared = compare_segmentations({"near": first, "far": second})
    (tests,) = compared["pairs"]
    assert (tests["better"], tests["worse"], tests["told"]) == ("near", "far", True)
    expected = first["mean"]["dice"]["value"] - second["mean"]["dice"]["value"]
    assert tests["difference"]["value"] == pytest.approx(expected, abs=1e-5)
    assert "near is better than far" in format_segmentation_comparison(compared)


def test_the_same_model_twice_cannot_be_told_apart():
    result = measured(several(3, 0))
    (tests,) = compare_segmentations({"one": result, "other": result}, metric="iou")["pairs"]
    assert tests["difference"]["value"] == 0
    assert not tests["told"]


def test_other_images_or_other_truth_are_refused():
    result = measured(several(1, 0))
    with pytest.raises(PredictionsError, match="same images"):
        compare_segmentations({"one": result, "other": measured(several(1, 0, n=9))})
    other = [pair(one.image_id, square(9), one.predicted, one.subject_id) for one in several(1, 0)]
    with pytest.raises(PredictionsError, match="different true masks"):
        compare_segmentations({"one": result, "other": measured(other)})
