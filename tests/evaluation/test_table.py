"""The table for the terminal."""

import json

import numpy as np
import pytest

from gyrus.evaluation import Predictions, evaluate_predictions, format_evaluation
from gyrus.metrics import UndefinedMetricWarning
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "no_tumor")


def predictions(labels, answers):
    right = np.array([[0.9, 0.1], [0.2, 0.8]])
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(len(labels))),
        subject_ids=tuple(f"P{number // 2}" for number in range(len(labels))),
        labels=tuple(CLASSES[number] for number in labels),
        classes=CLASSES,
        y_prob=right[list(answers)],
    )


@pytest.fixture
def evaluation():
    return evaluate_predictions(
        predictions([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1]), n_bootstrap=0
    )


def test_it_shows_counts_figures_and_the_matrix(evaluation):
    lines = format_evaluation(evaluation).splitlines()
    assert lines[0] == "8 images of 4 patients; in brackets: 95 % interval over patients"
    assert any(line.startswith("accuracy           87.5 % [") for line in lines)
    assert any(line == "always answering   50.0 % (glioma)" for line in lines)
    start = next(number for number, line in enumerate(lines) if line.startswith("true \\ answered"))
    matrix = [line.split() for line in lines[start + 1 : start + 3]]
    assert matrix == [["glioma", "3", "1"], ["no_tumor", "0", "4"]]


def test_columns_stand_below_each_other(evaluation):
    lines = format_evaluation(evaluation).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("in %"))
    table = lines[start : start + 5]
    assert [line.split()[0] for line in table[1:]] == ["glioma", "no_tumor", "macro", "weighted"]
    assert len({len(line) for line in table}) == 1
    assert max(len(line) for line in lines) <= 110


def test_what_is_read_back_from_json_looks_the_same(evaluation):
    assert format_evaluation(json.loads(to_json(evaluation))) == format_evaluation(evaluation)


def test_undefined_is_written_out_and_noted():
    with pytest.warns(UndefinedMetricWarning):
        evaluation = evaluate_predictions(predictions([0, 0, 0, 0], [0, 0, 0, 0]), n_bootstrap=0)
    text = format_evaluation(json.loads(to_json(evaluation)))
    row = next(line for line in text.splitlines() if line.startswith("no_tumor "))
    assert row.split()[1:3] == ["undefined", "undefined"]
    assert "note: undefined: precision of no_tumor (never answered)" in text
    assert "nan" not in text.lower()


def test_missing_labels_and_patients_are_said():
    rows = predictions([0, 0, 1, 1], [0, 0, 1, 1])
    blank = Predictions(rows.image_ids, ("",) * 4, ("", *rows.labels[1:]), rows.classes, rows.y_prob)
    text = format_evaluation(evaluate_predictions(blank, n_bootstrap=0))
    assert text.startswith("3 images of unknown patients (1 more has no label); in brackets: ")
