"""An evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.folds import format_folds
from gyrus.evaluation.predictions import MULTILABEL
from gyrus.evaluation.text import aligned, long_figure, percent, plain_figure, short_figure

_COLUMNS = ("precision", "sensitivity", "specificity", "f1", "roc_auc")
_MAIN = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc")
_TITLES = ("precision", "sensitivity", "specificity", "F1", "ROC-AUC")


def format_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Return the figures as aligned text, with their intervals; shares in per cent.

    Parameters
    ----------
    evaluation : mapping
        From :func:`gyrus.evaluation.evaluate_predictions`, or read back from its JSON; of an older version
        what is there.
    """
    several = evaluation["task"] == MULTILABEL
    parts = [
        _counts(evaluation),
        aligned(_several_head(evaluation) if several else _head(evaluation), left=(0, 1)),
        _class_table(evaluation),
        "" if several else _matrix(evaluation),
        _by_patient(evaluation.get("patient_level"), evaluation),
        format_folds(evaluation.get("folds")),
        _at_prevalence(evaluation.get("at_prevalence") or {}),
        aligned(_probabilities(evaluation), left=(0, 1)) if "log_loss" in evaluation else "",
        "\n".join(f"note: {note}" for note in evaluation.get("notes", ())),
    ]
    return "\n\n".join(part for part in parts if part)


def _head(evaluation: Mapping[str, Any]) -> list[list[str]]:
    baseline = evaluation["majority_baseline"]
    rows = [
        ["accuracy", long_figure(evaluation["accuracy"])],
        ["balanced accuracy", long_figure(evaluation["balanced_accuracy"])],
        ["macro F1", long_figure(evaluation["macro"]["f1"])],
        *_areas(evaluation),
    ]
    if "kappa" in evaluation:
        rows += [["kappa", plain_figure(evaluation["kappa"])], ["MCC", plain_figure(evaluation["mcc"])]]
    return [*rows, ["always answering", f"{percent(baseline['accuracy'])} % ({baseline['label']})"]]


def _several_head(evaluation: Mapping[str, Any]) -> list[list[str]]:
    return [
        ["all classes right", long_figure(evaluation["exact_match"])],
        ["decisions right", long_figure(evaluation["decisions"])],
        ["macro F1", long_figure(evaluation["macro"]["f1"])],
        ["micro F1", long_figure(evaluation["micro"]["f1"])],
        *_areas(evaluation),
    ]


def _areas(evaluation: Mapping[str, Any]) -> list[list[str]]:
    areas = [("ROC-AUC", {name: evaluation[name]["roc_auc"] for name in ("macro", "micro")})]
    areas += [("PR-AUC", evaluation["pr_auc"])] if "pr_auc" in evaluation else []
    return [
        [f"{title}, {mean}", long_figure(area[mean])] for title, area in areas for mean in ("macro", "micro")
    ]


def _probabilities(evaluation: Mapping[str, Any]) -> list[list[str]]:
    """Return log loss and Brier score (lower is better), calibration error, top 2."""
    rows = [
        ["log loss", plain_figure(evaluation["log_loss"])],
        ["Brier score", plain_figure(evaluation["brier"])],
        ["calibration error", long_figure(evaluation["ece"])],
    ]
    if len(evaluation.get("top_k", {})) > 1:  # of three classes the first two say nothing
        rows.append(["among the first 2", long_figure(evaluation["top_k"]["2"])])
    return rows


def _by_patient(block: Mapping[str, Any] | None, evaluation: Mapping[str, Any]) -> str:
    """Return slices and patients side by side; empty where nothing was pooled."""
    if not block:
        return ""
    of_images = {
        **{name: evaluation[name] for name in ("accuracy", "balanced_accuracy")},
        **{f"macro_{name}": evaluation["macro"][name] for name in ("f1", "roc_auc")},
    }
    rows = [["in %", "accuracy", "balanced", "macro F1", "ROC-AUC", "answers"]]
    rows.append(["an answer an image", *(short_figure(of_images[name]) for name in _MAIN)])
    rows[-1].append(str(evaluation["n_images"]))
    for how in ("mean", "maximum", "noisy_or"):
        cells = [short_figure(block[how][name]) for name in _MAIN]
        rows.append([f"a patient: {how.replace('_', '-')}", *cells, str(block["n_patients"])])
    return aligned(rows)


def _at_prevalence(block: Mapping[str, Any]) -> str:
    if not block:
        return ""
    rows = [["where so many have it", "prevalence %", "PPV", "NPV"]]
    for name, values in block.items():
        cells = [short_figure(values[kind]) for kind in ("ppv", "npv")]
        rows.append([name, f"{100 * values['prevalence']:g}", *cells])
    return aligned(rows)


def _counts(evaluation: Mapping[str, Any]) -> str:
    subjects, images = evaluation["n_subjects"], evaluation["n_images"]
    text = "1 image" if images == 1 else f"{images} images"
    if subjects is None:
        text += " of unknown patients"
    elif evaluation["clustered_by"] == "patients":
        text += " of 1 patient" if subjects == 1 else f" of {subjects} patients"
    else:
        text += f" ({subjects} known {'patient' if subjects == 1 else 'patients'}, the others unknown)"
    if evaluation["n_unlabelled"]:
        more = evaluation["n_unlabelled"]
        text += f" ({more} more {'has' if more == 1 else 'have'} no label)"
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
