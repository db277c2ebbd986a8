"""Several labels an image: the file, the figures against scikit-learn, and what is undefined."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from gyrus.errors import PredictionsError
from gyrus.evaluation import (
    Predictions,
    evaluate_predictions,
    format_evaluation,
    read_predictions,
    write_predictions,
)
from gyrus.metrics import UndefinedMetricWarning
from gyrus.runs.atomic import to_json

CLASSES = ("edema", "mass", "shift")


def cohort(n=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((n, 3)) < (0.5, 0.3, 0.15)
    y_prob = np.clip(0.45 + 0.3 * (truth - 0.5) + 0.25 * rng.normal(size=(n, 3)), 0.001, 0.999)
    return predictions(truth, y_prob), truth, y_prob


def predictions(truth, y_prob):
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(len(truth))),
        subject_ids=tuple(f"P{number // 5}" for number in range(len(truth))),
        labels=tuple("|".join(np.array(CLASSES)[row]) or "|" for row in truth),
        classes=CLASSES,
        y_prob=y_prob,
        task="multilabel",
    )


@pytest.fixture(scope="module")
def evaluation():
    return evaluate_predictions(cohort()[0])


def test_labels_become_truth():
    rows, truth, _ = cohort()
    assert (rows.truth == truth).all()
    assert "|" in rows.labels  # an image with none of the classes


def test_values_equal_scikit_learn(evaluation):
    _, truth, y_prob = cohort()
    answered = y_prob >= 0.5
    report = sk.classification_report(
        truth, answered, target_names=CLASSES, output_dict=True, zero_division=np.nan
    )
    names = ("precision", "sensitivity", "f1")
    for mine, theirs in [
        *((evaluation["per_class"][name], name) for name in CLASSES),
        (evaluation["macro"], "macro avg"),
        (evaluation["weighted"], "weighted avg"),
        (evaluation["micro"], "micro avg"),
    ]:
        assert [mine[name]["value"] for name in names] == pytest.approx(list(report[theirs].values())[:3])
    for average in ("macro", "micro", "weighted"):
        roc, pr = evaluation[average]["roc_auc"]["value"], evaluation["pr_auc"][average]["value"]
        assert roc == pytest.approx(sk.roc_auc_score(truth, y_prob, average=average))
        assert pr == pytest.approx(sk.average_precision_score(truth, y_prob, average=average))
    assert evaluation["exact_match"]["value"] == pytest.approx(sk.accuracy_score(truth, answered))
    assert evaluation["decisions"]["value"] == pytest.approx(1 - sk.hamming_loss(truth, answered))
    losses = [sk.log_loss(truth[:, k], y_prob[:, k]) for k in range(3)]
    assert evaluation["log_loss"]["value"] == pytest.approx(np.mean(losses))
    briers = [sk.brier_score_loss(truth[:, k], y_prob[:, k]) for k in range(3)]
    assert evaluation["brier"]["value"] == pytest.approx(np.mean(briers))


def test_specificity_equals_torchmetrics(evaluation):
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    _, truth, y_prob = cohort()
    wanted = tm.multilabel_specificity(
        torch.tensor(y_prob), torch.tensor(truth).long(), num_labels=3, average="none"
    )
    ours = [evaluation["per_class"][name]["specificity"]["value"] for name in CLASSES]
    assert ours == pytest.approx(wanted.numpy(), abs=1e-6)


def test_every_figure_has_an_interval_over_patients(evaluation):
    assert evaluation["n_clusters"] == 60
    for rows in (*evaluation["per_class"].values(), evaluation["macro"], evaluation["micro"]):
        for name in ("precision", "sensitivity", "specificity", "f1", "roc_auc"):
            assert 0 <= rows[name]["low"] < rows[name]["value"] < rows[name]["high"] <= 1
            assert rows[name]["method"].endswith("over patients")


def test_it_is_json_and_text(evaluation):
    back = json.loads(to_json(evaluation))
    assert back == json.loads(json.dumps(evaluation))
    text = format_evaluation(back)
    assert "all classes right" in text
    assert "micro F1" in text
    assert "always answering" not in text


def test_the_file_carries_the_task(tmp_path):
    rows, truth, y_prob = cohort(n=30)
    write_predictions(rows, tmp_path / "p.csv")
    back = read_predictions(tmp_path / "p.csv")
    assert back.task == "multilabel"
    assert (back.truth == truth).all()
    assert back.y_prob == pytest.approx(y_prob)
    assert evaluate_predictions(back)["exact_match"] == evaluate_predictions(rows)["exact_match"]


HEADER = "image_id,label,task,p:a,p:b\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "x,a|c,multilabel,0.5,0.9\n", "label 'c' has no column p:c"),
        (HEADER + "x,a,multilabel,0.5,1.9\n", "outside 0…1"),
        (HEADER + "x,a,multilabel,0.5,0.9\ny,a,classify,0.5,0.5\n", "line 3: classify"),
        (HEADER + "x,a,segment,0.5,0.5\n", "expected classify or multilabel"),
        (HEADER + "x,a|b,classify,0.5,0.5\n", "label 'a|b' has no column"),
        (HEADER + "x,a,,0.5,0.9\n", "sum to 1.4, not 1"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, words):
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(path)
    assert words in str(caught.value)


def test_unknown_is_not_none():
    truth = np.array([[True, False, False], [False, False, False], [False, True, True]] * 4)
    rows = predictions(truth, np.full((12, 3), 0.4) + 0.3 * truth)
    labels = ("", *rows.labels[1:])
    blank = Predictions(rows.image_ids, rows.subject_ids, labels, CLASSES, rows.y_prob, "multilabel")
    evaluation = evaluate_predictions(blank)
    assert (evaluation["n_images"], evaluation["n_unlabelled"]) == (11, 1)
    assert evaluation["per_class"]["edema"]["support"] == 3
    assert evaluation["exact_match"]["value"] == 1


def test_predictive_values_are_given_where_a_prevalence_is_stated():
    rows, _, _ = cohort()
    evaluation = evaluate_predictions(rows, prevalence={"mass": 0.01})
    rates, values = evaluation["per_class"]["mass"], evaluation["at_prevalence"]["mass"]
    hit, clear = rates["sensitivity"]["value"], rates["specificity"]["value"]
    assert values["ppv"]["value"] == pytest.approx(hit * 0.01 / (hit * 0.01 + (1 - clear) * 0.99))
    assert "PPV" in format_evaluation(evaluation)


def test_an_absent_class_and_a_silent_one_are_named_once():
    truth = np.zeros((20, 3), dtype=bool)
    truth[:10, 0], truth[5:, 2] = True, True
    y_prob = np.where(truth, 0.8, 0.2)
    y_prob[:, 2] = 0.3
    with pytest.warns(UndefinedMetricWarning) as seen:
        evaluation = evaluate_predictions(predictions(truth, y_prob))
    assert len(seen) == 1
    assert np.isnan(evaluation["per_class"]["mass"]["sensitivity"]["value"])
    assert np.isnan(evaluation["per_class"]["shift"]["precision"]["value"])
    assert np.isnan(evaluation["pr_auc"]["per_class"]["mass"]["value"])
    assert "precision of mass, shift (never answered)" in " ".join(evaluation["notes"])
    assert "mass" not in evaluation["roc"]


def test_where_one_class_an_image_is_needed_it_says_so():
    rows, _, _ = cohort(n=10)
    with pytest.raises(PredictionsError, match="several labels an image"):
        _ = rows.y_true
    with pytest.raises(PredictionsError, match="several labels an image"):
        _ = rows.y_pred


def test_an_unknown_task_is_refused():
    with pytest.raises(PredictionsError, match="expected classify or multilabel"):
        Predictions(("x",), ("",), ("a",), ("a", "b"), np.array([[0.5, 0.5]]), task="segment")
