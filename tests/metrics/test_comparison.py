"""Comparisons of two models, against SciPy, explicit pairwise sums and hand-worked values."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from gyrus.metrics import auc
from gyrus.metrics.area_resampling import area_of
from gyrus.metrics.comparison import (
    delong_paired,
    holm,
    mcnemar,
    needed_patients,
    paired_bootstrap,
    paired_difference,
    share_of,
)
from gyrus.metrics.intervals import linear_area, linear_ratio
from gyrus.metrics.roc import placements


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_of_single_images_is_the_binomial_test(rows):
    a, b = np.array(rows).T
    result = mcnemar(a, b)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    assert (result.only_a, result.only_b, result.clusters) == (only_a, only_b, only_a + only_b)
    if only_a + only_b == 0:
        assert (result.p_exact, result.p_mid) == (1, 1)
        return
    wanted = stats.binomtest(only_a, only_a + only_b).pvalue
    at = stats.binom.pmf(only_a, only_a + only_b, 0.5) * (0.5 if only_a == only_b else 1)
    assert result.p_exact == pytest.approx(wanted, abs=1e-12)
    assert result.p_mid == pytest.approx(wanted - at, abs=1e-12)


def test_mcnemar_has_the_published_values():
    # Fagerland, Lydersen and Laake (2013), table 1: airway hyper-responsiveness, 1 against 7
    a, b = np.repeat([1, 0], [1, 7]), np.repeat([0, 1], [1, 7])
    result = mcnemar(a, b)
    assert result.p_exact == pytest.approx(0.0703, abs=5e-5)
    assert result.p_mid == pytest.approx(0.0391, abs=5e-5)


def test_mcnemar_by_patient_counts_every_exchange_of_the_models():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 9, 60)
    a, b = rng.random(60) < 0.6, rng.random(60) < 0.8
    net = np.bincount(groups, weights=b.astype(float) - a)
    sums = [abs(np.dot(signs, net)) for signs in itertools.product((-1, 1), repeat=net.size)]
    result = mcnemar(a, b, groups)
    assert result.p_exact == pytest.approx(np.mean(np.array(sums) >= abs(net.sum()) - 1e-9))
    assert result.clusters == np.count_nonzero(net)
    assert result.p_mid < result.p_exact


def test_one_patient_of_many_slices_is_no_evidence():
    a, b = np.zeros(50, dtype=bool), np.ones(50, dtype=bool)
    assert mcnemar(a, b).p_exact < 1e-12
    assert mcnemar(a, b, np.zeros(50, dtype=int)).p_exact == 1


def test_mcnemar_refuses_answers_of_different_images():
    with pytest.raises(ValueError, match="correct_b has the shape"):
        mcnemar([1, 0], [1, 0, 1])


def pairwise_delong(y_true, score_a, score_b):
    """DeLong's covariance from all pairs, as in the paper's equations."""
    components = []
    for score in (score_a, score_b):
        above, below = score[y_true][:, None], score[~y_true][None]
        kernel = (above > below) + 0.5 * (above == below)
        components.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    first = np.cov([components[0][0], components[1][0]]) / y_true.sum()
    return first + np.cov([components[0][1], components[1][1]]) / (~y_true).sum()


@pytest.mark.parametrize("ties", [False, True])
def test_delong_equals_the_explicit_pairwise_formula(ties):
    rng = np.random.default_rng(1)
    y_true = rng.random(150) < 0.4
    common = rng.normal(size=150)
    scores = [common + rng.normal(size=150) + shift * y_true for shift in (0.8, 1.4)]
    scores = [np.round(score) if ties else score for score in scores]
    covariance = pairwise_delong(y_true, *scores)
    result = delong_paired(y_true, *scores)
    areas = [sk.roc_auc_score(y_true, score) for score in scores]
    assert result.value == pytest.approx(areas[1] - areas[0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert result.error**2 == pytest.approx(variance, rel=1e-9)
    z = (areas[1] - areas[0]) / math.sqrt(variance)
    assert result.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert result.high - result.value == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(variance))


def test_delong_by_patient_is_wider_and_says_how_many():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 10)
    y_true, ours = groups % 2 == 0, rng.normal(size=40)[groups]
    a, b = ours + rng.normal(size=400), ours + 1.5 * y_true + rng.normal(size=40)[groups]
    single, clustered = delong_paired(y_true, a, b), delong_paired(y_true, a, b, groups)
    assert clustered.value == single.value
    assert clustered.error > 1.5 * single.error
    assert (clustered.clusters, single.clusters) == (20, 200)


def test_delong_of_equal_scores_is_no_difference():
    y_true, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1])
    result = delong_paired(y_true, score, score)
    assert (result.value, result.low, result.high, result.p) == (0, 0, 0, 1)


def test_delong_of_one_class_is_undefined():
    result = delong_paired([1, 1], [0.1, 0.2], [0.3, 0.4])
    assert math.isnan(result.value)
    assert math.isnan(result.p)


def test_holm_has_the_hand_worked_values():
    # sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1, 1])
    assert holm([0.02, np.nan, 0.03]) == pytest.approx([0.04, np.nan, 0.04], nan_ok=True)
    assert holm([]).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_plain_p_and_bonferronis(p_values):
    adjusted, plain = holm(p_values), np.array(p_values)
    assert (adjusted >= plain).all()
    assert (adjusted <= np.minimum(1, plain * plain.size) + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(plain, kind="stable")]) >= 0).all()


def paired_patients(rng, patients, share_a, share_b, alike=0.5):
    """Right answers of two models by patient; part of a patient's difficulty is common to both."""
    trials = np.clip(np.round(np.exp(rng.normal(2.4, 0.7, patients))), 1, 60).astype(int)
    groups = np.repeat(np.arange(patients), trials)
    common = math.sqrt(alike) * rng.normal(size=patients)[groups] + rng.normal(size=groups.size)
    hits = []
    for share in (share_a, share_b):
        own = math.sqrt(1 - alike) * rng.normal(size=patients)[groups] + rng.normal(size=groups.size)
        right = stats.norm.ppf(share) * 2 + common + own > 0  # the sum has the variance 4 less 1
        hits.append(np.bincount(groups, weights=right, minlength=patients))
    truth = [stats.norm.cdf(stats.norm.ppf(share) * 2 / math.sqrt(3)) for share in (share_a, share_b)]
    return hits, trials, groups, truth[1] - truth[0]


