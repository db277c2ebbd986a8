"""Predictions that can be compared, and those that cannot."""

import numpy as np
import pytest

from gyrus.errors import PredictionsError, UsageError
from gyrus.evaluation import Predictions
from gyrus.evaluation.aligning import Entry, align


def entry(name, ids="abc", labels="xyx", subjects=None, classes=("x", "y"), groups=()):
    return Entry(
        name,
        Predictions(
            image_ids=tuple(ids),
            subject_ids=tuple(subjects if subjects is not None else [""] * len(ids)),
            labels=tuple(label.strip() for label in labels),
            classes=tuple(classes),
            y_prob=np.array([[(ord(i) - 90) / 100, 1 - (ord(i) - 90) / 100] for i in ids]),
            group_ids=tuple(groups),
        ),
    )


def test_rows_are_brought_into_one_order():
    first, second = align([entry("A"), entry("B", ids="cab", labels="xxy")])
    assert second.predictions.image_ids == first.predictions.image_ids == ("a", "b", "c")
    np.testing.assert_array_equal(first.predictions.y_prob, second.predictions.y_prob)


def test_other_images_are_refused_with_both_lists():
    with pytest.raises(PredictionsError, match="A has 3 images, B 3; 2 of them are the same") as caught:
        align([entry("A"), entry("B", ids="bcd", labels="yxx")])
    assert caught.value.details == ["only in A (1): a", "only in B (1): d"]


def test_long_lists_are_cut_and_say_so():
    many = [chr(200 + number) for number in range(30)]
    with pytest.raises(PredictionsError) as caught:
        align([entry("A", ids=many, labels="x" * 30), entry("B")])
    assert caught.value.details[0].endswith("… and 20 more")


def test_other_labels_are_refused_with_both():
    with pytest.raises(PredictionsError, match="1 images have another label") as caught:
        align([entry("A"), entry("B", labels="yyx")])
    assert caught.value.details == ["a: 'x' in A, 'y' in B"]


def test_other_patients_are_refused():
    with pytest.raises(PredictionsError, match="another patient"):
        align([entry("A", subjects="PPQ"), entry("B", subjects="PPR")])


def test_other_classes_are_refused_with_both_lists():
    with pytest.raises(PredictionsError, match="different classes") as caught:
        align([entry("A"), entry("B", labels="xxx", classes=("w", "x"))])
    assert caught.value.details == ["A: x, y", "B: w, x"]


def test_what_one_file_leaves_open_another_tells():
    blank = entry("A", labels="   ")
    first, second = align([blank, entry("B", subjects="PPQ")])
    for side in (first, second):
        assert side.predictions.labels == ("x", "y", "x")
        assert side.predictions.group_ids == ("subject:P", "subject:P", "subject:Q")


def test_the_coarsest_grouping_is_taken_for_all():
    first, second = align([entry("A"), entry("B", groups=["g", "g", "h"])])
    assert first.predictions.group_ids == second.predictions.group_ids == ("g", "g", "h")


def test_images_without_a_label_anywhere_are_left_out():
    first, _ = align([entry("A", labels="x x"), entry("B", labels="x x")])
    assert first.predictions.image_ids == ("a", "c")
    with pytest.raises(PredictionsError, match="no image has a label"):
        align([entry("A", labels="   "), entry("B", labels="   ")])


def test_fewer_than_two_or_two_of_one_name():
    with pytest.raises(UsageError, match="two or more"):
        align([entry("A")])
    with pytest.raises(UsageError, match="named twice: A"):
        align([entry("A"), entry("A")])
