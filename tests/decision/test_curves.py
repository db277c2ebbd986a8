"""Risk over coverage and net benefit over thresholds, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.decision.net_benefit import decision_curve
from gyrus.decision.risk_coverage import curve_points, risk_area, risk_coverage


def test_risk_over_coverage_by_hand():
    sure, wrong = np.array([0.9, 0.6, 0.8, 0.6]), np.array([False, True, True, False])
    coverage, risk = risk_coverage(sure, wrong)
    assert coverage.tolist() == [0.25, 0.5, 1.0]  # the two of 0.6 are answered together
    assert risk.tolist() == [0.0, 0.5, 0.5]
    area = risk_area(np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, True, False, True]), np.arange(4))
    assert area.value == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert area.low <= area.value <= area.high


def test_a_model_that_knows_when_it_errs_has_the_smaller_area():
    random = np.random.default_rng(0)
    sure = random.random(400)
    groups = np.arange(400) // 4
    knowing = risk_area(sure, sure < 0.2, groups)
    guessing = risk_area(sure, random.permutation(sure < 0.2), groups)
    assert knowing.high < guessing.low
    assert len(curve_points(*risk_coverage(sure, sure < 0.2))["risk"]) == 200


def test_net_benefit_by_hand():
    score, sick = np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])
    curve = decision_curve(score, sick, np.arange(4), grid=np.array([0.2, 0.5, 0.95]))
    # at 0.2: two hits, one alarm at odds 1/4; at 0.5: a hit and an alarm at odds 1
    assert curve["model"] == pytest.approx([(2 - 1 / 4) / 4, (1 - 1) / 4, 0.0])
    assert curve["all"] == pytest.approx([0.5 - 0.5 / 4, 0.0, 0.5 - 0.5 * 19])
    assert curve["prevalence"] == 0.5
    assert (np.array(curve["low"]) <= curve["model"]).all()
    assert (np.array(curve["high"]) >= curve["model"]).all()


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_acting_from_nothing_on_is_acting_on_everybody(seed):
    random = np.random.default_rng(seed)
    score, sick = random.uniform(0.05, 1, 30), random.random(30) < 0.4
    curve = decision_curve(score, sick, np.arange(30), grid=np.array([0.01]))
    assert curve["model"] == pytest.approx(curve["all"])
