"""Losses, calibration, agreement, PR-AUC, top-k and predictive values of an evaluation."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from gyrus.errors import UsageError
from gyrus.evaluation import Predictions, evaluate_predictions, format_evaluation
from gyrus.metrics import UndefinedMetricWarning
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
LOSSES = ("log_loss", "brier")


def cohort(n_classes=4, n=400, patients=80, seed=0):
    rng = np.random.default_rng(seed)
    patient = np.arange(n) % patients
    y_true = patient % n_classes
    logits = rng.normal(size=(n, n_classes)) + rng.normal(size=(patients, n_classes))[patient]
    logits += 2 * np.eye(n_classes)[y_true]
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(n)),
        subject_ids=tuple(f"P{number}" for number in patient),
        labels=tuple(CLASSES[number] for number in y_true),
        classes=CLASSES[:n_classes],
        y_prob=np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
    )


@pytest.fixture(scope="module", params=[2, 3, 4])
def both(request):
    predictions = cohort(request.param)
    return predictions, evaluate_predictions(
        predictions, n_bootstrap=100, prevalence={"glioma": 0.02, "meningioma": 0.5}
    )


def test_values_equal_scikit_learn(both):
    predictions, evaluation = both
    y_true, y_pred, y_prob = predictions.y_true, predictions.y_pred, predictions.y_prob
    two = y_prob.shape[1] == 2
    values = {name: evaluation[name]["value"] for name in ("kappa", "mcc", *LOSSES)}
    assert values["kappa"] == pytest.approx(sk.cohen_kappa_score(y_true, y_pred))
    assert values["mcc"] == pytest.approx(sk.matthews_corrcoef(y_true, y_pred))
    assert values["log_loss"] == pytest.approx(sk.log_loss(y_true, y_prob))
    assert values["brier"] == pytest.approx(sk.brier_score_loss(y_true, y_prob[:, 1] if two else y_prob))
    truth = np.eye(y_prob.shape[1])[y_true]
    for average in ("macro", "micro", "weighted"):
        area = evaluation["pr_auc"][average]["value"]
        assert area == pytest.approx(sk.average_precision_score(truth, y_prob, average=average))
    assert evaluation["weighted"]["roc_auc"]["value"] == pytest.approx(
        sk.roc_auc_score(truth, y_prob, average="weighted")
    )
    assert evaluation["micro"]["f1"]["value"] == pytest.approx(sk.f1_score(y_true, y_pred, average="micro"))
    assert list(evaluation["top_k"]) == [str(k) for k in range(2, y_prob.shape[1])]
    for k, figure in evaluation["top_k"].items():
        assert figure["value"] == pytest.approx(sk.top_k_accuracy_score(y_true, y_prob, k=int(k)))


def test_each_has_an_interval_over_patients(both):
    _, evaluation = both
    figures = [evaluation[name] for name in ("kappa", "mcc", "ece", *LOSSES)]
    figures += [evaluation["pr_auc"][average] for average in ("macro", "micro", "weighted")]
    figures += [*evaluation["pr_auc"]["per_class"].values(), *evaluation["top_k"].values()]
    for figure in figures:
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["high"] - figure["low"] > 0.005
        assert figure["method"].endswith("over patients")
    assert evaluation["ece"]["value"] <= evaluation["ece"]["plain"]


def test_reliability_holds_every_image_once(both):
    predictions, evaluation = both
    bins = evaluation["reliability"]["bins"]
    assert sum(one["images"] for one in bins) == len(predictions)
    assert len(bins) == evaluation["ece"]["bins"] == 15
    means = [one["images"] * abs(one["confidence"] - one["share"]["value"]) for one in bins]
    assert sum(means) / len(predictions) == pytest.approx(evaluation["ece"]["plain"])


def test_predictive_values_follow_bayes_rule(both):
    _, evaluation = both
    for name, share in (("glioma", 0.02), ("meningioma", 0.5)):
        values, rates = evaluation["at_prevalence"][name], evaluation["per_class"][name]
        hit, clear = rates["sensitivity"]["value"], rates["specificity"]["value"]
        assert values["prevalence"] == share
        assert values["ppv"]["value"] == pytest.approx(
            hit * share / (hit * share + (1 - clear) * (1 - share))
        )
        assert values["npv"]["low"] <= values["npv"]["value"] <= values["npv"]["high"]
    assert evaluate_predictions(both[0], n_bootstrap=0)["at_prevalence"] is None


def test_curves_belong_to_their_area(both):
    _, evaluation = both
    for name, curve in evaluation["precision_recall"].items():
        steps = np.diff(curve["recall"]) @ np.array(curve["precision"][1:])
        assert steps == pytest.approx(curve["auc"], abs=2e-3)
        assert curve["auc"] == evaluation["pr_auc"]["per_class"][name]["value"]
        assert len(curve["recall"]) == len(curve["precision"]) <= 200
        assert (curve["recall"][0], curve["recall"][-1]) == (0, 1)


def test_long_curves_are_thinned():
    evaluation = evaluate_predictions(cohort(n=4000, patients=400), n_bootstrap=0)
    for curve in evaluation["precision_recall"].values():
        assert len(curve["recall"]) <= 200
        steps = np.diff(curve["recall"]) @ np.array(curve["precision"][1:])
        assert steps == pytest.approx(curve["auc"], abs=0.01)


def test_it_is_json_and_the_table_shows_it(both):
    _, evaluation = both
    back = json.loads(to_json(evaluation))
    assert back == json.loads(json.dumps(evaluation))
    text = format_evaluation(back)
    for words in (
        "kappa",
        "MCC",
        "PR-AUC, macro",
        "log loss",
        "Brier",
        "calibration error",
        "a patient: mean",
    ):
        assert words in text
    assert "PPV" in text
    assert len(text.splitlines()) < 50
    assert max(len(line) for line in text.splitlines()) <= 110


def test_evaluations_of_an_older_version_are_shown_still(both):
    _, evaluation = both
    new = ("kappa", "mcc", "ece", "pr_auc", "top_k", "patient_level", "at_prevalence", "reliability", *LOSSES)
    text = format_evaluation({name: value for name, value in evaluation.items() if name not in new})
    assert "ROC-AUC, macro" in text
    assert "log loss" not in text


def test_a_probability_of_zero_for_the_truth_is_noted():
    rows = cohort(n_classes=2, n=40, patients=10)
    y_prob = rows.y_prob.copy()
    y_prob[np.arange(3), rows.y_true[:3]] = 0
    y_prob[np.arange(3), 1 - rows.y_true[:3]] = 1
    sure = Predictions(rows.image_ids, rows.subject_ids, rows.labels, rows.classes, y_prob)
    evaluation = evaluate_predictions(sure, n_bootstrap=0)
    assert (
        "3 images gave their own class the probability 0; the log loss counts 2.2e-16 there"
        in (evaluation["notes"])
    )
    assert evaluation["log_loss"]["value"] == pytest.approx(sk.log_loss(sure.y_true, y_prob))


def test_one_class_only_leaves_what_can_be_said():
    rows = cohort().take(np.flatnonzero(cohort().y_true == 0))
    with pytest.warns(UndefinedMetricWarning) as seen:
        evaluation = evaluate_predictions(rows, n_bootstrap=0)
    assert len(seen) == 1
    assert "Matthews' correlation (one class only" in str(seen[0].message)
    assert np.isnan(evaluation["mcc"]["value"])
    assert np.isnan(evaluation["pr_auc"]["macro"]["value"])
    assert np.isnan(evaluation["pr_auc"]["per_class"]["glioma"]["value"])
    assert evaluation["log_loss"]["low"] < evaluation["log_loss"]["value"]
    assert evaluation["ece"]["high"] > 0


@pytest.mark.parametrize(
    ("prevalence", "words"),
    [({"Glioma": 0.1}, "stated for Glioma, none of"), ({"glioma": 1.0}, "glioma: 1.0"), ({"glioma": 0}, "0")],
)
def test_prevalences_that_make_no_sense_are_refused(prevalence, words):
    with pytest.raises(UsageError, match=words):
        evaluate_predictions(cohort(), prevalence=prevalence)
