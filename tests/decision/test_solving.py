"""Thresholds keep their promise about new patients; else they are refused with the best that can be."""

import numpy as np
import pytest
from drawn_cases import CLASSES, drawn, drawn_several

from gyrus.bundles import decision_rules
from gyrus.decision import OperatingPoint
from gyrus.decision.activations import softmax
from gyrus.decision.cases import make_cases
from gyrus.decision.operating_point import positive_score
from gyrus.decision.solving import fewest_to_promise, point_figures, solve_point
from gyrus.errors import DataError

TWO = ("healthy", "tumour")


def two_classes(scores, sick, patients):
    """Cases and probabilities of two classes with these scores of the second."""
    prob = np.stack([1 - np.array(scores), np.array(scores)], axis=1)
    labels = [[TWO[int(one)]] for one in sick]
    return make_cases(np.log(np.maximum(prob, 1e-9)), labels, patients, TWO, subject_ids=patients), prob


def test_a_threshold_by_hand():
    # four sick patients; of the two images of the first, the worse one may be missed at 70 %:
    # (1/2 + 0 + 0 + 0 + 1 lost patient) / 5 = 0.3; to miss more would be too much
    scores = [0.2, 0.9, 0.6, 0.7, 0.8, 0.1]
    cases, prob = two_classes(scores, [1, 1, 1, 1, 1, 0], ["a", "a", "b", "c", "d", "e"])
    point = solve_point(cases, prob, ("tumour",), "sensitivity", 0.7)
    assert point.threshold == pytest.approx(0.6)
    figures = point_figures(cases, prob, point)
    assert figures["sensitivity"]["value"] == pytest.approx(4 / 5)
    assert figures["specificity"]["value"] == 1.0
    assert solve_point(cases, prob, ("tumour",), "sensitivity", 0.8).threshold == pytest.approx(0.2)


def test_a_specificity_by_hand():
    scores = [0.1, 0.2, 0.3, 0.4, 0.9]
    cases, prob = two_classes(scores, [0, 0, 0, 0, 1], list("abcde"))
    # one of four healthy patients may be called positive at 60 %: (1 + 1) / 5 = 0.4
    point = solve_point(cases, prob, ("tumour",), "specificity", 0.6)
    assert 0.3 < point.threshold < 0.3 + 1e-9
    assert point.positives(prob, TWO).tolist() == [False, False, False, True, True]
    assert point_figures(cases, prob, point)["specificity"]["value"] == pytest.approx(3 / 4)


@pytest.mark.parametrize("metric", ["sensitivity", "specificity"])
def test_the_promise_holds_on_average_over_new_patients(metric):
    got = []
    for seed in range(120):
        cases, fresh = drawn(60, 3, spread=1.5, seed=seed), drawn(200, 3, spread=1.5, seed=5000 + seed)
        point = solve_point(cases, softmax(cases.logits), CLASSES[:2], metric, 0.9)
        rates = point_figures(fresh, softmax(fresh.logits), point)
        got.append(rates[metric]["value"])
    assert np.mean(got) > 0.895  # a standard error is 0.004
    assert np.mean(got) < 0.95  # and it is not bought with caution without end


def test_what_cannot_be_promised_is_refused_with_the_best_that_can():
    assert fewest_to_promise(0.98) == 49
    cases = drawn(40, 2)
    count = np.unique(cases.groups[cases.truth[:, 0]]).size
    with pytest.raises(DataError, match=f"cannot be promised from {count} positive") as caught:
        solve_point(cases, softmax(cases.logits), ("glioma",), "sensitivity", 0.99)
    assert "99 are needed" in caught.value.message
    best = int(1e4 * count / (count + 1)) / 1e4
    assert caught.value.details[0].startswith(f"best achievable: sensitivity at least {best:g}, with sens")
    assert solve_point(cases, softmax(cases.logits), ("glioma",), "sensitivity", best).at_least == best


def test_no_threshold_lies_above_every_score_but_the_never():
    cases, prob = two_classes([1.0, 1.0, 0.5], [0, 0, 1], list("abc"))
    point = solve_point(cases, prob, ("tumour",), "specificity", 0.6)
    assert not point.positives(prob, TWO).any()
    assert decision_rules.operating_points([point.to_card()]) == ""


def test_several_classes_an_image_have_a_point_each():
    cases = drawn_several(120)
    prob = 1 / (1 + np.exp(-cases.logits))
    point = solve_point(cases, prob, ("glioma",), "sensitivity", 0.9)
    rates = point_figures(cases, prob, point)
    assert rates["sensitivity"]["value"] >= 0.9
    called, sick = prob[:, 0] >= point.threshold, cases.truth[:, 0]
    assert rates["ppv"]["value"] == pytest.approx(sick[called].mean())


def test_it_comes_back_from_the_card():
    cases = drawn(60)
    point = solve_point(cases, softmax(cases.logits), CLASSES[:2], "sensitivity", 0.9)
    assert decision_rules.operating_points([point.to_card()]) == ""
    assert OperatingPoint.from_card(point.to_card()) == point
    assert point.name == "glioma, meningioma: sensitivity at least 0.9"
    prob = softmax(cases.logits)
    assert positive_score(prob, CLASSES, CLASSES[:2]) == pytest.approx(1 - prob[:, 2])
