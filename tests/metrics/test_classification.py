"""Figures from the confusion matrix, against scikit-learn, torchmetrics and hand-made cases."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from gyrus.metrics import UndefinedMetricWarning, confusion_matrix, scores_of
from gyrus.metrics.classification import RATES, rate_terms, warn_of_undefined

CLASSES = ("a", "b", "c", "d")
labels = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 3))


@pytest.fixture(params=range(5))
def answers(request):
    rng = np.random.default_rng(request.param)
    y_true = rng.choice(4, 300, p=(0.4, 0.3, 0.2, 0.1))
    y_pred = np.where(rng.random(300) < 0.7, y_true, rng.integers(0, 4, 300))
    return y_true, y_pred, rng.random(300)


def report(y_true, y_pred, weights=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sk.classification_report(
            y_true, y_pred, labels=range(4), target_names=CLASSES, output_dict=True, zero_division=np.nan,
            sample_weight=weights,
        )  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_equal_scikit_learns_report(answers, weighted):
    y_true, y_pred, weights = answers
    weights = weights if weighted else None
    wanted = report(y_true, y_pred, weights)
    scores = scores_of(confusion_matrix(y_true, y_pred, 4, weights))
    for number, name in enumerate(CLASSES):
        row = [
            scores.precision[number],
            scores.sensitivity[number],
            scores.f1[number],
            scores.support[number],
        ]
        assert row == pytest.approx(list(wanted[name].values()), abs=1e-12)
    for average in ("macro", "weighted"):
        row = [float(getattr(scores, average)(rate)) for rate in ("precision", "sensitivity", "f1")]
        assert row == pytest.approx(list(wanted[f"{average} avg"].values())[:3], abs=1e-12)
    assert float(scores.accuracy) == pytest.approx(sk.accuracy_score(y_true, y_pred, sample_weight=weights))
    balanced = sk.balanced_accuracy_score(y_true, y_pred, sample_weight=weights)
    assert float(scores.balanced_accuracy) == pytest.approx(balanced)


def test_specificity_equals_torchmetrics(answers):
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    y_true, y_pred, _ = answers
    wanted = tm.multiclass_specificity(
        torch.tensor(y_pred), torch.tensor(y_true), num_classes=4, average="none"
    )
    scores = scores_of(confusion_matrix(y_true, y_pred, 4))
    assert scores.specificity == pytest.approx(wanted.numpy(), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(labels, st.randoms(use_true_random=False))
def test_any_answers_agree_with_scikit_learn_where_defined(y_true, random):
    y_pred = np.array([random.randrange(4) for _ in y_true])
    scores = scores_of(confusion_matrix(y_true, y_pred, 4))
    wanted = report(y_true, y_pred)
    for number, name in enumerate(CLASSES):
        mine = [scores.precision[number], scores.sensitivity[number], scores.f1[number]]
        assert mine == pytest.approx(list(wanted[name].values())[:3], nan_ok=True)
    assert float(scores.weighted("sensitivity")) == pytest.approx(float(scores.accuracy))
    baseline = np.bincount(y_true).max() / len(y_true)
    assert float(scores.majority_baseline) == pytest.approx(baseline)


def test_hand_computed_values_with_an_absent_and_a_silent_class():
    # c has no image but is answered once; d has two images and is never answered
    y_true, y_pred = [0, 0, 0, 1, 1, 3, 3], [0, 0, 1, 1, 2, 0, 1]
    scores = scores_of(confusion_matrix(y_true, y_pred, 4))
    assert scores.precision == pytest.approx([2 / 3, 1 / 3, 0, np.nan], nan_ok=True)
    assert scores.sensitivity == pytest.approx([2 / 3, 1 / 2, np.nan, 0], nan_ok=True)
    assert scores.specificity == pytest.approx([3 / 4, 3 / 5, 6 / 7, 1])
    assert scores.f1 == pytest.approx([2 / 3, 2 / 5, 0, 0])
    assert float(scores.balanced_accuracy) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert np.isnan(scores.macro("precision"))
    assert np.isnan(scores.macro("sensitivity"))
    assert np.isnan(scores.weighted("precision"))
    assert float(scores.macro("f1")) == pytest.approx((2 / 3 + 2 / 5) / 4)


def test_a_class_that_never_occurs_is_left_out_of_the_mean():
    scores = scores_of(confusion_matrix([0, 0, 1], [0, 1, 1], 3))
    assert np.isnan(scores.f1[2])
    assert float(scores.macro("f1")) == pytest.approx(scores.f1[:2].mean())


def test_nothing_at_all_is_undefined():
    scores = scores_of(np.zeros((3, 3)))
    assert all(np.isnan(getattr(scores, rate)).all() for rate in RATES)
    assert np.isnan([scores.accuracy, scores.balanced_accuracy, scores.majority_baseline]).all()


def test_many_matrices_at_once_are_the_same_as_one_by_one():
    matrices = np.random.default_rng(0).integers(0, 9, (5, 2, 3, 3))
    together = scores_of(matrices)
    for place in np.ndindex(5, 2):
        alone = scores_of(matrices[place])
        assert together.f1[place] == pytest.approx(alone.f1, nan_ok=True)
        assert together.macro("precision")[place] == pytest.approx(
            float(alone.macro("precision")), nan_ok=True
        )
        assert together.balanced_accuracy[place] == pytest.approx(float(alone.balanced_accuracy), nan_ok=True)


def test_terms_are_the_numerators_and_denominators():
    matrix = np.random.default_rng(0).integers(1, 9, (3, 3))
    scores = scores_of(matrix)
    for rate, (above, below) in rate_terms(matrix).items():
        assert above / below == pytest.approx(getattr(scores, rate))


def test_undefined_figures_are_warned_about_once_by_name():
    scores = scores_of(confusion_matrix([0, 0, 3], [0, 1, 3], 4))
    with pytest.warns(
        UndefinedMetricWarning, match=r"sensitivity, ROC-AUC and PR-AUC of b, c .*; precision of c"
    ) as seen:
        sentences = warn_of_undefined(scores, CLASSES)
    assert len(seen) == 1
    assert len(sentences) == 2


def test_defined_figures_warn_of_nothing():
    assert warn_of_undefined(scores_of(np.eye(4)), CLASSES) == []


def test_a_matrix_must_be_square():
    with pytest.raises(ValueError, match=r"\(…, K, K\)"):
        scores_of(np.ones((2, 3)))
