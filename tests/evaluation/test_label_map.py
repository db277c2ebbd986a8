"""Other people's class names in the model's words."""

from pathlib import Path

import numpy as np
import pytest

from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import Predictions
from gyrus.evaluation.label_map import make_label_map

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
SOURCE = Path("data")


def mapped(told, labels):
    return make_label_map(told, labels, CLASSES, SOURCE)


def test_told_and_alike_names():
    made = mapped(
        ["glioma_tumor=glioma,healthy=no_tumor"], ["glioma_tumor", "healthy", "Pituitary", "glioma"]
    )
    assert made.names == {
        "glioma_tumor": "glioma",
        "healthy": "no_tumor",
        "Pituitary": "pituitary",
        "glioma": "glioma",
    }
    assert made.notes == (
        "Class 'Pituitary' of the data is taken for 'pituitary': they differ in spelling only.",
    )


def test_a_class_that_the_model_does_not_know_is_named_with_its_count_and_the_way_out():
    with pytest.raises(DataError) as caught:
        mapped([], ["glioma_tumor", "glioma_tumor", "abscess"])
    assert "abscess: 1 images" in caught.value.details
    assert "glioma_tumor: 2 images" in caught.value.details
    assert caught.value.fix is not None
    assert "--label-map abscess=CLASS,glioma_tumor=glioma" in caught.value.fix


def test_only_needed_classes_need_a_name():
    made = make_label_map([], ["glioma", "abscess"], CLASSES, SOURCE, needed={"glioma"})
    assert made.names == {"glioma": "glioma"}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("glioma_tumor", "THEIRS=MODEL"),
        ("gliom=glioma", "did you mean 'glioma_tumor'"),
        ("glioma_tumor=gliom", "did you mean 'glioma'"),
        ("glioma_tumor=glioma,glioma_tumor=pituitary", "twice"),
        ("glioma_tumor=glioma|pituitary,other=glioma", "also part of"),
        ("glioma_tumor=glioma|pituitary,other=glioma|meningioma", "into both"),
        ("glioma_tumor=glioma|meningioma|no_tumor|pituitary,other=", "one class"),
    ],
)
def test_a_wrong_map_is_refused(told, words):
    with pytest.raises(UsageError) as caught:
        mapped([told], ["glioma_tumor", "other"])
    assert words in str(caught.value)


def test_classes_that_count_as_one_are_added_up():
    made = mapped(["yes=glioma|meningioma|pituitary,no=no_tumor"], ["yes", "no"])
    predictions = Predictions(
        ("i", "j"), ("", ""), ("", "glioma"), CLASSES, np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    )
    merged = made.merge(predictions)
    tumour = "glioma or meningioma or pituitary"
    assert merged.classes == (tumour, "no_tumor")
    np.testing.assert_allclose(merged.y_prob, [[0.7, 0.3], [0.9, 0.1]])
    assert merged.labels == ("", tumour)
    rows = (Row(image_id="i", path="i", label="yes"), Row(image_id="j", path="j", label="no"))
    assert [row.label for row in made.apply(Manifest(rows, SOURCE))] == [tumour, "no_tumor"]


def test_nothing_to_merge_changes_nothing():
    predictions = Predictions(("i",), ("",), ("glioma",), CLASSES, np.full((1, 4), 0.25))
    assert mapped([], ["glioma"]).merge(predictions) is predictions


def test_classes_that_are_left_out_get_no_label_and_all_of_them_is_an_error():
    made = mapped(["abscess="], ["abscess", "glioma"])
    assert made.notes == ("Left out, as told: abscess (1 images).",)
    rows = (Row(image_id="i", path="i", label="abscess"), Row(image_id="j", path="j", label="glioma"))
    assert [row.label for row in made.apply(Manifest(rows, SOURCE))] == ["", "glioma"]
    with pytest.raises(DataError, match="no label that the model knows"):
        made.apply(Manifest(rows[:1], SOURCE))
