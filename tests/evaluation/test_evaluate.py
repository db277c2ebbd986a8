"""Predictions in, figures out."""

import json
import time

import numpy as np
import pytest
from sklearn import metrics as sk

from gyrus.errors import PredictionsError, UsageError
from gyrus.evaluation import Predictions, evaluate_predictions
from gyrus.metrics import UndefinedMetricWarning
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")


def cohort(n=400, patients=80, seed=0, strength=2.5, known=True):
    """Predictions of a fair classifier whose errors cluster in patients."""
    rng = np.random.default_rng(seed)
    patient = np.arange(n) % patients
    y_true = patient % 4
    logits = rng.normal(size=(n, 4)) + 1.5 * rng.normal(size=(patients, 4))[patient]
    logits += strength * np.eye(4)[y_true]
    y_prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(n)),
        subject_ids=tuple(f"P{number}" if known else "" for number in patient),
        labels=tuple(CLASSES[number] for number in y_true),
        classes=CLASSES,
        y_prob=y_prob,
    )


@pytest.fixture(scope="module")
def predictions():
    return cohort()


@pytest.fixture(scope="module")
def evaluation(predictions):
    return evaluate_predictions(predictions)


def figures_of(evaluation):
    yield evaluation["accuracy"]
    yield evaluation["balanced_accuracy"]
    yield evaluation["micro"]["roc_auc"]
    for rows in (*evaluation["per_class"].values(), evaluation["macro"], evaluation["weighted"]):
        yield from (figure for figure in rows.values() if isinstance(figure, dict))


def test_values_equal_scikit_learn(predictions, evaluation):
    y_true, y_pred, y_prob = predictions.y_true, predictions.y_pred, predictions.y_prob
    report = sk.classification_report(y_true, y_pred, target_names=CLASSES, output_dict=True)
    names = ("precision", "sensitivity", "f1")
    for mine, theirs in [
        *((name, name) for name in CLASSES),
        ("macro", "macro avg"),
        ("weighted", "weighted avg"),
    ]:
        rows = evaluation["per_class"][mine] if mine in CLASSES else evaluation[mine]
        assert [rows[name]["value"] for name in names] == pytest.approx(list(report[theirs].values())[:3])
    assert evaluation["accuracy"]["value"] == pytest.approx(report["accuracy"])
    assert evaluation["balanced_accuracy"]["value"] == pytest.approx(
        sk.balanced_accuracy_score(y_true, y_pred)
    )
    assert evaluation["confusion_matrix"] == sk.confusion_matrix(y_true, y_pred).tolist()
    for average, rows in (("macro", evaluation["macro"]), ("micro", evaluation["micro"])):
        wanted = sk.roc_auc_score(np.eye(4)[y_true], y_prob, average=average)
        assert rows["roc_auc"]["value"] == pytest.approx(wanted)


def test_counts_and_baseline(evaluation):
    assert (evaluation["n_images"], evaluation["n_unlabelled"]) == (400, 0)
    assert (evaluation["n_subjects"], evaluation["n_clusters"]) == (80, 80)
    assert evaluation["majority_baseline"] == {"label": "glioma", "accuracy": 0.25}
    assert [evaluation["per_class"][name]["support"] for name in CLASSES] == [100] * 4
    assert [evaluation["per_class"][name]["clusters"] for name in CLASSES] == [20] * 4
    assert evaluation["notes"] == []


def test_every_figure_has_an_interval_around_it_and_says_how(evaluation):
    figures = list(figures_of(evaluation))
    assert len(figures) == 3 + 4 * 5 + 5 + 5
    for figure in figures:
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert figure["high"] - figure["low"] > 0.01
        assert figure["method"] == "cluster-robust logit-t over patients"
        assert 20 <= figure["clusters"] <= 80


def test_patients_make_the_interval_wider_than_images_would(predictions, evaluation):
    single = evaluate_predictions(cohort(known=False), n_bootstrap=0)
    width = evaluation["accuracy"]["high"] - evaluation["accuracy"]["low"]
    narrow = single["accuracy"]["high"] - single["accuracy"]["low"]
    assert single["accuracy"]["value"] == evaluation["accuracy"]["value"]
    assert width > 1.3 * narrow


def test_the_bootstrap_is_a_second_opinion_of_about_the_same_size(evaluation):
    both = evaluation["bootstrap"]
    assert (both["samples"], both["method"]) == (2000, "percentile bootstrap over patients")
    pairs = {
        "accuracy": evaluation["accuracy"],
        "balanced_accuracy": evaluation["balanced_accuracy"],
        "macro_f1": evaluation["macro"]["f1"],
        "macro_roc_auc": evaluation["macro"]["roc_auc"],
    }
    for name, figure in pairs.items():
        assert both[name]["low"] == pytest.approx(figure["low"], abs=0.03)
        assert both[name]["high"] == pytest.approx(figure["high"], abs=0.03)


def test_the_bootstrap_is_seeded_and_optional(predictions):
    first = evaluate_predictions(predictions, n_bootstrap=50, seed=3)["bootstrap"]
    assert evaluate_predictions(predictions, n_bootstrap=50, seed=3)["bootstrap"] == first
    assert evaluate_predictions(predictions, n_bootstrap=50, seed=4)["bootstrap"] != first
    assert evaluate_predictions(predictions, n_bootstrap=0)["bootstrap"] is None


