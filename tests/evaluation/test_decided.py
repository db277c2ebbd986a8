"""Figures of a decision, on images it was not fitted on: others, or cross-fitted on the same."""

import numpy as np
import pytest

from gyrus.decision import Decision
from gyrus.decision.activations import softmax
from gyrus.decision.cases import make_cases
from gyrus.decision.learning import Wish, fit_decision
from gyrus.errors import PredictionsError
from gyrus.evaluation import Predictions
from gyrus.evaluation.decided import cases_of, said_by, said_out_of_fold
from gyrus.evaluation.decision_figures import decision_figures, rates_of_points
from gyrus.evaluation.decision_text import format_decision

CLASSES = ("glioma", "no_tumor", "pituitary")
ASKED = Wish(points=((("glioma", "pituitary"), "sensitivity", 0.9),))


def answered(n_patients=120, images=2, *, sharpened=3.0, seed=0):
    """Predictions and logits of a model that is far too sure."""
    random = np.random.default_rng(seed)
    honest = np.repeat(random.normal(0, 2, (n_patients, 3)), images, axis=0)
    pick = (random.random(n_patients).repeat(images)[:, None] > softmax(honest).cumsum(axis=1)).sum(axis=1)
    logits = sharpened * honest
    count = n_patients * images
    predictions = Predictions(
        image_ids=tuple(f"i{number}" for number in range(count)),
        subject_ids=tuple(f"P{number // images}" for number in range(count)),
        labels=tuple(CLASSES[min(number, 2)] for number in pick),
        classes=CLASSES,
        y_prob=softmax(logits),
    )
    return predictions, logits


def block_of(seed=0, fresh=1):
    decision, _ = fit_decision(cases_of(*answered(seed=seed), split="cal"), ASKED)
    return decision_figures(said_by(decision, cases_of(*answered(seed=fresh), split="test")))


def test_on_strangers_log_loss_falls_and_every_part_is_measured():
    block = block_of()
    assert not block["cross_fitted"]
    assert block["calibration"]["method"] == "temperature"
    assert block["after"]["log_loss"]["value"] < 0.7 * block["before"]["log_loss"]["value"]
    assert sum(one["n_images"] for one in block["after"]["reliability"]) == 240
    [point] = block["points"]
    assert set(rates_of_points(block)[point["name"]]) == {"sensitivity", "specificity", "ppv", "npv"}
    shares = [row["ppv"]["value"] for row in point["at_prevalence"]]
    assert shares == sorted(shares)  # the more are ill, the more a positive answer is worth
    sets = block["sets"]
    assert sum(sets["sizes"].values()) == 240
    assert sets["coverage"]["value"] > 0.8
    assert block["risk_coverage"]["coverage"][-1] == 1.0
    assert set(block["curves"]) == set(CLASSES)


def test_coverage_counts_each_patient_once():
    predictions, logits = answered(40, 1)
    # one patient with fifty images of one kind
    rows = np.r_[np.arange(40), np.zeros(49, dtype=int)]
    many = predictions.take(rows)
    object.__setattr__(many, "image_ids", tuple(f"n{number}" for number in range(len(rows))))
    decision, _ = fit_decision(cases_of(*answered(seed=5), split="cal"), Wish())
    once = decision_figures(said_by(decision, cases_of(predictions, logits, split="test")))
    often = decision_figures(said_by(decision, cases_of(many, logits[rows], split="test")))
    assert often["sets"]["coverage"]["value"] == pytest.approx(once["sets"]["coverage"]["value"])


def test_out_of_fold_each_patient_is_answered_by_what_others_taught():
    said = said_out_of_fold(cases_of(*answered(), split="out-of-fold"), ASKED)
    block = decision_figures(said)
    assert block["cross_fitted"]
    whole = said.decision.probabilities(said.cases.logits)
    assert not np.allclose(said.calibrated, whole, atol=1e-6)
    assert np.allclose(said.calibrated, whole, atol=0.1)
    assert block["after"]["log_loss"]["value"] < block["before"]["log_loss"]["value"]
    text = format_decision(block)
    assert "each patient by a fit on the others" in text
    assert "glioma, pituitary: sensitivity at least 0.9: positive from" in text


def ten_a_class():
    """Thirty patients, an image each: four fifths of them are eight a class, one too few for 90 %."""
    labels = [[CLASSES[number % 3]] for number in range(30)]
    noise = np.random.default_rng(0).normal(0, 1, (30, 3))
    logits = noise + 2 * np.array([[name == label[0] for name in CLASSES] for label in labels])
    patients = [str(number) for number in range(30)]
    return make_cases(logits, labels, patients, CLASSES, subject_ids=patients)


def test_what_four_fifths_cannot_give_is_said_not_hidden():
    said = said_out_of_fold(ten_a_class(), Wish())
    assert said.decision.conformal.usable
    assert said.members is None
    assert "sets are not measured out of fold: four fifths of the patients are too few for them" in said.notes
    asked = said_out_of_fold(ten_a_class(), Wish(points=((("glioma",), "sensitivity", 0.9),)))
    assert not asked.cross_fitted
    assert any(note.startswith("not measured out of fold: sensitivity of at least") for note in asked.notes)


def test_without_logits_the_logarithms_of_the_probabilities_give_the_same_answers():
    predictions, logits = answered()
    own, plain = (cases_of(predictions, given, split="x") for given in (logits, None))
    assert softmax(plain.logits) == pytest.approx(predictions.y_prob, abs=1e-9)
    by_own, by_plain = (fit_decision(cases, Wish(calibration="temperature"))[0] for cases in (own, plain))
    assert by_own.calibration.temperature == pytest.approx(by_plain.calibration.temperature, rel=1e-3)


def test_images_without_a_label_are_left_out_with_their_logits():
    predictions, logits = answered(30, 1)
    object.__setattr__(predictions, "labels", ("", *predictions.labels[1:]))
    cases = cases_of(predictions, logits, split="x")
    assert (cases.logits == logits[1:]).all()
    object.__setattr__(predictions, "labels", ("",) * 30)
    with pytest.raises(PredictionsError):
        cases_of(predictions, logits, split="x")


def test_a_model_without_a_decision_still_has_its_risk_and_its_curves():
    block = decision_figures(said_by(Decision(CLASSES), cases_of(*answered(30), split="test")))
    assert block["calibration"] is None
    assert block["after"] is None
    assert block["sets"] is None
    assert block["points"] == []
    assert block["risk_coverage"]["area"]["value"] > 0
    assert format_decision(block) == ""