@pytest.mark.parametrize(("share_a", "share_b"), [(0.8, 0.85), (0.9, 0.95)])
def test_differences_of_forty_patients_are_covered(share_a, share_b):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(500):
        (a, b), trials, _, truth = paired_patients(rng, 40, share_a, share_b)
        result = paired_difference(linear_ratio(a, trials), linear_ratio(b, trials), n_images=trials.sum())
        covered.append(result.low <= truth <= result.high)
        assert (result.p < 0.05) == (result.low > 0 or result.high < 0)
    assert np.mean(covered) >= 0.94


def test_bootstrap_and_formula_agree_on_many_patients():
    rng = np.random.default_rng(4)
    (a, b), trials, groups, _ = paired_patients(rng, 250, 0.8, 0.86)
    formula = paired_difference(linear_ratio(a, trials), linear_ratio(b, trials), n_images=trials.sum())
    drawn = paired_bootstrap(share_of(a, trials), share_of(b, trials), groups)
    assert drawn.value == pytest.approx(formula.value)
    assert (drawn.low, drawn.high) == pytest.approx((formula.low, formula.high), abs=4e-3)
    assert drawn.error == pytest.approx(formula.error, rel=0.06)
    assert drawn == paired_bootstrap(share_of(a, trials), share_of(b, trials), groups)


def test_bootstrap_of_areas_agrees_with_delong_by_patient():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(120), 4)
    y_true = groups % 3 == 0
    common = rng.normal(size=120)[groups]
    scores = [common + rng.normal(size=480) + shift * y_true for shift in (1.0, 1.6)]
    drawn = paired_bootstrap(*(area_of(y_true, score, groups) for score in scores), groups, n_samples=1000)
    formula = delong_paired(y_true, *scores, groups)
    assert drawn.value == pytest.approx(auc(y_true, scores[1]) - auc(y_true, scores[0]), abs=1e-6)
    assert (drawn.low, drawn.high) == pytest.approx((formula.low, formula.high), abs=0.015)


def test_formula_takes_areas_too_and_refuses_other_groups():
    rng = np.random.default_rng(6)
    groups, y_true = np.arange(60) // 2, np.arange(60) % 4 == 0
    parts = [linear_area(placements(y_true, rng.random(60)), y_true, groups) for _ in range(2)]
    assert -1 <= paired_difference(*parts).low <= paired_difference(*parts).high <= 1
    with pytest.raises(ValueError, match="the same groups"):
        paired_difference(parts[0], linear_ratio([1, 2], [3, 3]))


def test_models_that_agree_everywhere_are_not_surely_equal():
    part = linear_ratio(np.full(20, 5), np.full(20, 5))
    result = paired_difference(part, part, n_images=100)
    assert (result.value, result.p) == (0, 1)
    assert 0.02 < result.high < 0.1
    alone = paired_bootstrap(share_of([1, 2], [2, 2]), share_of([1, 2], [2, 2]), [0, 1])
    assert (alone.low, alone.high, alone.p) == (0, 0, 1)


def test_one_patient_has_a_difference_without_interval():
    one = paired_difference(linear_ratio([3], [5]), linear_ratio([4], [5]))
    drawn = paired_bootstrap(share_of([3], [5]), share_of([4], [5]), [0])
    assert one.value == drawn.value == pytest.approx(0.2)
    assert math.isnan(one.low)
    assert math.isnan(drawn.p)


def test_needed_patients_is_the_textbook_formula():
    # ((1.95996 + 0.84162) * 0.02 / 0.03)^2 * 100 = 348.8
    assert needed_patients(0.03, 0.02, 100) == 349
    assert needed_patients(-0.03, 0.02, 100) == 349
    assert needed_patients(0.0, 0.02, 100) == math.inf
    assert math.isnan(needed_patients(math.nan, 0.02, 100))


def test_that_many_patients_do_tell():
    rng = np.random.default_rng(7)
    (a, b), trials, _, truth = paired_patients(rng, 4000, 0.80, 0.83)
    pilot = paired_difference(linear_ratio(a, trials), linear_ratio(b, trials), n_images=trials.sum())
    needed = int(needed_patients(truth, pilot.error, 4000))
    told = []
    for _ in range(200):
        (a, b), trials, _, _ = paired_patients(rng, needed, 0.80, 0.83)
        told.append(paired_difference(linear_ratio(a, trials), linear_ratio(b, trials),
                                      n_images=trials.sum()).low > 0)  # fmt: skip
    assert 0.7 < np.mean(told) < 0.9
