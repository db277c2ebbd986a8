"""An answer, or a referral with its reason; without anything in the card, what the network says."""

import numpy as np
import pytest

from gyrus.decision import Calibration, ConformalSets, Decision, OperatingPoint

CLASSES = ("glioma", "meningioma", "pituitary")


def sets(**quantiles):
    return ConformalSets("lac", 0.9, True, "subject", quantiles, dict.fromkeys(CLASSES, 20))


def test_a_card_that_says_nothing_leaves_the_softmax():
    decision = Decision.from_card(
        {"classes": list(CLASSES), "task": "classify", "calibration": None, "operating_points": None,
         "conformal": None}
    )  # fmt: skip
    logits = np.array([[1.0, 2.0, 0.0]], dtype=np.float32)
    expected = np.exp(logits[0].astype(float)) / np.exp(logits[0].astype(float)).sum()
    assert decision.probabilities(logits)[0] == pytest.approx(expected, abs=1e-15)
    [decided] = decision.decide(decision.probabilities(logits))
    assert decided.to_json() == {
        "label": "meningioma", "refer": False, "set": None, "reason": "", "points": {},
    }  # fmt: skip
    assert decision.to_card() == {"calibration": None, "operating_points": None, "conformal": None}


@pytest.mark.parametrize(
    ("row", "members", "label", "reason"),
    [
        ([0.9, 0.06, 0.04], ("glioma",), "glioma", ""),
        ([0.5, 0.45, 0.05], ("glioma", "meningioma"), None, "it may be glioma or meningioma"),
        ([0.36, 0.34, 0.3], (), None, "no class fits as well as the calibration images fit theirs"),
        ([0.3, 0.05, 0.65], ("pituitary",), "pituitary", ""),
    ],
)
def test_it_answers_when_the_set_is_the_one_most_probable_class(row, members, label, reason):
    decision = Decision(CLASSES, conformal=sets(glioma=0.55, meningioma=0.6, pituitary=0.5))
    [decided] = decision.decide(np.array([row]))
    assert (decided.set, decided.label, decided.refer) == (members, label, label is None)
    assert decided.reason == reason


def test_a_set_that_contradicts_the_most_probable_class_is_referred():
    decision = Decision(CLASSES, conformal=sets(glioma=0.1, meningioma=0.7, pituitary=0.1))
    [decided] = decision.decide(np.array([[0.6, 0.35, 0.05]]))
    assert decided.refer
    assert decided.reason == "only meningioma fits, but glioma is more probable"


def test_refused_sets_are_no_referral_but_are_said():
    refused = ConformalSets(
        "lac", 0.9, True, "subject", {"glioma": None, "meningioma": 0.5, "pituitary": 0.5},
        {"glioma": 3, "meningioma": 20, "pituitary": 20}, {"glioma": "3 calibration patients"},
    )  # fmt: skip
    [decided] = Decision(CLASSES, conformal=refused).decide(np.array([[0.6, 0.35, 0.05]]))
    assert (decided.label, decided.refer, decided.set) == ("glioma", False, None)
    assert decided.reason == "no sets: glioma: 3 calibration patients"


def test_points_add_up_the_positive_classes():
    point = OperatingPoint("tumour", ("glioma", "pituitary"), "sensitivity", 0.9, 0.5, "cal", 10, 5)
    decided = Decision(CLASSES, points=(point,)).decide(np.array([[0.3, 0.5, 0.2], [0.2, 0.6, 0.2]]))
    assert [one.points for one in decided] == [{"tumour": True}, {"tumour": False}]


def test_several_classes_an_image_are_shown_from_a_half_on():
    decision = Decision(CLASSES, "multilabel", Calibration("sigmoid", "temperature", temperature=2.0))
    probs = decision.probabilities(np.array([[2.0, -2.0, 0.0], [-1.0, -1.0, -1.0]]))
    assert probs[0] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0.5])
    assert [one.label for one in decision.decide(probs)] == ["glioma|pituitary", "|"]
