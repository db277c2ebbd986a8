"""An evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.text import aligned, long_figure, percent, short_figure

_COLUMNS = ("precision", "sensitivity", "specificity", "f1", "roc_auc")
_TITLES = ("precision", "sensitivity", "specificity", "F1", "ROC-AUC")


def format_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Return the figures as aligned text, in per cent, with their intervals.

    Parameters
    ----------
    evaluation : mapping
        From :func:`gyrus.evaluation.evaluate_predictions`, or read back from its JSON.
    """
    baseline = evaluation["majority_baseline"]
    head = [
        ["accuracy", long_figure(evaluation["accuracy"])],
        ["balanced accuracy", long_figure(evaluation["balanced_accuracy"])],
        ["macro F1", long_figure(evaluation["macro"]["f1"])],
        ["ROC-AUC, macro", long_figure(evaluation["macro"]["roc_auc"])],
        ["ROC-AUC, micro", long_figure(evaluation["micro"]["roc_auc"])],
        ["always answering", f"{percent(baseline['accuracy'])} % ({baseline['label']})"],
    ]
    parts = [_counts(evaluation), aligned(head, left=(0, 1)), _class_table(evaluation), _matrix(evaluation)]
    parts += [f"note: {note}" for note in evaluation.get("notes", ())]
    return "\n\n".join(parts)


def _counts(evaluation: Mapping[str, Any]) -> str:
    subjects = evaluation["n_subjects"]
    text = f"{evaluation['n_images']} images of " + (
        "unknown patients" if subjects is None else f"{subjects} patients"
    )
    if evaluation["n_unlabelled"]:
        text += f" ({evaluation['n_unlabelled']} more have no label)"
    interval = f"{100 * evaluation['confidence']:g} % interval over {evaluation['clustered_by']}"
    return f"{text}; in brackets: {interval}"


def _class_table(evaluation: Mapping[str, Any]) -> str:
    rows = [["in %", *_TITLES, "images"]]
    for name in evaluation["classes"]:
        figures = evaluation["per_class"][name]
        rows.append([name, *(short_figure(figures[column]) for column in _COLUMNS), str(figures["support"])])
    for name in ("macro", "weighted"):
        figures = evaluation[name]
        cells = [short_figure(figures[column]) if column in figures else "" for column in _COLUMNS]
        rows.append([f"{name} mean", *cells, str(evaluation["n_images"])])
    return aligned(rows)


def _matrix(evaluation: Mapping[str, Any]) -> str:
    """Return the confusion matrix; long class names are numbered to keep the columns narrow."""
    classes, counts = evaluation["classes"], evaluation["confusion_matrix"]
    rows = [["true \\ answered", *(str(name) for name in classes)]]
    rows += [[name, *(str(count) for count in row)] for name, row in zip(classes, counts, strict=True)]
    return aligned(rows)
