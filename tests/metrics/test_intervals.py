"""Intervals: formulas, degenerate cases, and whether they cover."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gyrus.metrics import auc, ratio_interval, wilson_interval
from gyrus.metrics.intervals import (
    effective_clusters,
    linear_area,
    linear_mean,
    linear_ratio,
    logit_t_interval,
)
from gyrus.metrics.roc import placements


def test_wilson_equals_scipy():
    for successes, trials in ((0, 10), (3, 10), (10, 10), (871, 900)):
        wanted = stats.binomtest(successes, trials).proportion_ci(0.9, method="wilson")
        assert wilson_interval(successes, trials, 0.9) == pytest.approx((wanted.low, wanted.high))
    assert np.isnan(wilson_interval(0, 0)).all()


def test_single_images_give_about_the_interval_of_independent_trials():
    hits = np.repeat([1, 0], [800, 200])
    interval = ratio_interval(hits, np.ones(1000))
    assert (interval.low, interval.high) == pytest.approx(wilson_interval(800, 1000), abs=2e-3)
    assert interval.value == 0.8
    assert interval.clusters == 1000


def test_patients_all_right_or_all_wrong_count_as_one_trial_each():
    hits = np.repeat([20, 0], [40, 10])
    clustered = ratio_interval(hits, np.full(50, 20))
    assert (clustered.low, clustered.high) == pytest.approx(wilson_interval(40, 50), abs=0.02)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=30),
    st.sampled_from([0.5, 0.8, 0.95, 0.99]),
)
def test_an_interval_holds_the_value_and_grows_with_confidence(rows, confidence):
    hits, trials = np.array([min(row) for row in rows]), np.array([max(row) for row in rows])
    interval = ratio_interval(hits, trials, confidence)
    if (trials > 0).sum() < 2:
        assert np.isnan(interval.low)
        return
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    wider = ratio_interval(hits, trials, 0.995)
    assert wider.low <= interval.low
    assert wider.high >= interval.high


@pytest.mark.parametrize("hits", [0, 5])
def test_nothing_wrong_yet_is_not_certainty(hits):
    interval = ratio_interval(np.full(40, hits), np.full(40, 5))
    assert interval.value == hits / 5
    width = interval.high - interval.low
    assert 0.05 < width < 0.25  # three in forty, the "rule of three", is 0.075


def test_groups_without_trials_do_not_count():
    plain = ratio_interval([3, 1, 2], [4, 2, 2])
    padded = ratio_interval([3, 0, 1, 2, 0], [4, 0, 2, 2, 0])
    assert padded == plain


def test_one_patient_tells_nothing_about_others():
    interval = ratio_interval([7], [9])
    assert interval.value == pytest.approx(7 / 9)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert math.isnan(ratio_interval([0], [0]).value)


def test_effective_clusters():
    assert effective_clusters([5, 5, 5, 0]) == pytest.approx(3)
    assert effective_clusters([100, 1, 1]) == pytest.approx(102**2 / 10002)
    assert effective_clusters([]) == 0


def test_the_variance_of_a_share_is_that_of_its_jackknife():
    rng = np.random.default_rng(0)
    trials = rng.integers(3, 8, 200)
    hits = rng.binomial(trials, rng.beta(4, 1, 200))
    without = (hits.sum() - hits) / (trials.sum() - trials)
    jackknife = 199 / 200 * ((without - without.mean()) ** 2).sum()
    assert linear_ratio(hits, trials).variance == pytest.approx(jackknife, rel=0.02)


def test_the_variance_of_an_area_of_single_images_is_delongs():
    rng = np.random.default_rng(0)
    y_true = rng.random(300) < 0.4
    score = rng.normal(size=300) + 1.2 * y_true
    share = placements(y_true, score)
    linear = linear_area(share, y_true, np.arange(300))
    delong = share[y_true].var(ddof=1) / y_true.sum() + share[~y_true].var(ddof=1) / (~y_true).sum()
    assert linear.value == pytest.approx(auc(y_true, score))
    assert linear.variance == pytest.approx(delong, rel=1e-9)


def test_the_variance_of_a_mean_takes_shared_patients_into_account():
    rng = np.random.default_rng(0)
    trials = np.full(60, 5)
    hits = rng.binomial(5, rng.beta(2, 1, 60))
    part = linear_ratio(hits, trials)
    assert linear_mean([part, part]).variance == pytest.approx(part.variance)
    apart = [linear_ratio(hits * side, trials * side) for side in (np.arange(60) < 30, np.arange(60) >= 30)]
    wanted = (apart[0].variance + apart[1].variance) / 4
    assert linear_mean(apart).variance == pytest.approx(wanted)
    assert linear_mean(apart).clusters == pytest.approx(60)


def test_a_mean_with_an_undefined_part_is_undefined_unless_it_weighs_nothing():
    part, nothing = linear_ratio([3, 4], [5, 5]), linear_ratio([0, 0], [0, 0])
    assert math.isnan(logit_t_interval(linear_mean([part, nothing])).value)
    assert linear_mean([part, nothing], [1, 0]).value == pytest.approx(0.7)


def test_a_mean_with_a_part_of_one_patient_has_a_value_but_no_interval():
    mean = linear_mean([linear_ratio([3, 4, 0], [5, 5, 0]), linear_ratio([0, 0, 2], [0, 0, 4])])
    interval = logit_t_interval(mean)
    assert interval.value == pytest.approx(0.6)
    assert math.isnan(interval.low)


def coverage(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def forty_patients(rng, share, likeness):
    """Right answers and images of 40 patients, who differ in how hard they are (beta) and in their slices."""
    first, second = share * (1 - likeness) / likeness, (1 - share) * (1 - likeness) / likeness
    trials = np.clip(np.round(np.exp(rng.normal(2.4, 0.7, 40))), 1, 60).astype(int)
    return rng.binomial(trials, rng.beta(first, second, 40)), trials


COHORTS = pytest.mark.parametrize(("share", "likeness"), [(0.8, 0.4), (0.93, 0.4), (0.97, 0.3)])


@COHORTS
def test_forty_patients_are_covered_at_least_as_often_as_promised(share, likeness):
    rng = np.random.default_rng(5)
    intervals = [ratio_interval(*forty_patients(rng, share, likeness)) for _ in range(1500)]
    assert coverage(intervals, share) >= 0.94
    assert np.mean([interval.high - interval.low for interval in intervals]) < 0.25


@COHORTS
def test_the_same_simulation_fails_the_percentile_bootstrap(share, likeness):
    """The check above can fail: resampled patients and percentiles, the usual way, break the promise."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(300):
        hits, trials = forty_patients(rng, share, likeness)
        weights = rng.multinomial(40, np.full(40, 1 / 40), size=300)
        low, high = np.quantile((weights @ hits) / (weights @ trials), [0.025, 0.975])
        held += low <= share <= high
    assert held / 300 < 0.93


def test_areas_of_forty_patients_are_covered():
    rng = np.random.default_rng(5)
    shift = stats.norm.ppf(0.95) * math.sqrt(2 * (1.5**2 + 1))
    groups = np.repeat(np.arange(40), 5)
    y_true = groups < 12
    intervals = []
    for _ in range(400):
        score = shift * y_true + 1.5 * rng.normal(size=40)[groups] + rng.normal(size=200)
        intervals.append(logit_t_interval(linear_area(placements(y_true, score), y_true, groups)))
    assert coverage(intervals, 0.95) >= 0.94
