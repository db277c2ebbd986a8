"""An evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        ["accuracy", _long(evaluation["accuracy"])],
        ["balanced accuracy", _long(evaluation["balanced_accuracy"])],
        ["macro F1", _long(evaluation["macro"]["f1"])],
        ["ROC-AUC, macro", _long(evaluation["macro"]["roc_auc"])],
        ["ROC-AUC, micro", _long(evaluation["micro"]["roc_auc"])],
        ["always answering", f"{_number(baseline['accuracy'])} % ({baseline['label']})"],
    ]
    parts = [_counts(evaluation), _aligned(head, left=(0, 1)), _class_table(evaluation), _matrix(evaluation)]
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
        rows.append([name, *(_short(figures[column]) for column in _COLUMNS), str(figures["support"])])
    for name in ("macro", "weighted"):
        figures = evaluation[name]
        cells = [_short(figures[column]) if column in figures else "" for column in _COLUMNS]
        rows.append([f"{name} mean", *cells, str(evaluation["n_images"])])
    return _aligned(rows, left=(0,))


def _matrix(evaluation: Mapping[str, Any]) -> str:
    """Return the confusion matrix; long class names are numbered to keep the columns narrow."""
    classes, counts = evaluation["classes"], evaluation["confusion_matrix"]
    rows = [["true \\ answered", *(str(name) for name in classes)]]
    rows += [[name, *(str(count) for count in row)] for name, row in zip(classes, counts, strict=True)]
    return _aligned(rows, left=(0,))


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _defined(value: Any) -> bool:
    return value is not None and value == value


def _number(value: Any) -> str:
    return f"{100 * value:.1f}" if _defined(value) else "undefined"


def _long(figure: Mapping[str, Any]) -> str:
    if not _defined(figure["value"]):
        return "undefined"
    if not _defined(figure["low"]):
        return f"{_number(figure['value'])} %"
    return f"{_number(figure['value'])} % [{_number(figure['low'])}, {_number(figure['high'])}]"


def _short(figure: Mapping[str, Any]) -> str:
    if not _defined(figure["value"]):
        return "undefined"
    if not _defined(figure["low"]):
        return _number(figure["value"])
    return f"{_number(figure['value'])} [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"
