"""Sets hold the true class as often as promised: by hand, against MAPIE, and counted over new patients."""

import numpy as np
import pytest
from drawn_cases import CLASSES, drawn
from mapie.classification import SplitConformalClassifier
from mapie.conformity_scores import APSConformityScore
from sklearn.base import BaseEstimator, ClassifierMixin

from gyrus.bundles import decision_rules
from gyrus.decision import ConformalSets
from gyrus.decision.activations import softmax
from gyrus.decision.conformal_fitting import fewest_patients, fit_sets, patient_quantile
from gyrus.decision.conformal_scores import draws, scores_of


def test_the_quantile_by_hand():
    # three patients with 1, 2 and 1 images: each weighs 1/4, shared among the images; the new one 1/4
    scores = np.array([0.3, 0.1, 0.6, 0.2])
    groups = np.array([0, 1, 1, 2])
    # in order: 0.1 (1/8), 0.2 (3/8), 0.3 (5/8), 0.6 (6/8)
    assert patient_quantile(scores, groups, 0.6) == 0.3
    assert patient_quantile(scores, groups, 0.63) == 0.6
    assert patient_quantile(scores, groups, 0.75) == 0.6
    assert patient_quantile(scores, groups, 0.76) is None


def test_about_the_level_by_hand():
    # the same patients: 0.1 holds 1/2 patient, 0.2 3/2, 0.3 5/2, 0.6 all 3; wanted: 3 x level + 1/2
    scores = np.array([0.3, 0.1, 0.6, 0.2])
    groups = np.array([0, 1, 1, 2])
    assert patient_quantile(scores, groups, 0.6, "about") == 0.3  # 2.3; at least 0.6 would hold 2.4
    assert patient_quantile(scores, groups, 0.66, "about") == 0.3
    assert patient_quantile(scores, groups, 0.66) == 0.6
    assert patient_quantile(scores, groups, 0.83, "about") == 0.6
    assert patient_quantile(scores, groups, 0.84, "about") is None
    assert [fewest_patients(level, "about") for level in (0.8, 0.9, 0.95, 0.99)] == [3, 5, 10, 50]


