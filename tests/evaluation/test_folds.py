"""Pooled folds: what is put together, what is refused, and the figures by hand."""

import json

import numpy as np
import pytest

from gyrus.errors import LeakageError, PredictionsError, UsageError
from gyrus.evaluation import (
    Predictions,
    evaluate_predictions,
    format_evaluation,
    pool_folds,
    read_predictions,
    write_predictions,
)
from gyrus.evaluation.folds import fold_figures, format_folds
from gyrus.evaluation.main_figures import MAIN
from gyrus.evaluation.repeats import format_repeats, repeat_figures, write_pooled
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "meningioma", "pituitary")


def fold(number, n_patients=12, slices=4, classes=CLASSES, prefix="P"):
    rng = np.random.default_rng(number)
    patient = np.repeat(np.arange(n_patients), slices)
    logits = rng.normal(size=(patient.size, len(classes))) + 2 * np.eye(len(classes))[patient % len(classes)]
    y_prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        image_ids=tuple(f"{number}/{row}.png" for row in range(patient.size)),
        subject_ids=tuple(f"{prefix}{number}-{k}" for k in patient),
        labels=tuple(classes[k % len(classes)] for k in patient),
        classes=tuple(classes),
        y_prob=y_prob,
    )


def test_pooled_figures_are_those_of_all_images_and_each_fold_is_its_own():
    folds = [fold(number) for number in range(5)]
    pooled = pool_folds(folds)
    assert len(pooled) == 5 * 48
    assert pooled.folds[47:49] == ("0", "1")
    evaluation = evaluate_predictions(pooled, n_bootstrap=0)
    right = [float((one.y_true == one.y_pred).mean()) for one in folds]
    assert evaluation["accuracy"]["value"] == pytest.approx(np.mean(right))
    assert evaluation["n_clusters"] == evaluation["n_subjects"] == 60
    block = evaluation["folds"]
    for one, figures in zip(folds, block["each"], strict=True):
        alone = evaluate_predictions(one, n_bootstrap=0)
        assert figures["accuracy"] == alone["accuracy"]
        assert figures["balanced_accuracy"] == alone["balanced_accuracy"]
        assert figures["macro_f1"] == alone["macro"]["f1"]
        assert figures["macro_roc_auc"] == alone["macro"]["roc_auc"]
        assert (figures["n_images"], figures["n_subjects"]) == (48, 12)
    assert block["worst"] == str(int(np.argmin(right)))
    assert block["mean"]["accuracy"] == pytest.approx(np.mean(right))
    assert block["sd"]["accuracy"] == pytest.approx(np.std(right, ddof=1))
    assert set(block["mean"]) == set(MAIN["classify"])
    assert block["shared_patients"] == {}


def test_the_pooled_interval_is_narrower_than_a_folds():
    evaluation = evaluate_predictions(pool_folds([fold(number) for number in range(5)]), n_bootstrap=0)

    def width(figure):
        return figure["high"] - figure["low"]

    assert width(evaluation["accuracy"]) < min(width(one["accuracy"]) for one in evaluation["folds"]["each"])


def test_the_text_names_the_worst_fold():
    evaluation = evaluate_predictions(pool_folds([fold(0), fold(1)], ["first", "second"]), n_bootstrap=0)
    text = format_evaluation(evaluation)
    assert f"the worst is {evaluation['folds']['worst']}" in text
    assert f"{evaluation['folds']['worst']} (worst)" in text
    assert "mean (SD) of the folds" in text


def test_folds_survive_the_file_and_json(tmp_path):
    pooled = pool_folds([fold(0), fold(1)])
    write_predictions(pooled, tmp_path / "pooled.csv")
    read = read_predictions(tmp_path / "pooled.csv")
    assert read.folds == pooled.folds
    assert json.loads(to_json(evaluate_predictions(read, n_bootstrap=0)))["folds"]["worst"] in ("0", "1")


def test_without_a_fold_column_there_is_no_block():
    assert evaluate_predictions(fold(0), n_bootstrap=0)["folds"] is None
    assert evaluate_predictions(pool_folds([fold(0)]), n_bootstrap=0)["folds"] is None


def test_an_image_in_two_folds_is_refused_by_name():
    with pytest.raises(PredictionsError, match="48 images stand in several folds") as caught:
        pool_folds([fold(0), fold(0)], ["a", "b"])
    assert caught.value.details[0] == "0/0.png: a and b"


def test_a_patient_in_two_folds_is_a_leak():
    other = fold(1)
    shared = Predictions(
        other.image_ids, ("P0-3", *other.subject_ids[1:]), other.labels, other.classes, other.y_prob
    )
    with pytest.raises(LeakageError, match="1 patient stands in several folds") as caught:
        pool_folds([fold(0), shared], ["a", "b"])
    assert caught.value.details == ["P0-3: a, b"]


@pytest.mark.filterwarnings("ignore:undefined")
def test_a_file_of_folds_that_are_not_apart_says_so():
    folds = [fold(0), fold(1)]
    pooled = pool_folds(folds)
    subjects = tuple(subject.replace("P1", "P0") for subject in pooled.subject_ids)
    mixed = Predictions(
        pooled.image_ids, subjects, pooled.labels, pooled.classes, pooled.y_prob, folds=pooled.folds
    )
    evaluation = evaluate_predictions(mixed, n_bootstrap=0)
    assert len(evaluation["folds"]["shared_patients"]) == 12
    assert any("12 patients stand in several folds" in note for note in evaluation["notes"])


def test_folds_of_other_classes_and_wrong_names_are_refused():
    with pytest.raises(PredictionsError, match="fold b has the classes glioma, pituitary"):
        pool_folds([fold(0), fold(1, classes=("glioma", "pituitary"))], ["a", "b"])
    with pytest.raises(UsageError, match="2 folds are named x, x"):
        pool_folds([fold(0), fold(1)], ["x", "x"])
    with pytest.raises(UsageError, match="0 folds"):
        pool_folds([])


def test_folds_and_repeats_of_several_classes_an_image_by_hand(tmp_path):
    """Two folds of two images and two classes; three of four images have all classes right."""
    names = ("a", "b")
    first, second = (
        Predictions(
            image_ids=(f"{fold}0", f"{fold}1"),
            subject_ids=(f"p{fold}0", f"p{fold}1"),
            labels=("a|b", "|"),
            classes=names,
            y_prob=np.array(y_prob),
            task="multilabel",
        )
        for fold, y_prob in enumerate(([[0.9, 0.8], [0.1, 0.2]], [[0.9, 0.4], [0.3, 0.2]]))
    )
    pooled = pool_folds([first, second])
    block = fold_figures(pooled, 0.95)
    assert [fold["exact_match"]["value"] for fold in block["each"]] == [1.0, 0.5]
    assert [fold["decisions"]["value"] for fold in block["each"]] == [1.0, 0.75]
    assert (block["worst"], block["mean"]["exact_match"]) == ("1", 0.75)
    assert "75.0 %" in block["sentence"]
    assert "are given exactly their classes" in block["sentence"]
    assert "all classes right" in format_folds(block)
    repeats = repeat_figures([pooled, pooled])
    assert repeats["mean"]["exact_match"]["value"] == 0.75
    assert repeats["sd"]["decisions"] == 0
    assert "given exactly their classes on average" in format_repeats(repeats)
    write_pooled([pooled], tmp_path / "pooled.csv")
    assert read_predictions(tmp_path / "pooled.csv").task == "multilabel"
