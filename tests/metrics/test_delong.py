"""DeLong's variance, against the explicit sum over pairs and against Hanley and McNeil's data."""

import math

import numpy as np
import pytest
from scipy import stats

from gyrus.metrics import auc
from gyrus.metrics.delong import delong_interval, delong_variance


def pairwise_variance(y_true, score):
    """DeLong's variance from the matrix of all pairs (equations 4 to 6 of the paper)."""
    above, below = score[y_true][:, None], score[~y_true][None]
    kernel = (above > below) + 0.5 * (above == below)
    first, second = kernel.mean(axis=1), kernel.mean(axis=0)
    return first.var(ddof=1) / first.size + second.var(ddof=1) / second.size


@pytest.mark.parametrize("ties", [False, True])
def test_variance_equals_the_explicit_pairwise_formula(ties):
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5):
        y_true = rng.random(200) < share
        score = rng.normal(size=200) + y_true
        score = np.round(score) if ties else score
        assert delong_variance(y_true, score) == pytest.approx(pairwise_variance(y_true, score), rel=1e-9)


def test_the_published_ratings_of_hanley_and_mcneil():
    # Hanley and McNeil (1982), table I: 51 abnormal and 58 normal images rated 1 to 5; area 0.893
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    score = np.concatenate([np.repeat(np.arange(1, 6), normal), np.repeat(np.arange(1, 6), abnormal)])
    y_true = np.arange(score.size) >= 58
    assert auc(y_true, score) == pytest.approx(0.893, abs=5e-4)
    # their Wilcoxon standard error is 0.032
    assert math.sqrt(delong_variance(y_true, score)) == pytest.approx(0.032, abs=2e-3)


def test_interval_is_the_normal_one_cut_off_at_one():
    rng = np.random.default_rng(1)
    y_true = rng.random(60) < 0.5
    score = rng.normal(size=60) + 3.5 * y_true
    interval = delong_interval(y_true, score, 0.9)
    reach = stats.norm.ppf(0.95) * math.sqrt(pairwise_variance(y_true, score))
    assert interval.value == pytest.approx(auc(y_true, score))
    assert interval.low == pytest.approx(interval.value - reach)
    assert interval.high == pytest.approx(min(1, interval.value + reach))


def test_one_image_a_side_has_an_area_without_variance():
    assert math.isnan(delong_variance([1, 0, 0], [0.9, 0.1, 0.2]))
    interval = delong_interval([1, 0, 0], [0.9, 0.1, 0.2])
    assert interval.value == 1
    assert math.isnan(interval.low)
    assert math.isnan(delong_interval([1, 1], [0.9, 0.1]).value)
