"""A calibration is fitted on enough patients, chosen by patients it has not seen, and kept in the card."""

import numpy as np
import pytest
from drawn_cases import CLASSES, drawn, drawn_several

from gyrus.bundles import decision_rules
from gyrus.decision import Calibration
from gyrus.decision.cases import make_cases
from gyrus.decision.crossfit import patient_folds, usual_folds
from gyrus.decision.fitting import choose_method, fit_apart, fit_calibration, fit_method
from gyrus.decision.worth import group_sums, image_losses
from gyrus.errors import DataError
from gyrus.metrics.intervals import linear_ratio


def test_log_loss_and_calibration_error_fall_on_patients_it_was_not_fitted_on():
    found = fit_calibration(drawn(200, sharpened=3.0), "temperature").calibration
    assert found.before["log_loss"]["value"] > 1.2 * found.after["log_loss"]["value"]
    assert found.before["ece"]["value"] > 0.1 > found.after["ece"]["value"]
    assert found.after["ece"]["low"] <= found.after["ece"]["value"] <= found.after["ece"]["high"]
    assert found.fitted_on == {"split": "cal", "images": 800, "subjects": 200, "fingerprint": None}


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"sharpened": 3.0}, "temperature"),
        ({"sharpened": 0.4}, "temperature"),
        ({"sharpened": 1.0, "bias": (3.0, 0.0, -3.0)}, "vector"),
    ],
)
def test_auto_takes_the_simplest_that_is_needed(options, chosen):
    assert choose_method(drawn(300, 1, **options), seed=0) == chosen


@pytest.mark.parametrize("patients", [15, 40])
def test_auto_leaves_alone_what_is_not_bettered_by_more_than_chance(patients):
    picked = [choose_method(drawn(patients, 1, sharpened=1.0, seed=seed), seed=0) for seed in range(8)]
    assert picked.count("none") >= 6


def test_auto_does_not_trust_few_patients_for_whom_a_scaling_looks_better():
    cases = drawn(30, 2, sharpened=1.3, seed=2)
    plain, scaled = (fit_apart(cases, method, 0).held_out for method in ("none", "temperature"))
    fall = image_losses(cases, plain) - image_losses(cases, scaled)
    by_patient = linear_ratio(group_sums(cases, fall), group_sums(cases))
    assert 0 < by_patient.value < by_patient.variance**0.5
    assert choose_method(cases, seed=0) == "none"


def test_few_patients_who_are_all_answered_rightly_do_not_make_the_network_surer():
    """The next one is answered wrongly, and would be so with more confidence."""
    patients = 24
    labels = [[CLASSES[number % 3]] for number in range(patients)]
    right = np.array([[4.0 if CLASSES[at] == label else 0.0 for at in range(3)] for [label] in labels])
    logits = right + np.random.default_rng(0).normal(0, 0.5, right.shape)
    names = [str(number) for number in range(patients)]
    cases = make_cases(logits, labels, names, CLASSES, subject_ids=names)
    surer = fit_apart(cases, "temperature", 0)
    assert surer.calibration.temperature < 0.8
    fall = image_losses(cases, fit_apart(cases, "none", 0).held_out) - image_losses(cases, surer.held_out)
    by_patient = linear_ratio(group_sums(cases, fall), group_sums(cases))
    assert by_patient.value > 2 * by_patient.variance**0.5
    assert choose_method(cases, seed=0) == "none"


def test_a_patient_is_left_out_by_himself_so_that_no_deal_decides():
    cases = drawn(40, sharpened=2.0)
    first, second = (fit_apart(cases, "vector", seed) for seed in (0, 7))
    assert (first.held_out == second.held_out).all()
    without = cases.take(np.flatnonzero(cases.groups != 5))
    alone = fit_method(without, "vector").apply(cases.logits)
    assert first.held_out[cases.groups == 5] == pytest.approx(alone[cases.groups == 5], abs=1e-6)


def test_very_many_patients_are_dealt_into_parts():
    assert usual_folds(drawn(250, 1)) == 250
    assert usual_folds(drawn(251, 1)) == 20


@pytest.mark.parametrize("cases", [drawn(60), drawn_several(60)])
@pytest.mark.parametrize("method", ["temperature", "vector", "none"])
def test_it_comes_back_from_the_card_as_it_was(cases, method):
    found = fit_calibration(cases, method).calibration
    block = found.to_card()
    assert decision_rules.calibration(block) == ""
    back = Calibration.from_card(block, "softmax" if cases.task == "classify" else "sigmoid")
    assert (back.apply(cases.logits) == found.apply(cases.logits)).all()


def test_the_card_says_what_is_applied():
    found = fit_calibration(drawn(60, sharpened=2.0), "vector").calibration
    logits = np.array([[1.0, -2.0, 0.5]])
    by_hand = np.exp(logits * np.array(found.to_card()["scale"]) + np.array(found.to_card()["bias"]))
    assert found.apply(logits) == pytest.approx(by_hand / by_hand.sum())


def test_too_few_patients_and_absent_classes_are_refused():
    with pytest.raises(DataError, match="9 calibration patients; at least 10 are needed"):
        fit_calibration(drawn(9, seed=1), "temperature")
    cases = drawn(60)
    without = cases.take(np.flatnonzero(~cases.truth[:, 1]))
    with pytest.raises(DataError, match="no calibration image shows meningioma"):
        fit_calibration(without, "auto")


def test_logits_that_tell_the_opposite_are_no_matter_of_scaling():
    cases = drawn(120, 1)
    turned = cases.logits.copy()
    turned[:, 0] *= -1
    labels = [[CLASSES[at]] for at in cases.truth.argmax(axis=1)]
    wrong = make_cases(turned, labels, [str(number) for number in range(120)], CLASSES)
    with pytest.raises(DataError, match="turn round"):
        fit_calibration(wrong, "vector")
    assert choose_method(wrong, seed=0) != "vector"


def test_a_patient_stands_in_one_fold_and_classes_are_spread():
    cases = drawn(50)
    fold = patient_folds(cases, seed=3)
    assert all(len(set(fold[cases.groups == group])) == 1 for group in range(50))
    sizes = [np.unique(cases.groups[fold == number]).size for number in range(5)]
    assert max(sizes) - min(sizes) <= 1
    per_fold = [cases.truth[fold == number].sum(axis=0) / 4 for number in range(5)]
    assert (np.max(per_fold, axis=0) - np.min(per_fold, axis=0) <= 1).all()
