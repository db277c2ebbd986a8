"""A whole decision from labelled cases, with what was left out and why."""

import numpy as np
import pytest
from drawn_cases import CLASSES, drawn, drawn_several

from gyrus.decision import Decision
from gyrus.decision.fitting import fit_apart
from gyrus.decision.learning import Wish, fit_decision
from gyrus.errors import DataError


def test_all_parts_are_fitted_and_come_back_from_the_card():
    cases = drawn(150, sharpened=2.0)
    decision, notes = fit_decision(cases, Wish(points=((CLASSES[:2], "sensitivity", 0.9),)))
    assert notes == []
    assert decision.calibration.method == "temperature"
    assert decision.conformal is not None
    back = Decision.from_card({"classes": list(CLASSES), "task": "classify", **decision.to_card()})
    probs = decision.probabilities(cases.logits)
    assert (back.probabilities(cases.logits) == probs).all()
    assert back.decide(probs) == decision.decide(probs)


def test_thresholds_come_from_probabilities_that_had_not_seen_the_patient():
    cases = drawn(40, sharpened=2.0)
    decision, _ = fit_decision(cases, Wish(calibration="vector"))
    held_out = fit_apart(cases, "vector", 0).held_out
    assert not np.allclose(held_out, decision.probabilities(cases.logits), atol=1e-4)
    own = 1 - (held_out * cases.truth).sum(axis=1)
    assert decision.conformal is not None
    assert set(decision.conformal.quantiles.values()) <= set(own.tolist())


def test_too_few_cases_leave_the_network_as_it_is_unless_asked_by_name():
    few = drawn(9, seed=1)
    decision, notes = fit_decision(few, Wish())
    assert decision.calibration.method == "none"
    assert notes[0] == (
        "probabilities are left as the network gives them: 9 calibration patients; at least 10 are needed"
    )
    assert notes[1].startswith("no conformal sets, so nothing is referred: ")
    with pytest.raises(DataError, match="at least 10"):
        fit_decision(few, Wish(calibration="temperature"))


def test_several_classes_an_image_have_no_sets_and_this_is_said():
    decision, notes = fit_decision(drawn_several(120, sharpened=3.0), Wish(conformal_method="aps"))
    assert decision.calibration.method != "none"
    assert decision.conformal is None
    assert "no conformal sets: an image may show several classes" in notes[0]
