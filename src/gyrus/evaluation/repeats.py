"""Repeated cross-validation: the same images answered anew after another deal of the patients to folds.

Each repeat is a whole cross-validation. Between them only the deal and the training's draws differ, not the
patients: repeats steady a figure, they do not add patients, and the interval of their mean stays one over
patients. How far they lie apart says how much of a single figure was the deal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.errors import PredictionsError
from gyrus.evaluation.labelled import with_labels
from gyrus.evaluation.main_figures import MAIN, RIGHT, SHORT, figures_of, main_of
from gyrus.evaluation.predictions import CLASSIFY, PROBABILITY_PREFIX, Predictions
from gyrus.evaluation.text import aligned, long_figure, short_figure
from gyrus.metrics.intervals import Linear, linear_mean
from gyrus.runs.atomic import write_text


def repeat_figures(repeats: Sequence[Predictions], confidence: float = 0.95) -> dict[str, Any] | None:
    """Return the figures of each repeat, and their mean with an interval over patients.

    Parameters
    ----------
    repeats : sequence of Predictions
        Pooled out-of-fold predictions, one a repeat. Images that a repeat did not answer (a fold failed) are
        left out of all, and counted.
    confidence : float
        Of the intervals.

    Returns
    -------
    dict or None
        None for fewer than two repeats::

            sentence           "5 repeats: 88.4 % [84.0, 91.8] on average; they lie between …"
            n_images           images answered in every repeat
            n_left_out         images that were not
            each               list of {"repeat", "accuracy", "balanced_accuracy", "macro_f1",
                               "macro_roc_auc": figures}; of several classes an image
                               "exact_match" and "decisions" for the first two
            mean               metric -> figure: the mean of the repeats
            sd                 metric -> standard deviation of the repeats' values

    Raises
    ------
    PredictionsError
        When no image was answered in every repeat.
    """
    if len(repeats) < 2:
        return None
    same = in_common([with_labels(repeat) for repeat in repeats])
    figures = [figures_of(repeat, confidence) for repeat in same]
    metrics = MAIN[same[0].task]
    each: list[dict[str, Any]] = []
    mean: dict[str, Any] = {}
    values: dict[str, list[float]] = {}
    for metric in metrics:
        parts = [one.linear(metric) for one in figures]
        mean[metric] = figures[0].figure(mean_of_repeats(parts))
        values[metric] = [part.value for part in parts]
    for number, one in enumerate(figures):
        each.append({"repeat": number, **{metric: one.figure(one.linear(metric)) for metric in metrics}})
    answered = {image_id for repeat in repeats for image_id in repeat.image_ids}
    return {
        "sentence": _sentence(mean[metrics[0]], values[metrics[0]], RIGHT[same[0].task]),
        "n_images": len(same[0]),
        "n_left_out": len(answered) - len(same[0]),
        "each": each,
        "mean": mean,
        "sd": {metric: float(np.std(column, ddof=1)) for metric, column in values.items()},
    }


def mean_of_repeats(parts: Sequence[Linear]) -> Linear:
    """Return the mean of one figure over repeats on the same images.

    The repeats are of the same patients, so that they add no degrees of freedom: those of the poorest stand.
    """
    return replace(linear_mean(list(parts)), freedom=min(part.freedom for part in parts))


def in_common(repeats: Sequence[Predictions]) -> list[Predictions]:
    """Return the images that every repeat answered, in the order of their names.

    Raises
    ------
    PredictionsError
        When there is none.
    """
    kept = set(repeats[0].image_ids).intersection(*(repeat.image_ids for repeat in repeats))
    if not kept:
        raise PredictionsError(
            "no image was answered in every repeat", fix="train the folds that are missing"
        )
    found = []
    for repeat in repeats:
        place = {name: row for row, name in enumerate(repeat.image_ids) if name in kept}
        found.append(repeat.take(np.array([place[name] for name in sorted(kept)], dtype=np.int64)))
    return found


def format_repeats(block: Mapping[str, Any] | None) -> str:
    """Return the block of :func:`repeat_figures` as text; empty without repeats."""
    if not block:
        return ""
    metrics = main_of(block["each"][0])
    rows = [["repeat, in %", *(SHORT[metric] for metric in metrics)]]
    for one in block["each"]:
        rows.append([str(one["repeat"]), *(short_figure(one[metric]) for metric in metrics)])
    rows.append(["mean", *(short_figure(block["mean"][metric]) for metric in metrics)])
    rows.append(["SD of the repeats", *(f"{100 * block['sd'][metric]:.1f}" for metric in metrics)])
    return f"{block['sentence']}\n{aligned(rows)}"


def write_pooled(repeats: Sequence[Predictions], path: Path) -> None:
    """Write the pooled predictions of all repeats: a row per image and repeat, with ``fold`` and ``repeat``.

    Of one repeat it is an ordinary predictions file.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [PROBABILITY_PREFIX + name for name in repeats[0].classes]
    several = repeats[0].task != CLASSIFY
    task = ["task"] * several
    writer.writerow(["image_id", "subject_id", "label", "group_id", "fold", "repeat", *task, *names])
    for number, repeat in enumerate(repeats):
        told = (repeat.image_ids, repeat.subject_ids, repeat.labels, repeat.group_ids, repeat.folds)
        for row in zip(*told, repeat.y_prob.tolist(), strict=True):
            told_task = [repeat.task] * several
            writer.writerow([*row[:-1], number, *told_task, *(f"{value:.9g}" for value in row[-1])])
    write_text(path, buffer.getvalue())


def _sentence(mean: Mapping[str, Any], values: Sequence[float], right: str) -> str:
    return (
        f"{len(values)} repeats: {long_figure(mean)} {right} on average; the repeats lie between "
        f"{100 * min(values):.1f} and {100 * max(values):.1f} %."
    )
