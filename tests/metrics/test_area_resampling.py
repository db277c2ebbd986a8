"""Resampled areas: the short way counts the same pairs as the long one."""

import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gyrus.metrics import area_resampling, cluster_weights
from gyrus.metrics.area_resampling import area_of, won_pairs


def scored(n=200, n_groups=23, seed=0):
    rng = np.random.default_rng(seed)
    y_true, groups = rng.random(n) < 0.3, rng.integers(0, n_groups, n)
    groups[:n_groups] = np.arange(n_groups)
    return y_true, np.round(rng.normal(size=n) + y_true, 1), groups


def test_every_sample_has_the_area_of_the_repeated_images():
    y_true, score, groups = scored()
    weights = cluster_weights(23, 40, 0)
    areas = area_of(y_true, score, groups)(weights)
    for column in range(40):
        rows = np.repeat(np.arange(200), weights[groups, column].astype(int))
        assert areas[column] == pytest.approx(roc_auc_score(y_true[rows], score[rows]))


def test_pairs_are_counted_by_group():
    y_true, score, groups = scored(n=60, n_groups=5)
    won = won_pairs(y_true, score, groups, 5)
    for one in range(5):
        for other in range(5):
            above = score[y_true & (groups == one)][:, None]
            below = score[~y_true & (groups == other)][None]
            assert won[one, other] == (above > below).sum() + 0.5 * (above == below).sum()


def test_very_many_groups_are_counted_image_by_image(monkeypatch):
    y_true, score, groups = scored()
    weights = cluster_weights(23, 40, 0)
    wanted = area_of(y_true, score, groups)(weights)
    monkeypatch.setattr(area_resampling, "_MOST_GROUPS", 10)
    assert area_of(y_true, score, groups)(weights) == pytest.approx(wanted, abs=1e-6)


def test_a_sample_without_one_side_is_undefined():
    areas = area_of([1, 0, 1], [0.9, 0.1, 0.2], [0, 1, 1])(np.array([[2.0, 1], [0, 1]], dtype=np.float32))
    assert np.isnan(areas[0])
    assert areas[1] == 1
    assert np.isnan(area_of([1, 1], [0.1, 0.2], [0, 1])(np.ones((2, 3), dtype=np.float32))).all()


def test_two_thousand_samples_of_five_thousand_answers_of_four_classes():
    rng = np.random.default_rng(0)
    y_true, y_prob, groups = rng.integers(0, 4, 5000), rng.random((5000, 4)), rng.integers(0, 250, 5000)
    truth = y_true[:, None] == np.arange(4)
    begin = time.process_time()  # a neighbour's load is not ours
    weights = cluster_weights(250, 2000, 0)
    macro = np.mean([area_of(truth[:, k], y_prob[:, k], groups)(weights) for k in range(4)], axis=0)
    micro = area_of(truth.ravel(), y_prob.ravel(), np.repeat(groups, 4))(weights)
    assert macro.shape == micro.shape == (2000,)
    assert time.process_time() - begin < 2  # 0.15 s on an idle core
