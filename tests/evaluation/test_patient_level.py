"""One answer a patient: pooling by hand, what is left out, and the figures of patients."""

import json

import numpy as np
import pytest

from gyrus.evaluation import Predictions, evaluate_predictions
from gyrus.evaluation.patient_level import POOLINGS, patient_level, pooled
from gyrus.metrics import wilson_interval
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "no_tumor", "pituitary")


def rows(subjects, labels, y_prob, groups=()):
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(len(subjects))),
        subject_ids=tuple(subjects),
        labels=tuple(labels),
        classes=CLASSES,
        y_prob=np.array(y_prob, dtype=float),
        group_ids=groups,
    )


def cohort(n_patients=40, slices=6, seed=0):
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), slices)
    logits = rng.normal(size=(patient.size, 3)) + 1.5 * np.eye(3)[patient % 3]
    y_prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rows([f"P{k}" for k in patient], [CLASSES[k % 3] for k in patient], y_prob)


def test_poolings_by_hand():
    two = rows(["A", "A", "B"], ["glioma"] * 3, [[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25]])
    assert pooled(two, "mean").y_prob == pytest.approx(np.array([[0.4, 0.25, 0.35], [0.5, 0.25, 0.25]]))
    highest = np.array([0.6, 0.3, 0.6])
    assert pooled(two, "maximum").y_prob[0] == pytest.approx(highest / highest.sum())
    found = np.array([1 - 0.4 * 0.8, 1 - 0.7 * 0.8, 1 - 0.9 * 0.4])
    assert pooled(two, "noisy_or").y_prob[0] == pytest.approx(found / found.sum())
    assert pooled(two, "mean").image_ids == ("A", "B")
    assert pooled(two, "mean").labels == ("glioma", "glioma")


@pytest.mark.parametrize("how", POOLINGS)
def test_single_images_keep_their_answer(how):
    single = rows(["A", "B"], ["glioma", "no_tumor"], [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
    assert pooled(single, how).y_prob == pytest.approx(single.y_prob)


@pytest.mark.parametrize("how", POOLINGS)
def test_probabilities_of_one_and_zero_stay_probabilities(how):
    sure = rows(["A"] * 60, ["glioma"] * 60, [[1.0, 0.0, 0.0]] * 60)
    assert pooled(sure, how).y_prob == pytest.approx(np.array([[1, 0, 0]]))


def test_an_unknown_way_of_pooling_is_refused():
    with pytest.raises(ValueError, match="noisy_or"):
        pooled(cohort(), "median")


def test_patients_are_measured_beside_images():
    predictions = cohort()
    evaluation = evaluate_predictions(predictions, n_bootstrap=0)
    block = evaluation["patient_level"]
    assert (block["n_patients"], block["n_mixed"], block["n_images_without_patient"]) == (40, 0, 0)
    for how in POOLINGS:
        side, one = block[how], pooled(predictions, how)
        right = int((one.y_true == one.y_pred).sum())
        assert side["n_patients"] == 40
        assert side["accuracy"]["value"] == right / 40
        assert (side["accuracy"]["low"], side["accuracy"]["high"]) == pytest.approx(
            wilson_interval(right, 40)
        )
        assert side["accuracy"]["method"] == "Wilson over patients"
        assert np.trace(side["confusion_matrix"]) == right
        assert 0.5 < side["macro_roc_auc"]["low"] < side["macro_roc_auc"]["value"]
    assert block["mean"]["accuracy"]["value"] > evaluation["accuracy"]["value"]
    assert json.loads(to_json(block)) == json.loads(json.dumps(block))


def test_the_mean_is_that_of_the_slices_figures_when_measured_alone():
    predictions = cohort(seed=3)
    alone = evaluate_predictions(pooled(predictions, "mean"), n_bootstrap=0)
    block = evaluate_predictions(predictions, n_bootstrap=0)["patient_level"]["mean"]
    for name in ("balanced_accuracy", "confusion_matrix"):
        assert block[name] == alone[name]
    assert block["macro_roc_auc"] == alone["macro"]["roc_auc"]
    assert alone["patient_level"] is None  # nothing to pool any more


def test_patients_of_several_classes_and_images_without_patient_are_counted():
    predictions = cohort(n_patients=12)
    subjects = ("", "", *predictions.subject_ids[2:])
    labels = (*predictions.labels[:-1], "glioma")  # the last patient is pituitary otherwise
    changed = rows(subjects, labels, predictions.y_prob)
    evaluation = evaluate_predictions(changed, n_bootstrap=0)
    block = evaluation["patient_level"]
    assert (block["n_patients"], block["n_mixed"], block["n_images_without_patient"]) == (11, 1, 2)
    assert any(note.startswith("1 patients have images of several classes") for note in evaluation["notes"])


def test_without_patients_or_without_slices_there_is_no_patient_level():
    predictions = cohort()
    nobody = rows([""] * len(predictions), predictions.labels, predictions.y_prob)
    assert patient_level(nobody, 0.95) is None
    assert patient_level(predictions.take(np.arange(0, 240, 6)), 0.95) is None
    both = rows(["A", "A"], ["glioma", "no_tumor"], [[0.6, 0.3, 0.1]] * 2)
    assert patient_level(both, 0.95) is None


def test_patients_that_are_grouped_further_are_no_independent_trials():
    predictions = cohort()
    families = tuple(f"F{number // 12}" for number in range(len(predictions)))
    grouped = rows(predictions.subject_ids, predictions.labels, predictions.y_prob, families)
    accuracy = evaluate_predictions(grouped, n_bootstrap=0)["patient_level"]["mean"]["accuracy"]
    assert accuracy["clusters"] == 20
    assert accuracy["method"].startswith("cluster-robust")
