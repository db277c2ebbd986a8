"""Curves and areas, against scikit-learn, SciPy and torchmetrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as sk

from gyrus.metrics import auc, roc_curve
from gyrus.metrics.roc import auc_resampled, placements, thinned


def scored(seed, n=300, ties=True):
    rng = np.random.default_rng(seed)
    y_true = rng.random(n) < 0.4
    score = rng.normal(size=n) + y_true
    return y_true, np.round(score, 1) if ties else score, rng.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_curve_and_area_equal_scikit_learn(ties, weighted):
    y_true, score, weights = scored(1, ties=ties)
    weights = weights if weighted else None
    fpr, tpr, thresholds = sk.roc_curve(y_true, score, sample_weight=weights, drop_intermediate=False)
    curve = roc_curve(y_true, score, weights)
    if weighted:  # scikit-learn leaves out scores without weight; the curve is the same
        assert np.interp(fpr, curve.fpr, curve.tpr).max() == pytest.approx(1)
        assert sk.auc(curve.fpr, curve.tpr) == pytest.approx(sk.auc(fpr, tpr))
    else:
        assert curve.fpr == pytest.approx(fpr)
        assert curve.tpr == pytest.approx(tpr)
        assert curve.thresholds == pytest.approx(thresholds)
    assert auc(y_true, score, weights) == pytest.approx(
        sk.roc_auc_score(y_true, score, sample_weight=weights)
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_area_is_the_mann_whitney_statistic(rows):
    y_true, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)
    if y_true.all() or not y_true.any():
        assert np.isnan(auc(y_true, score))
        return
    statistic = mannwhitneyu(score[y_true], score[~y_true]).statistic
    pairs = y_true.sum() * (~y_true).sum()
    assert auc(y_true, score) == pytest.approx(statistic / pairs)
    assert auc(~y_true, -score) == pytest.approx(auc(y_true, score))
    assert auc(y_true, -score) == pytest.approx(1 - auc(y_true, score))


def test_one_against_rest_macro_and_micro_equal_the_libraries():
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(0)
    y_true, y_prob = rng.integers(0, 4, 400), rng.dirichlet(np.ones(4), 400)
    y_prob[np.arange(400), y_true] += 0.5
    y_prob /= y_prob.sum(axis=1, keepdims=True)
    areas = [auc(y_true == number, y_prob[:, number]) for number in range(4)]
    wanted = tm.multiclass_auroc(torch.tensor(y_prob), torch.tensor(y_true), num_classes=4, average=None)
    assert areas == pytest.approx(wanted.numpy(), abs=1e-6)
    macro = sk.roc_auc_score(y_true, y_prob, multi_class="ovr", average="macro")
    assert np.mean(areas) == pytest.approx(macro)
    one_hot = np.eye(4, dtype=bool)[y_true]
    micro = sk.roc_auc_score(one_hot, y_prob, average="micro")
    assert auc(one_hot.ravel(), y_prob.ravel()) == pytest.approx(micro)


def test_placements_average_to_the_area_on_both_sides():
    y_true, score, _ = scored(2)
    share = placements(y_true, score)
    area = sk.roc_auc_score(y_true, score)
    assert share[y_true].mean() == pytest.approx(area)
    assert share[~y_true].mean() == pytest.approx(area)


def test_many_weights_at_once_equal_repeating_the_images():
    y_true, score, _ = scored(4, n=60)
    weights = np.random.default_rng(0).integers(0, 4, (60, 25))
    areas = auc_resampled(y_true, score, weights.astype(np.float32))
    for column in range(25):
        rows = np.repeat(np.arange(60), weights[:, column])
        assert areas[column] == pytest.approx(sk.roc_auc_score(y_true[rows], score[rows]), abs=1e-6)


def test_a_resample_without_one_side_is_undefined():
    weights = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    areas = auc_resampled([1, 0, 1], [0.9, 0.1, 0.2], weights)
    assert np.isnan(areas[0])
    assert areas[1] == 1


def test_large_counts_stay_exact_in_single_precision():
    rng = np.random.default_rng(0)
    y_true, score = rng.random(20_000) < 0.5, rng.normal(size=20_000)
    single = auc_resampled(y_true, score, np.full((20_000, 1), 3, dtype=np.float32))
    assert single[0] == pytest.approx(auc(y_true, score), abs=1e-9)


@pytest.mark.parametrize("y_true", [[0, 0, 0], [1, 1, 1]])
def test_one_side_only_is_undefined(y_true):
    curve = roc_curve(y_true, [0.1, 0.2, 0.3])
    assert np.isnan(auc(y_true, [0.1, 0.2, 0.3]))
    assert np.isnan(curve.fpr).all() or np.isnan(curve.tpr).all()
    assert np.isnan(placements(y_true, [0.1, 0.2, 0.3])).all()


def test_a_thinned_curve_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(0)
    y_true = rng.random(4000) < 0.5
    curve = roc_curve(y_true, rng.normal(size=4000) + y_true)
    thin = thinned(curve, 200)
    assert thin.fpr.size <= 200
    assert (thin.fpr[0], thin.tpr[0], thin.fpr[-1], thin.tpr[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(thin.tpr, thin.fpr) == pytest.approx(np.trapezoid(curve.tpr, curve.fpr), abs=2e-3)


def test_a_short_curve_loses_only_points_on_straight_lines():
    y_true, score = [1, 1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    thin = thinned(roc_curve(y_true, score), 200)
    assert thin.fpr == pytest.approx([0, 0, 1 / 3, 1 / 3, 1])
    assert thin.tpr == pytest.approx([0, 3 / 4, 3 / 4, 1, 1])


@pytest.mark.parametrize(
    ("y_true", "score", "words"),
    [([1, 0], [0.1], "shapes differ"), ([1, 0], [0.1, np.nan], "NaN"), ([], [], "empty")],
)
def test_bad_scores_are_refused(y_true, score, words):
    with pytest.raises(ValueError, match=words):
        auc(y_true, score)
