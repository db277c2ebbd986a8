"""Reliability and calibration error, against scikit-learn, a Monte Carlo of the published method, by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.calibration import calibration_curve

from gyrus.metrics.calibration import calibration_error, equal_mass_bins, reliability


def statements(seed, n=600, sharpness=1.0):
    """Probabilities and outcomes; right at sharpness 1, too sure of itself above."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(1, 1.2, n)
    outcome = rng.random(n) < 1 / (1 + np.exp(-logit))
    return 1 / (1 + np.exp(-sharpness * logit)), outcome


def test_bins_and_their_means_equal_scikit_learns_quantile_bins():
    prob, outcome = statements(0)
    share, mean = calibration_curve(outcome, prob, n_bins=10, strategy="quantile")
    bins = reliability(prob, outcome, np.arange(600), n_bins=10)
    assert [one.images for one in bins] == [60] * 10
    assert [one.confidence for one in bins] == pytest.approx(mean, abs=1e-9)
    assert [one.share.value for one in bins] == pytest.approx(share)
    assert all(one.share.low < one.share.value < one.share.high for one in bins)
    assert all(one.highest < other.lowest for one, other in pairwise(bins))


def test_plain_error_is_the_weighted_mean_distance():
    prob, outcome = statements(1, sharpness=2)
    share, mean = calibration_curve(outcome, prob, n_bins=12, strategy="quantile")
    error = calibration_error(prob, outcome, np.arange(600), n_bins=12)
    assert error.bins == 12
    assert error.plain == pytest.approx(np.abs(share - mean).mean())


def test_hand_worked_value():
    # two bins of four: said 0.55, was 3/4; said 0.9, was 2/4: (0.2 + 0.4) / 2
    prob = [0.5, 0.5, 0.6, 0.6, 0.85, 0.85, 0.95, 0.95]
    error = calibration_error(prob, [1, 0, 1, 1, 1, 0, 0, 1], np.arange(8), n_bins=2)
    assert error.plain == pytest.approx(0.3)
    assert 0 <= error.interval.low <= error.interval.value <= error.plain <= error.interval.high


def test_chance_is_taken_off_as_published():
    """Kumar, Liang and Ma (2019): draw every bin anew around what was seen, take off the mean excess."""
    rng = np.random.default_rng(2)
    prob, outcome = statements(2, n=300)
    number = equal_mass_bins(prob, 10)
    residual = outcome - prob
    gap = np.array([residual[number == at].mean() for at in range(10)])
    spread = np.array([residual[number == at].std() for at in range(10)]) / math.sqrt(30)
    drawn = np.abs(gap + spread * rng.normal(size=(200_000, 10))).mean()
    plain = np.abs(gap).mean()
    error = calibration_error(prob, outcome, np.arange(300), n_bins=10)
    assert error.interval.value == pytest.approx(plain - (drawn - plain), abs=3e-4)


def test_debiasing_helps_where_it_should_and_not_where_it_should_not():
    perfect, bad = [], []
    for seed in range(200):
        perfect.append(calibration_error(*statements(seed, n=300), np.arange(300)))
        bad.append(calibration_error(*statements(seed, n=300, sharpness=4), np.arange(300)))
    prob, outcome = statements(0, n=400_000, sharpness=4)
    truth = np.abs(np.subtract(*calibration_curve(outcome, prob, n_bins=15, strategy="quantile"))).mean()
    assert np.mean([one.interval.value for one in perfect]) < 0.7 * np.mean([one.plain for one in perfect])
    assert np.mean([one.interval.value for one in bad]) == pytest.approx(truth, rel=0.04)


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])),
    st.integers(1, 20),
)
def test_bins_keep_equal_probabilities_together_and_in_order(prob, n_bins):
    number = equal_mass_bins(prob, n_bins)
    assert sorted(set(number.tolist())) == list(range(number.max() + 1))
    assert number.max() < n_bins
    order = np.argsort(prob, kind="stable")
    assert (np.diff(number[order]) >= 0).all()
    for value in set(prob.tolist()):
        assert len(set(number[prob == value].tolist())) == 1


def test_all_sure_and_all_right_is_perfect_but_not_certain():
    error = calibration_error(np.ones(80), np.ones(80), np.repeat(np.arange(20), 4))
    assert (error.plain, error.interval.value, error.interval.low, error.bins) == (0, 0, 0, 1)
    assert error.interval.clusters == 20


def test_one_patient_has_an_error_without_interval_and_none_has_none():
    one = calibration_error([0.5, 0.9], [1, 0], np.zeros(2, dtype=np.int64))
    assert one.plain == one.interval.value > 0
    assert math.isnan(one.interval.low)
    nothing = calibration_error([], [], np.zeros(0, dtype=np.int64))
    assert math.isnan(nothing.plain)
    assert reliability([], [], np.zeros(0, dtype=np.int64)) == []


def test_the_same_every_time():
    prob, outcome = statements(3)
    assert calibration_error(prob, outcome, np.arange(600)) == calibration_error(
        prob, outcome, np.arange(600)
    )


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 0.5])
def test_errors_of_forty_patients_are_covered(sharpness):
    rng = np.random.default_rng(4)

    def cohort(n_patients):
        groups = np.repeat(np.arange(n_patients), 12)
        logit = 1 + 1.2 * rng.normal(size=groups.size)
        helped = logit + 0.5 * rng.normal(size=n_patients)[groups]
        outcome = rng.random(groups.size) < 1 / (1 + np.exp(-helped))
        return 1 / (1 + np.exp(-sharpness * logit)), outcome, groups

    prob, outcome, _ = cohort(30_000)
    truth = np.abs(np.subtract(*calibration_curve(outcome, prob, n_bins=15, strategy="quantile"))).mean()
    errors = [calibration_error(*cohort(40)).interval for _ in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in errors]) >= 0.94
