"""Precision-recall, calibration and patient level: drawn from their keys, absent without them."""

from __future__ import annotations

from typing import Any

import plausible_run
import pytest
from page_checks import checked, words

from gyrus.pages import report_figures
from gyrus.pages.report import render_report

FIGURE = {"value": 0.041, "low": 0.02, "high": 0.083, "method": "", "clusters": 48}
NEW: dict[str, Any] = {
    "precision_recall": {
        name: {"recall": [0, 0.5, 1], "precision": [1, 0.9, 0.4], "auc": 0.871}
        for name in plausible_run.CLASSES
    },
    "ece": FIGURE, "brier": {**FIGURE, "value": 0.123}, "log_loss": {**FIGURE, "value": 0.312},
    "reliability": [
        {"confidence": 0.55, "share": {"value": 0.5, "low": 0.4, "high": 0.6}, "images": 1234},
        {"confidence": 0.95, "share": {"value": None, "low": None, "high": None}, "images": 0},
    ],
    "patient_level": {
        "mean": {"n_patients": 48, "accuracy": {**FIGURE, "value": 0.958}},
        "noisy_or": {"n_patients": 48, "accuracy": {**FIGURE, "value": 0.896}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return plausible_run.evaluation()


def test_they_are_drawn_with_their_numbers(evaluation: dict[str, Any]) -> None:
    context = plausible_run.context(evaluations={"test": {**evaluation, **NEW}}, examples=[], history=[])
    page = render_report(context)
    checker = checked(page)
    assert {"#calibration", "#patients"} <= set(checker.fetched)
    assert len(checker.ids) == len(set(checker.ids))
    text = words(page).replace("\N{NO-BREAK SPACE}", " ")
    assert "calibration error (ECE) 4.1 % 2.0 to 8.3" in text
    assert "Brier score 0.123" in text
    assert "1,234" in text
    assert "patients, noisy-or 48 89.6 %" in text
    assert "0.871 glioma" in " ".join(text.split())
    assert {"precision_recall", "reliability"} <= set(report_figures(context))


def test_they_are_absent_without_their_keys(evaluation: dict[str, Any]) -> None:
    bare = {name: value for name, value in evaluation.items() if name not in NEW}
    page = render_report(plausible_run.context(evaluations={"test": bare}, examples=[], history=[]))
    assert not {"#calibration", "#patients"} & set(checked(page).fetched)
    assert "Precision over recall" not in page
