"""Predictive values at a stated prevalence, against Bayes' rule, a published value and simulation."""

import math

import numpy as np
import pytest

from gyrus.metrics.intervals import linear_ratio
from gyrus.metrics.prevalence import predictive_values


def rates(hits, positives, clears, negatives):
    """One image a patient: so many of so many."""
    right = np.concatenate([np.arange(positives) < hits, np.arange(negatives) < clears])
    sick = np.arange(right.size) < positives
    return linear_ratio(right & sick, sick), linear_ratio(right & ~sick, ~sick)


def test_the_textbook_example():
    # Gigerenzer (2002): breast cancer 1 %, sensitivity 90 %, false alarms 9 %: about 9 in 98 are ill
    values = predictive_values(*rates(90, 100, 910, 1000), 0.01)
    assert values.ppv.value == pytest.approx(0.009 / (0.009 + 0.0891))
    assert values.npv.value == pytest.approx(0.99 * 0.91 / (0.99 * 0.91 + 0.001))
    assert values.prevalence == 0.01


def test_at_the_sets_own_prevalence_it_is_the_precision():
    values = predictive_values(*rates(30, 40, 50, 60), 0.4)
    assert values.ppv.value == pytest.approx(30 / (30 + 10))
    assert values.npv.value == pytest.approx(50 / (50 + 10))


def test_no_false_alarm_among_forty_does_not_make_a_rare_disease_certain():
    values = predictive_values(*rates(40, 40, 40, 40), 0.01)
    assert values.ppv.value == 1
    assert values.ppv.low < 0.5
    assert values.npv.low > 0.99


def test_never_answered_is_undefined():
    values = predictive_values(*rates(0, 40, 40, 40), 0.1)
    assert math.isnan(values.ppv.value)
    assert math.isnan(values.ppv.low)
    assert values.npv.value == pytest.approx(0.9)


def test_one_patient_has_values_without_interval():
    values = predictive_values(linear_ratio([3, 0], [4, 0]), linear_ratio([0, 5], [0, 5]), 0.5)
    assert values.ppv.value == 1
    assert math.isnan(values.ppv.low)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, math.nan])
def test_a_prevalence_is_a_share(prevalence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        predictive_values(*rates(3, 4, 5, 6), prevalence)


@pytest.mark.parametrize("prevalence", [0.02, 0.4])
def test_values_of_forty_patients_are_covered(prevalence):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(500):
        sick, trials = np.arange(40) % 2 == 0, np.full(40, 6)
        right = rng.binomial(trials, np.where(sick, rng.beta(8, 2, 40), rng.beta(9, 1, 40)))
        values = predictive_values(
            linear_ratio(right * sick, trials * sick), linear_ratio(right * ~sick, trials * ~sick), prevalence
        )
        ppv = 0.8 * prevalence / (0.8 * prevalence + 0.1 * (1 - prevalence))
        npv = 0.9 * (1 - prevalence) / (0.9 * (1 - prevalence) + 0.2 * prevalence)
        covered += [values.ppv.low <= ppv <= values.ppv.high, values.npv.low <= npv <= values.npv.high]
    assert np.mean(covered) >= 0.94