def test_order_of_the_images_does_not_matter(predictions, evaluation):
    mixed = predictions.take(np.random.default_rng(0).permutation(len(predictions)))
    again = evaluate_predictions(mixed)
    assert again["accuracy"] == pytest.approx(evaluation["accuracy"])
    assert again["bootstrap"]["macro_roc_auc"] == pytest.approx(evaluation["bootstrap"]["macro_roc_auc"])


def test_curves_are_short_and_belong_to_their_area(predictions):
    evaluation = evaluate_predictions(cohort(n=4000, patients=400), n_bootstrap=0)
    for name in CLASSES:
        curve = evaluation["roc"][name]
        assert len(curve["fpr"]) == len(curve["tpr"]) <= 200
        assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(curve["auc"], abs=2e-3)
        assert curve["auc"] == evaluation["per_class"][name]["roc_auc"]["value"]
    micro = evaluation["micro"]
    assert np.trapezoid(micro["roc"]["tpr"], micro["roc"]["fpr"]) == pytest.approx(
        micro["roc_auc"]["value"], abs=2e-3
    )


def test_it_is_json(evaluation):
    back = json.loads(to_json(evaluation))
    assert back == json.loads(json.dumps(evaluation))  # no NumPy number, no NaN left in it
    assert back["schema_version"] == 1


def test_images_without_a_label_are_counted_and_left_out(predictions):
    labels = ("",) * 40 + predictions.labels[40:]
    some = Predictions(
        predictions.image_ids, predictions.subject_ids, labels, predictions.classes, predictions.y_prob
    )
    evaluation = evaluate_predictions(some, n_bootstrap=0)
    assert (evaluation["n_images"], evaluation["n_unlabelled"]) == (360, 40)
    assert evaluation["accuracy"] == evaluate_predictions(
        predictions.take(np.arange(40, 400)), n_bootstrap=0
    )["accuracy"]  # fmt: skip


def test_no_label_at_all_is_refused(predictions):
    blank = Predictions(
        predictions.image_ids, predictions.subject_ids, ("",) * 400, predictions.classes, predictions.y_prob
    )
    with pytest.raises(PredictionsError, match="no image has a label"):
        evaluate_predictions(blank)


def test_logits_are_refused(predictions):
    logits = Predictions(
        predictions.image_ids, predictions.subject_ids, predictions.labels, CLASSES, 3 * predictions.y_prob
    )
    with pytest.raises(PredictionsError, match="400 rows are no probabilities"):
        evaluate_predictions(logits)


@pytest.mark.parametrize(
    "options", [{"confidence": 95}, {"confidence": 0.0}, {"n_bootstrap": -1}, {"seed": -1}]
)
def test_options_out_of_range_are_refused(predictions, options):
    with pytest.raises(UsageError):
        evaluate_predictions(predictions, **options)


def test_one_class_only_has_an_accuracy_and_says_what_is_undefined(predictions):
    gliomas = predictions.take(np.flatnonzero(predictions.y_true == 0))
    with pytest.warns(UndefinedMetricWarning) as seen:
        evaluation = evaluate_predictions(gliomas)
    assert len(seen) == 1
    sensitivity = evaluation["per_class"]["glioma"]["sensitivity"]["value"]
    assert evaluation["accuracy"]["value"] == sensitivity
    assert evaluation["balanced_accuracy"]["value"] == pytest.approx(sensitivity)
    assert np.isnan(evaluation["per_class"]["glioma"]["specificity"]["value"])
    assert np.isnan(evaluation["per_class"]["pituitary"]["sensitivity"]["value"])
    assert np.isnan(evaluation["macro"]["roc_auc"]["value"])
    assert np.isnan(evaluation["bootstrap"]["macro_roc_auc"]["low"])
    assert evaluation["roc"] == {}
    assert any(
        "sensitivity, ROC-AUC and PR-AUC of meningioma, no_tumor, pituitary" in note
        for note in evaluation["notes"]
    )
    assert json.loads(to_json(evaluation))["macro"]["roc_auc"]["value"] is None


def test_unknown_patients_are_said(predictions):
    nobody = evaluate_predictions(cohort(known=False), n_bootstrap=0)
    assert nobody["n_subjects"] is None
    assert nobody["clustered_by"] == "images"
    assert nobody["n_clusters"] == 400
    assert "no image has a known patient" in nobody["notes"][0]
    half = Predictions(
        predictions.image_ids, predictions.subject_ids[:200] + ("",) * 200, predictions.labels, CLASSES,
        predictions.y_prob,
    )  # fmt: skip
    mixed = evaluate_predictions(half, n_bootstrap=0)
    assert mixed["clustered_by"] == "patients and images"
    assert mixed["accuracy"]["method"].endswith("over patients and images")


def test_a_single_patient_gets_figures_without_intervals():
    one = cohort(n=8, patients=1, seed=2)
    with pytest.warns(UndefinedMetricWarning):
        evaluation = evaluate_predictions(one)
    assert evaluation["accuracy"]["value"] == pytest.approx(np.mean(one.y_true == one.y_pred))
    assert np.isnan(evaluation["accuracy"]["low"])


def test_five_thousand_images_take_two_seconds():
    many = cohort(n=5000, patients=300)
    begin = time.process_time()  # a neighbour's load is not ours
    evaluate_predictions(many)
    assert time.process_time() - begin < 2  # 0.4 s on an idle core
