"""Counting by class and by group."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sk_confusion

from gyrus.metrics import confusion_matrix
from gyrus.metrics.confusion import group_confusions, number_groups


@pytest.fixture
def answers():
    rng = np.random.default_rng(3)
    return rng.integers(0, 3, 200), rng.integers(0, 3, 200), rng.integers(0, 17, 200), rng.random(200)


def test_equals_scikit_learn(answers):
    y_true, y_pred, _, weights = answers
    assert (confusion_matrix(y_true, y_pred, 3) == sk_confusion(y_true, y_pred)).all()
    wanted = sk_confusion(y_true, y_pred, sample_weight=weights)
    assert confusion_matrix(y_true, y_pred, 3, weights) == pytest.approx(wanted)


def test_the_matrices_of_groups_add_up_under_any_weights(answers):
    y_true, y_pred, groups, _ = answers
    by_group = group_confusions(y_true, y_pred, groups, 3)
    assert (by_group.sum(axis=0) == confusion_matrix(y_true, y_pred, 3)).all()
    drawn = np.random.default_rng(0).integers(0, 4, by_group.shape[0])
    wanted = confusion_matrix(y_true, y_pred, 3, drawn[groups])
    assert np.tensordot(drawn, by_group, axes=1) == pytest.approx(wanted)


def test_groups_are_numbered_by_name():
    numbers, count = number_groups(["p9", "p1", "p9", "q"])
    assert numbers.tolist() == [1, 0, 1, 2]
    assert count == 3


def test_no_image_gives_zeros():
    assert (confusion_matrix([], [], 2) == np.zeros((2, 2))).all()
    assert group_confusions([], [], [], 2).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([0, 1], [0], "2 entries, y_pred 1"),
        ([0, 3], [0, 0], "0 to 2"),
        ([0, -1], [0, 0], "-1"),
        ([0.0, 1.0], [0, 0], "whole numbers"),
        ([[0, 1]], [0, 0], "shape"),
    ],
)
def test_bad_labels_are_refused(y_true, y_pred, words):
    with pytest.raises(ValueError, match=words):
        confusion_matrix(y_true, y_pred, 3)
