"""Precision over recall, against scikit-learn, torchmetrics and hand-worked values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from gyrus.metrics.intervals import logit_t_interval
from gyrus.metrics.precision_recall import (
    average_precision,
    linear_average_precision,
    precision_recall_curve,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_average_precision_equals_scikit_learn(rows):
    y_true, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)
    if y_true.all() or not y_true.any():
        assert math.isnan(average_precision(y_true, score))
        return
    assert average_precision(y_true, score) == pytest.approx(sk.average_precision_score(y_true, score))


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_scikit_learns(ties):
    rng = np.random.default_rng(0)
    y_true = rng.random(200) < 0.3
    score = rng.normal(size=200) + y_true
    score = np.round(score, 1) if ties else score
    precision, recall, thresholds = sk.precision_recall_curve(y_true, score)
    curve = precision_recall_curve(y_true, score)
    assert curve.precision == pytest.approx(precision[::-1])
    assert curve.recall == pytest.approx(recall[::-1])
    assert curve.thresholds[1:] == pytest.approx(thresholds[::-1])


def test_macro_micro_and_weighted_equal_the_libraries():
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(0)
    y_true, y_prob = rng.choice(4, 400, p=(0.4, 0.3, 0.2, 0.1)), rng.dirichlet(np.ones(4), 400)
    truth = np.eye(4, dtype=bool)[y_true]
    areas = [average_precision(truth[:, number], y_prob[:, number]) for number in range(4)]
    wanted = tm.multiclass_average_precision(
        torch.tensor(y_prob), torch.tensor(y_true), num_classes=4, average=None
    )
    assert areas == pytest.approx(wanted.numpy(), abs=1e-6)
    for average, ours in (
        ("macro", np.mean(areas)),
        ("weighted", np.average(areas, weights=truth.sum(axis=0))),
        ("micro", average_precision(truth.ravel(), y_prob.ravel())),
    ):
        assert ours == pytest.approx(sk.average_precision_score(truth, y_prob, average=average))


def test_hand_worked_value():
    # positives at places 1, 3, 4 of five: (1/1 + 2/3 + 3/4) / 3
    y_true, score = [1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]
    assert average_precision(y_true, score) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    # all at one score: precision is the share of positives
    assert average_precision([1, 0, 0, 0], [0.5] * 4) == 0.25


def test_without_positives_the_curve_is_undefined():
    curve = precision_recall_curve([0, 0], [0.1, 0.2])
    assert np.isnan(curve.precision).all()
    assert np.isnan(curve.recall).all()


def linear(y_true, score, groups):
    return linear_average_precision(y_true, score, groups, int(groups.max()) + 1)


@pytest.mark.parametrize("ties", [False, True])
def test_the_influence_of_a_patient_is_the_derivative_by_its_weight(ties):
    rng = np.random.default_rng(1)
    y_true, groups = rng.random(120) < 0.3, rng.integers(0, 20, 120)
    score = rng.normal(size=120) + y_true
    score = np.round(score, 1) if ties else score
    part, step = linear(y_true, score, groups), 1e-5
    assert part.value == pytest.approx(sk.average_precision_score(y_true, score))
    share = np.bincount(groups[y_true], minlength=20) / y_true.sum()
    scale = math.sqrt((part.clusters - 1) / part.clusters) / (1 - share)
    for group in range(20):
        moved = [
            sk.average_precision_score(y_true, score, sample_weight=1 + sign * step * (groups == group))
            for sign in (1, -1)
        ]
        slope = (moved[0] - moved[1]) / (2 * step)
        assert part.influence[group] == pytest.approx(scale[group] * slope, abs=1e-8)


def test_one_class_only_has_no_interval():
    for y_true in ([1, 1, 1], [0, 0, 0]):
        interval = logit_t_interval(linear(y_true, [0.1, 0.2, 0.3], np.arange(3)))
        assert math.isnan(interval.value)
        assert math.isnan(interval.low)


def test_areas_of_forty_patients_are_covered():
    rng = np.random.default_rng(2)

    def cohort(n_patients):
        groups = np.repeat(np.arange(n_patients), 5)
        y_true = groups % 10 < 3
        score = 2.5 * y_true + rng.normal(size=n_patients)[groups] + rng.normal(size=groups.size)
        return y_true, score, groups

    truth = average_precision(*cohort(40_000)[:2])
    intervals = [logit_t_interval(linear(*cohort(40))) for _ in range(500)]
    assert np.mean([one.low <= truth <= one.high for one in intervals]) >= 0.94
