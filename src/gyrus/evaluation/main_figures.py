"""The few figures that stand for a whole evaluation where several are set side by side: folds, repeats."""

from __future__ import annotations

from gyrus.evaluation.figures import Figures
from gyrus.evaluation.multilabel import MultilabelFigures
from gyrus.evaluation.predictions import CLASSIFY, MULTILABEL, Predictions

MAIN = {
    CLASSIFY: ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc"),
    MULTILABEL: ("exact_match", "decisions", "macro_f1", "macro_roc_auc"),
}
"""Task -> names of its main figures; by the first the worst fold is told."""

SHORT = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced", "exact_match": "all classes right",
    "decisions": "decisions right", "macro_f1": "macro F1", "macro_roc_auc": "ROC-AUC",
}  # fmt: skip
"""Heads of columns."""

RIGHT = {CLASSIFY: "are right", MULTILABEL: "are given exactly their classes"}
"""Task -> what the first figure says of images."""


def figures_of(predictions: Predictions, confidence: float) -> Figures | MultilabelFigures:
    """Return the figures of labelled predictions, of either task; both have ``linear(metric)``."""
    kind = Figures if predictions.task == CLASSIFY else MultilabelFigures
    return kind(predictions, confidence)


def main_of(block_each: dict[str, object]) -> tuple[str, ...]:
    """Return the main figures that a fold's or a repeat's block holds, in order."""
    return next(names for names in MAIN.values() if names[0] in block_each)
