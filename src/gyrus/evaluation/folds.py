"""Cross-validation: the predictions of several folds pooled, and each fold beside the pooled figures.

Each image is answered once, by the one model that was trained without it. The folds' means alone are no
figure to quote: a fold is a handful of patients, and swings by several points. Pooled, all patients count,
and the interval is over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gyrus.errors import LeakageError, PredictionsError, UsageError
from gyrus.evaluation.main_figures import MAIN, RIGHT, SHORT, figures_of, main_of
from gyrus.evaluation.predictions import Predictions
from gyrus.evaluation.text import aligned, defined, long_figure, short_figure
from gyrus.metrics.undefined import FloatArray


def pool_folds(
    folds: Sequence[Predictions], names: Sequence[str] = (), *, allow_shared: bool = False
) -> Predictions:
    """Put the out-of-fold predictions of a cross-validation together.

    Parameters
    ----------
    folds : sequence of Predictions
        One a fold, of the same classes: what the model that was trained on the other folds answered.
    names : sequence of str, optional
        What the folds are called; ``0``, ``1``, … without it.
    allow_shared : bool
        Let patients stand in several folds; the figures then say so.

    Returns
    -------
    Predictions
        All rows, in the order given; ``folds`` tells where each comes from.

    Raises
    ------
    UsageError
        For no fold, or as many names as not folds.
    PredictionsError
        When an image stands in two folds, or the classes or tasks differ.
    LeakageError
        When a patient stands in two folds: each of their models has seen images of the patient.
    """
    names = tuple(names) or tuple(str(number) for number in range(len(folds)))
    if not folds or len(set(names)) != len(folds):
        raise UsageError(
            f"{len(folds)} folds are named {', '.join(names) or 'nothing'}", fix="give each fold one name"
        )
    _check_alike(folds, names)
    pooled = Predictions(
        image_ids=_chained(folds, "image_ids"),
        subject_ids=_chained(folds, "subject_ids"),
        labels=_chained(folds, "labels"),
        classes=folds[0].classes,
        y_prob=np.concatenate([fold.y_prob for fold in folds]),
        task=folds[0].task,
        group_ids=_chained(folds, "group_ids"),
        folds=tuple(name for name, fold in zip(names, folds, strict=True) for _ in range(len(fold))),
    )
    shared = {} if allow_shared else shared_between_folds(pooled)
    if shared:
        raise LeakageError(
            f"{_standing(len(shared))} in several folds: the models that answered have seen them",
            details=[f"{patient}: {', '.join(where)}" for patient, where in shared.items()],
            fix="divide by patient (gyrus split DATA) and train again",
        )
    return pooled


def shared_between_folds(predictions: Predictions) -> dict[str, list[str]]:
    """Return the patients whose images stand in several folds, with these folds."""
    found: dict[str, dict[str, None]] = {}
    for subject, fold in zip(predictions.subject_ids, predictions.folds, strict=True):
        if subject and fold:
            found.setdefault(subject, {})[fold] = None
    return {subject: list(where) for subject, where in sorted(found.items()) if len(where) > 1}


def fold_figures(predictions: Predictions, confidence: float) -> dict[str, Any] | None:
    """Return the figures of each fold, for those that stand beside the pooled ones.

    Parameters
    ----------
    predictions : Predictions
        All with a label.
    confidence : float

    Returns
    -------
    dict or None
        None when the predictions do not tell at least two folds::

            sentence            "Pooled over 5 folds 93.4 % [90.1, 95.8]; the folds lie between …"
            each                list of {"fold", "n_images", "n_subjects", "n_clusters", "accuracy",
                                "balanced_accuracy", "macro_f1", "macro_roc_auc": figures}; of several
                                classes an image "exact_match" and "decisions" for the first two
            worst               the fold with the lowest accuracy, or exact match
            mean, sd            of the folds' values by metric; NaN where a fold's is undefined (sd: also of
                                one fold). The mean area is free of the folds' scores being pooled, which
                                compares answers of different models (Forman and Scholz, 2010)
            shared_patients     patients who stand in several folds -> these folds
    """
    names = list(dict.fromkeys(name for name in predictions.folds if name))
    if len(names) < 2:
        return None
    column = np.array(predictions.folds, dtype=np.str_)
    each = [_one(name, predictions.take(np.flatnonzero(column == name)), confidence) for name in names]
    metrics = MAIN[predictions.task]
    values = {metric: np.array([fold[metric]["value"] for fold in each]) for metric in metrics}
    figures = figures_of(predictions, confidence)
    pooled = figures.figure(figures.linear(metrics[0]))
    worst = each[int(np.argmin(values[metrics[0]]))]
    return {
        "sentence": _sentence(pooled, values[metrics[0]], worst["fold"], RIGHT[predictions.task]),
        "each": each,
        "worst": worst["fold"],
        "mean": {metric: float(np.mean(column)) for metric, column in values.items()},
        "sd": {metric: float(np.std(column, ddof=1)) for metric, column in values.items()},
        "shared_patients": shared_between_folds(predictions),
    }


def fold_notes(block: Mapping[str, Any] | None) -> list[str]:
    """Return a sentence when the folds are not apart."""
    if block is None or not block["shared_patients"]:
        return []
    return [
        f"{_standing(len(block['shared_patients']))} in several folds: the models that answered have seen "
        "them, and the figures are too good"
    ]


def format_folds(block: Mapping[str, Any] | None) -> str:
    """Return the block of :func:`fold_figures` as text; empty without folds."""
    if not block:
        return ""
    metrics = main_of(block["each"][0])
    rows = [["fold, in %", *(SHORT[metric] for metric in metrics), "images", "patients"]]
    for fold in block["each"]:
        mark = " (worst)" if fold["fold"] == block["worst"] else ""
        cells = [short_figure(fold[metric]) for metric in metrics]
        patients = "?" if fold["n_subjects"] is None else str(fold["n_subjects"])
        rows.append([f"{fold['fold']}{mark}", *cells, str(fold["n_images"]), patients])
    spread = [_spread(block["mean"][metric], block["sd"][metric]) for metric in metrics]
    rows.append(["mean (SD) of the folds", *spread, "", ""])
    return f"{block['sentence']}\n{aligned(rows)}"


def _standing(count: int) -> str:
    return "1 patient stands" if count == 1 else f"{count} patients stand"


def _chained(folds: Sequence[Predictions], column: str) -> tuple[str, ...]:
    return tuple(value for fold in folds for value in getattr(fold, column))


def _check_alike(folds: Sequence[Predictions], names: Sequence[str]) -> None:
    """Refuse folds of different classes or tasks, and images that stand in two."""
    first = folds[0]
    for name, fold in zip(names, folds, strict=True):
        if (fold.classes, fold.task) != (first.classes, first.task):
            raise PredictionsError(
                f"fold {name} has the classes {', '.join(fold.classes)} ({fold.task}), fold {names[0]} "
                f"{', '.join(first.classes)} ({first.task})",
                fix="pool folds of one classification",
            )
    place: dict[str, str] = {}
    twice = []
    for name, fold in zip(names, folds, strict=True):
        for image_id in fold.image_ids:
            if place.setdefault(image_id, name) != name:
                twice.append(f"{image_id}: {place[image_id]} and {name}")
    if twice:
        stand = "1 image stands" if len(twice) == 1 else f"{len(twice)} images stand"
        raise PredictionsError(
            f"{stand} in several folds; each may be answered once, by the model that was trained without it",
            details=twice,
            fix="give each fold's test predictions only",
        )


def _one(name: str, part: Predictions, confidence: float) -> dict[str, Any]:
    figures = figures_of(part, confidence)
    return {
        "fold": name,
        "n_images": len(part),
        "n_subjects": len(set(part.subject_ids)) if all(part.subject_ids) else None,
        "n_clusters": figures.n_groups,
        **{metric: figures.figure(figures.linear(metric)) for metric in MAIN[part.task]},
    }


def _sentence(pooled: Mapping[str, Any], values: FloatArray, worst: str, right: str) -> str:
    return (
        f"Pooled over {len(values)} folds {long_figure(pooled)} {right}; the folds lie between "
        f"{100 * values.min():.1f} and {100 * values.max():.1f} %, the worst is {_called(worst)}."
    )


def _called(name: str) -> str:
    return f"fold {name}" if name.isdigit() else name


def _spread(mean: Any, sd: Any) -> str:
    return f"{100 * mean:.1f} ({100 * sd:.1f})" if defined(mean) and defined(sd) else "undefined"
