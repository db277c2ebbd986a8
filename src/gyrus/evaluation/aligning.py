"""Several models' predictions of the same images, brought into one order; or why they are not comparable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gyrus.errors import PredictionsError, UsageError
from gyrus.evaluation.predictions import Predictions

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a comparison.

    Attributes
    ----------
    name : str
        What people call it.
    predictions : Predictions
        Its answers.
    """

    name: str
    predictions: Predictions


def align(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with the labelled images in one order, with the same labels, patients and groups.

    A label or patient that one file leaves empty is taken from another. Where the files group the images
    differently, the coarsest grouping is taken for all: it gives the most cautious intervals.

    Raises
    ------
    UsageError
        With fewer than two entries, or two of one name.
    PredictionsError
        Naming both lists: other classes, other images, other labels or patients.
    """
    if len(entries) < 2:
        raise UsageError(
            f"there is {len(entries)} model to compare; expected two or more",
            fix="gyrus compare runs/first runs/second",
        )
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"named twice: {', '.join(twice)}", fix="name each run or file once")
    first, *others = entries
    for other in others:
        _check_classes(first, other)
        _check_images(first, other)
    ordered = [first, *(_ordered(first, other) for other in others)]
    labels = _one_value(ordered, "label", lambda predictions: predictions.labels)
    subjects = _one_value(ordered, "patient", lambda predictions: predictions.subject_ids)
    kept = np.flatnonzero([bool(label) for label in labels])
    if not kept.size:
        raise PredictionsError(
            "no image has a label, so nothing can be compared", fix="fill the column label"
        )
    groups = min((entry.predictions.group_ids for entry in ordered), key=lambda ids: len(set(ids)))
    return [
        Entry(
            entry.name,
            replace(entry.predictions, labels=labels, subject_ids=subjects, group_ids=groups).take(kept),
        )
        for entry in ordered
    ]


def _check_classes(first: Entry, other: Entry) -> None:
    a, b = first.predictions.classes, other.predictions.classes
    if a != b:
        raise PredictionsError(
            f"{first.name} and {other.name} know different classes",
            details=[f"{first.name}: {', '.join(a)}", f"{other.name}: {', '.join(b)}"],
            fix="compare models that answer the same question",
        )


def _check_images(first: Entry, other: Entry) -> None:
    a, b = set(first.predictions.image_ids), set(other.predictions.image_ids)
    if a == b:
        return
    details = [
        f"only in {name} ({len(own)}): {_listed(sorted(own))}"
        for name, own in ((first.name, a - b), (other.name, b - a))
        if own
    ]
    raise PredictionsError(
        f"{first.name} has {len(a)} images, {other.name} {len(b)}; {len(a & b)} of them are the same",
        details=details,
        fix="predict the same images with both (runs: the same split of the same manifest; --test or not)",
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", … and {more} more" if more > 0 else "")


def _ordered(first: Entry, other: Entry) -> Entry:
    place = {name: number for number, name in enumerate(other.predictions.image_ids)}
    rows = np.array([place[name] for name in first.predictions.image_ids], dtype=np.int64)
    return Entry(other.name, other.predictions.take(rows))


def _one_value(
    entries: Sequence[Entry], what: str, values_of: Callable[[Predictions], tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the value of each image that all entries agree on; empty ones say nothing."""
    merged = list(values_of(entries[0].predictions))
    origin = [entries[0].name] * len(merged)
    problems = []
    for entry in entries[1:]:
        for number, value in enumerate(values_of(entry.predictions)):
            if value and not merged[number]:
                merged[number], origin[number] = value, entry.name
            elif value and value != merged[number]:
                image = entry.predictions.image_ids[number]
                problems.append(f"{image}: {merged[number]!r} in {origin[number]}, {value!r} in {entry.name}")
    if problems:
        raise PredictionsError(
            f"{len(problems)} images have another {what} in another file",
            details=problems,
            fix=f"find out which {what} is right, and correct the files",
        )
    return tuple(merged)
