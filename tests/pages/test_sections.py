"""Sections that appear only when their figures are there: twins, subgroups, what the curves say."""

from __future__ import annotations

from typing import Any

import plausible_run
import pytest
from page_checks import EVIL, checked, words

from gyrus.pages.measured import measured_from
from gyrus.pages.report import render_report
from gyrus.pages.sections_first import without_twins
from gyrus.pages.sections_learning import findings_of, learning
from gyrus.pages.sections_subgroups import subgroup_tables

CONTEXT = plausible_run.context()


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return plausible_run.evaluation()


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "method": "", "clusters": 9}


def text_of(part: str | None) -> str:
    assert part is not None
    return words(part).replace("\N{NO-BREAK SPACE}", " ")


TWINS = {
    "known": True,
    "sentence": "Your 98.9 % is 91.2 % without twins: 40 of 100 images have a twin in training.",
    "n_images": 100, "n_twins": 40, "n_left": 60,
    "reasons": {"same patient": 38, "identical pixels": 2, "identical bytes": 0},
    **{
        name: {"accuracy": figure(value, value - 0.1, value + 0.01), "balanced_accuracy": figure(value),
               "macro_f1": figure(value), "macro_roc_auc": figure(None)}
        for name, value in (("all", 0.989), ("without_twins", 0.912), ("twins_only", 0.99))
    },
    "notes": ["every image of glioma has a twin"],
}  # fmt: skip


def test_twins_stand_beside_the_headline(evaluation: dict[str, Any]) -> None:
    text = text_of(without_twins(measured_from({**evaluation, "twin_free": TWINS}, "test")))
    assert text.strip().startswith("Your 98.9 % is 91.2 % without twins")
    assert "without twins 60 91.2 % 81.2 to 92.2" in text
    assert "Seen before as same patient: 38, identical pixels: 2." in text
    assert "Every image of glioma has a twin." in text


def test_where_twins_are_unknown_the_reason_is_given(evaluation: dict[str, Any]) -> None:
    block = {"known": False, "sentence": "The figure without twins cannot be told: no split."}
    page = without_twins(measured_from({**evaluation, "twin_free": block}, "test"))
    assert text_of(page).strip() == block["sentence"]


def test_nothing_is_said_of_what_was_not_measured(evaluation: dict[str, Any]) -> None:
    measured = measured_from(evaluation, "test")
    assert without_twins(measured) is None
    assert subgroup_tables(CONTEXT, measured) is None


def subgroups_block(**changes: Any) -> dict[str, Any]:
    difference = {"value": -0.082, "low": -0.13, "high": -0.03, "p": 2e-5, "p_holm": 4e-5, "clusters": 90}
    seen = {
        "value": "axial", "n_images": 300, "n_clusters": 30, "by_class": {},
        "accuracy": figure(0.872, 0.81, 0.91), "balanced_accuracy": figure(0.86),
        "macro_roc_auc": figure(0.97), "difference": difference, **changes,
    }  # fmt: skip
    rare = {
        "value": "coronal", "n_images": 7, "n_clusters": 2, "by_class": {}, "accuracy": None,
        "balanced_accuracy": None, "macro_roc_auc": None, "difference": None,
    }  # fmt: skip
    return {
        "min_images": 20, "min_patients": 5, "tests": 1,
        "dimensions": [{"name": "plane", "groups": [seen, rare]}],
        "left_out": [{"name": "image size", "reason": "the same for all images"}],
    }  # fmt: skip


def test_subgroups_with_their_difference_and_too_few(evaluation: dict[str, Any]) -> None:
    measured = measured_from({**evaluation, "subgroups": subgroups_block()}, "test")
    text = text_of(subgroup_tables(CONTEXT, measured))
    assert "By plane" in text
    assert "axial 87.2 % 81.0 to 91.0 86.0 % -8.2 -13.0 to -3.0 < 0.001 300 30" in text
    assert "coronal too few 7 2" in text
    assert "adjusted for 1 comparison (Holm)" in text
    assert "Not divided by image size: the same for all images." in text


def test_names_of_groups_stay_text(evaluation: dict[str, Any]) -> None:
    block = subgroups_block(value=EVIL, difference=None)
    page = subgroup_tables(CONTEXT, measured_from({**evaluation, "subgroups": block}, "test"))
    assert page is not None
    assert "script" not in checked(page).names


def test_a_whole_page_with_them_is_one_document(evaluation: dict[str, Any]) -> None:
    full = {**evaluation, "twin_free": TWINS, "subgroups": subgroups_block()}
    page = render_report(plausible_run.context(evaluations={"test": full}, examples=[]))
    checker = checked(page)
    assert "#subgroups" in checker.fetched
    assert words(page).index("without twins") < words(page).index("Class by class")


def test_the_curves_are_told_in_words_with_numbers_and_advice() -> None:
    rows = [
        {"epoch": float(i + 1), "train_loss": 1 / (i + 1) ** 2, "val_loss": 0.4 + 0.1 * abs(i - 2),
         "train_accuracy": 0.97, "val_accuracy": 0.95, "learning_rate": 1e-3}
        for i in range(7)
    ]  # fmt: skip
    context = plausible_run.context(history=rows, evaluations={})
    assert [finding.kind for finding in findings_of(context)] == ["overfitting"]
    text = text_of(learning(context))
    assert "It memorises: overfitting" in text
    assert "After epoch 3 the validation loss rose from 0.400 to 0.800" in text
    assert "--dropout" in text