@pytest.mark.parametrize("within", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("patients", [9, 14, 30])
def test_either_promise_is_kept_on_average(patients, within):
    """Images of one patient all alike, somewhat alike, or as different as those of two."""
    rng, level, images = np.random.default_rng(patients), 0.9, 6
    held = {"at-least": [], "about": []}
    spread = np.hypot(1.0, within)
    for _ in range(600):
        scores = rng.normal(size=(patients, 1)) + within * rng.normal(size=(patients, images))
        groups = np.repeat(np.arange(patients), images)
        new = rng.normal(size=20) + within * rng.normal(size=20)
        for promise, shares in held.items():
            limit = patient_quantile(scores.ravel() / spread, groups, level, promise)
            shares.append(float((new / spread <= limit).mean()))
    error = 3 * np.std(held["about"]) / np.sqrt(600)
    least, about = np.mean(held["at-least"]), np.mean(held["about"])
    assert least >= level - error
    assert level - (level - 0.5) / (patients + 1) - error <= about
    assert about <= level + (1.5 - level) / (patients + 1) + error
    assert about <= least


@pytest.mark.parametrize(("level", "needed"), [(0.9, 9), (0.95, 19), (0.99, 99), (0.8, 4)])
def test_so_many_patients_a_class_are_needed(level, needed):
    assert fewest_patients(level) == needed
    scores = np.linspace(0, 1, needed)
    assert patient_quantile(scores, np.arange(needed), level) == 1.0
    assert patient_quantile(scores[1:], np.arange(needed - 1), level) is None


def test_below_it_a_class_is_refused_with_the_reason_and_no_set_is_made():
    cases = drawn(40, 1)
    rows = np.flatnonzero(cases.truth.argmax(axis=1) != 0)
    few = cases.take(np.sort(np.r_[rows, np.flatnonzero(cases.truth[:, 0])[:8]]))
    sets = fit_sets(few, softmax(few.logits))
    assert sets.refused == {"glioma": "8 calibration patients; 9 are needed for 90 %"}
    assert sets.quantiles["glioma"] is None
    assert not sets.usable
    with pytest.raises(ValueError, match="glioma: 8"):
        sets.members(softmax(few.logits), CLASSES)


class Known(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose inputs are its probabilities, for MAPIE."""

    classes_ = np.arange(3)

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return X.argmax(axis=1)

    def __sklearn_is_fitted__(self):
        return True


def test_one_image_a_patient_and_all_classes_together_is_what_mapie_does():
    cases, fresh = drawn(150, 1, sharpened=2.0), drawn(400, 1, sharpened=2.0, seed=1)
    oracle = SplitConformalClassifier(Known(), confidence_level=0.9, conformity_score="lac", prefit=True)
    oracle.conformalize(softmax(cases.logits), cases.truth.argmax(axis=1))
    _, theirs = oracle.predict_set(softmax(fresh.logits))
    ours = fit_sets(cases, softmax(cases.logits), class_conditional=False)
    assert (ours.members(softmax(fresh.logits), CLASSES) == theirs[:, :, 0]).all()


def test_adaptive_sets_are_as_large_as_those_of_mapie():
    cases, fresh = drawn(600, 1, sharpened=2.0), drawn(1500, 1, sharpened=2.0, seed=1)
    oracle = SplitConformalClassifier(
        Known(), confidence_level=0.8, conformity_score=APSConformityScore(), prefit=True, random_state=0
    )
    oracle.conformalize(softmax(cases.logits), cases.truth.argmax(axis=1))
    _, theirs = oracle.predict_set(
        softmax(fresh.logits), conformity_score_params={"include_last_label": "randomized"}
    )
    ours = fit_sets(cases, softmax(cases.logits), method="aps", level=0.8, class_conditional=False)
    sizes = ours.members(softmax(fresh.logits), CLASSES).sum(axis=1).mean()
    assert sizes == pytest.approx(theirs[:, :, 0].sum(axis=1).mean(), abs=0.12)


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_the_coverage_of_each_class_over_new_patients_is_the_promised_one(method):
    kept = []
    for seed in range(60):
        cases = drawn(120, 3, sharpened=2.0, spread=1.5, seed=seed)
        fresh = drawn(300, 3, sharpened=2.0, spread=1.5, seed=10_000 + seed)
        sets = fit_sets(cases, softmax(cases.logits), method=method, level=0.8, seed=seed)
        held = (sets.members(softmax(fresh.logits), CLASSES) & fresh.truth).any(axis=1)
        kept.append([held[fresh.truth[:, number]].mean() for number in range(3)])
    mean = np.mean(kept, axis=0)  # its standard error is below 0.01
    assert (mean > 0.785).all()
    assert (mean < 0.84).all()


def test_adaptive_scores_by_hand():
    probs = np.array([[0.5, 0.2, 0.3]])
    draw = draws(probs, seed=4)[0]
    assert scores_of(probs, "aps", 4)[0] == pytest.approx([0.5 * draw, 0.8 + 0.2 * draw, 0.5 + 0.3 * draw])
    assert scores_of(probs, "lac")[0] == pytest.approx([0.5, 0.8, 0.7])


def test_draws_are_even_and_belong_to_the_image_not_to_its_place():
    probs = softmax(np.random.default_rng(0).normal(size=(4000, 3)))
    drawn_now = draws(probs, seed=1)
    assert (draws(probs[::-1], seed=1)[::-1] == drawn_now).all()
    assert not (draws(probs, seed=2) == drawn_now).any()
    assert np.histogram(drawn_now, bins=10, range=(0, 1))[0] == pytest.approx(np.full(10, 400), abs=80)


def test_they_come_back_from_the_card():
    cases = drawn(60)
    sets = fit_sets(cases, softmax(cases.logits), level=0.8, seed=3)
    assert decision_rules.conformal(sets.to_card()) == ""
    back = ConformalSets.from_card(sets.to_card())
    probs = softmax(cases.logits)
    assert (back.members(probs, CLASSES) == sets.members(probs, CLASSES)).all()
    assert sets.by == "subject"
    assert sets.promise == "at-least"


def test_the_promise_comes_back_and_bundles_from_before_it_promised_at_least():
    cases = drawn(60)
    block = fit_sets(cases, softmax(cases.logits), promise="about").to_card()
    assert ConformalSets.from_card(block).promise == "about"
    assert decision_rules.conformal(block) == ""
    assert "promise: expected" in decision_rules.conformal({**block, "promise": "surely"})
    del block["promise"]
    assert decision_rules.conformal(block) == ""
    assert ConformalSets.from_card(block).promise == "at-least"
