"""Kappa and Matthews' correlation, against scikit-learn, torchmetrics, published and hand-worked values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from gyrus.metrics import confusion_matrix
from gyrus.metrics.agreement import agreement_interval, kappa, linear_kappa, linear_matthews, matthews
from gyrus.metrics.confusion import group_confusions

labels = hnp.arrays(np.int64, st.integers(2, 40), elements=st.integers(0, 2))


@settings(max_examples=80, deadline=None)
@given(labels, st.randoms(use_true_random=False))
def test_they_equal_scikit_learn_where_defined(y_true, random):
    y_pred = np.array([random.randrange(3) for _ in y_true])
    matrix = confusion_matrix(y_true, y_pred, 3)
    if len({*y_true.tolist(), *y_pred.tolist()}) > 1:
        assert float(kappa(matrix)) == pytest.approx(sk.cohen_kappa_score(y_true, y_pred), abs=1e-12)
    else:
        assert math.isnan(kappa(matrix))
    if len(set(y_true.tolist())) > 1 and len(set(y_pred.tolist())) > 1:
        assert float(matthews(matrix)) == pytest.approx(sk.matthews_corrcoef(y_true, y_pred), abs=1e-12)
    else:
        assert math.isnan(matthews(matrix))


def test_they_equal_torchmetrics():
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    matrix = confusion_matrix(y_true, y_pred, 4)
    theirs = tm.multiclass_cohen_kappa(torch.tensor(y_pred), torch.tensor(y_true), num_classes=4)
    assert float(kappa(matrix)) == pytest.approx(float(theirs), abs=1e-6)
    theirs = tm.multiclass_matthews_corrcoef(torch.tensor(y_pred), torch.tensor(y_true), num_classes=4)
    assert float(matthews(matrix)) == pytest.approx(float(theirs), abs=1e-6)


def test_hand_worked_values():
    # agreement 35 of 50, by chance (25 * 30 + 25 * 20) / 50 = 25: kappa = 10 / 25
    matrix = [[20, 5], [10, 15]]
    assert float(kappa(matrix)) == pytest.approx(0.4)
    # hits of both less errors of both, over the root of the product of all four margins
    assert float(matthews(matrix)) == pytest.approx(250 / math.sqrt(375_000))
    assert float(kappa([[3, 0], [0, 7]])) == float(matthews([[3, 0], [0, 7]])) == 1
    assert float(matthews([[0, 3], [7, 0]])) == pytest.approx(-1)


def test_one_class_only_is_undefined():
    assert math.isnan(kappa([[7, 0], [0, 0]]))
    assert math.isnan(matthews([[7, 2], [0, 0]]))
    assert float(kappa([[7, 2], [0, 0]])) == 0
    assert np.isnan([kappa(np.zeros((2, 2))), matthews(np.zeros((2, 2)))]).all()


def test_many_matrices_at_once():
    matrices = np.random.default_rng(0).integers(1, 9, (4, 3, 3))
    assert kappa(matrices) == pytest.approx([float(kappa(one)) for one in matrices])
    assert matthews(matrices) == pytest.approx([float(matthews(one)) for one in matrices])


def by_group(seed, n_groups=30, right=0.7):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 4, 300)
    y_pred = np.where(rng.random(300) < right, y_true, rng.integers(0, 4, 300))
    return group_confusions(y_true, y_pred, rng.integers(0, n_groups, 300), 4)


@pytest.mark.parametrize(("linear", "figure"), [(linear_kappa, kappa), (linear_matthews, matthews)])
def test_the_influence_of_a_patient_is_the_derivative_by_its_weight(linear, figure):
    groups = by_group(0)
    part, whole, step = linear(groups), groups.sum(axis=0), 1e-5
    assert 2 * part.value - 1 == pytest.approx(float(figure(whole)))
    slopes = (figure(whole + step * groups) - figure(whole - step * groups)) / (2 * step) / 2
    share = groups.sum(axis=(1, 2)) / whole.sum()
    assert part.influence * (1 - share) == pytest.approx(slopes * math.sqrt(29 / 30), abs=1e-9)
    assert (part.influence * (1 - share)).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("linear", "figure"), [(linear_kappa, kappa), (linear_matthews, matthews)])
def test_the_variance_is_that_of_the_jackknife(linear, figure):
    groups = by_group(1, n_groups=80)
    without = figure(groups.sum(axis=0) - groups)
    count = len(groups)
    jackknife = (count - 1) / count * ((without - without.mean()) ** 2).sum()
    assert 4 * linear(groups).variance == pytest.approx(jackknife, rel=0.08)


def test_intervals_hold_the_value_within_the_range():
    for right in (0.0, 0.5, 1.0):
        for linear in (linear_kappa, linear_matthews):
            interval = agreement_interval(linear(by_group(2, right=right)))
            assert -1 <= interval.low < interval.value <= interval.high <= 1
            assert interval.clusters == 30


def test_undefined_has_no_interval():
    nothing = agreement_interval(linear_kappa(np.array([[[3.0, 0], [0, 0]]] * 4)))
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.low)


def test_kappas_of_forty_patients_are_covered():
    rng = np.random.default_rng(3)

    def cohort(n_patients):
        groups = np.repeat(np.arange(n_patients), 8)
        y_true = groups % 3
        skill = rng.beta(4, 1, n_patients)[groups]
        wrong = (y_true + rng.integers(1, 3, groups.size)) % 3
        return group_confusions(y_true, np.where(rng.random(groups.size) < skill, y_true, wrong), groups, 3)

    truth = {figure: float(figure(cohort(40_000).sum(axis=0))) for figure in (kappa, matthews)}
    covered = []
    for _ in range(400):
        groups = cohort(40)
        for linear, figure in ((linear_kappa, kappa), (linear_matthews, matthews)):
            interval = agreement_interval(linear(groups))
            covered.append(interval.low <= truth[figure] <= interval.high)
    assert np.mean(covered) >= 0.94
