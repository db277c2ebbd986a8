"""Newton's method finds SciPy's minimum, recovers what was done to the logits, and stays finite."""

import numpy as np
import pytest
from drawn_cases import CLASSES, drawn, drawn_several
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gyrus.decision.activations import sigmoid, softmax
from gyrus.decision.calibration import Calibration
from gyrus.decision.cases import make_cases
from gyrus.decision.scaling import fit_temperature, fit_vector


def penalised(cases, scaled, away):
    """The objective as the documentation states it, written anew."""
    if cases.task == "classify":
        loss = -np.log((softmax(scaled) * cases.truth).sum(axis=1)).mean()
    else:
        prob = sigmoid(scaled)
        loss = -np.log(np.where(cases.truth, prob, 1 - prob)).sum(axis=1).mean()
    return cases.n_groups * loss + float(np.sum(np.square(away))) / 2


@pytest.mark.parametrize("cases", [drawn(60, sharpened=2.5), drawn_several(80, sharpened=0.5)])
def test_the_minimum_is_that_of_scipy(cases):
    def of_temperature(at):
        return penalised(cases, at[0] * cases.logits, at - 1)

    found = minimize(of_temperature, [1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert 1 / fit_temperature(cases) == pytest.approx(found.x[0], rel=1e-5)

    def of_vector(at):
        return penalised(cases, cases.logits * at[:3] + at[3:], at - np.r_[np.ones(3), np.zeros(3)])

    best = minimize(of_vector, np.r_[np.ones(3), np.zeros(3)], method="BFGS", options={"gtol": 1e-7})
    scale, bias = fit_vector(cases)
    assert np.r_[scale, bias] == pytest.approx(best.x, abs=2e-4)
    assert of_vector(np.r_[scale, bias]) <= best.fun + 1e-9


def test_what_sharpened_the_logits_is_found_again():
    assert fit_temperature(drawn(2500, 1, sharpened=3.0)) == pytest.approx(3.0, rel=0.1)
    scale, bias = fit_vector(drawn(4000, 1, sharpened=2.0, bias=(1.0, 0.0, -1.0)))
    assert scale == pytest.approx([0.5, 0.5, 0.5], abs=0.08)
    assert bias[0] - bias[2] == pytest.approx(-1.0, abs=0.2)


def test_images_that_are_all_right_do_not_make_it_infinitely_sure():
    labels = [[CLASSES[number % 3]] for number in range(60)]
    logits = np.array([[4.0 * (name == label[0]) for name in CLASSES] for label in labels])
    cases = make_cases(logits, labels, [str(number) for number in range(60)], CLASSES)
    assert 0.4 < fit_temperature(cases) < 1.0
    scale, bias = fit_vector(cases)
    assert np.isfinite([*scale, *bias]).all()
    assert max(scale) < 3


def test_slices_of_one_patient_count_as_one_witness():
    many = drawn(40, 1, sharpened=4.0)
    copied = make_cases(
        np.repeat(many.logits, 30, axis=0), [[CLASSES[at]] for at in many.truth.argmax(axis=1).repeat(30)],
        [f"P{number}" for number in range(40) for _ in range(30)], CLASSES,
    )  # fmt: skip
    assert fit_temperature(copied) == pytest.approx(fit_temperature(many), rel=1e-6)


@given(st.floats(0.05, 20.0), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_temperature_changes_no_answer(temperature, seed):
    logits = np.random.default_rng(seed).normal(0, 5, (20, 4)).astype(np.float32)
    scaled = Calibration("softmax", "temperature", temperature=temperature).apply(logits)
    assert (scaled.argmax(axis=1) == softmax(logits).argmax(axis=1)).all()
    assert scaled.sum(axis=1) == pytest.approx(np.ones(20))
