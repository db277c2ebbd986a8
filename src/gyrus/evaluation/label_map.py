"""The classes of other people's data in the words of the model."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.data.class_names import spelling_key
from gyrus.data.manifest import Manifest
from gyrus.errors import DataError, UsageError
from gyrus.evaluation.predictions import Predictions

_FORM = "--label-map glioma_tumor=glioma,other=  (nothing behind = leaves those images out)"


@dataclass(frozen=True, slots=True)
class LabelMap:
    """What each class of the data is called by the model.

    Attributes
    ----------
    names : mapping of str to str
        Class of the data -> class that is evaluated; empty: its images are left out.
    merged : mapping of str to tuple of str
        Evaluated class -> classes of the model that are counted as it, where these are several.
    notes : tuple of str
        Sentences on what was done without being told.
    """

    names: Mapping[str, str]
    merged: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def apply(self, manifest: Manifest) -> Manifest:
        """Return the manifest in the model's words; images of classes that are left out get no label.

        Raises
        ------
        DataError
            When no label is left.
        """
        rows = [row.with_(label=self.names.get(row.label, row.label)) for row in manifest.rows]
        if not any(row.label for row in rows):
            raise DataError(
                "has no label that the model knows, so nothing can be measured",
                path=manifest.root,
                fix="arrange it as class folders, or name a column (--label-column) or a class (--label-map)",
            )
        return manifest.with_rows(rows)

    def to_json(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Return ``{"theirs", "ours", "images"}`` of each class of the data; ``ours`` is empty if left out.

        Parameters
        ----------
        labels : sequence of str
            (n,) class of each image of the data, in their own words.
        """
        counts = Counter(label for label in labels if label)
        return [
            {"theirs": theirs, "ours": self.names.get(theirs, ""), "images": count}
            for theirs, count in sorted(counts.items())
        ]

    def merge(self, predictions: Predictions) -> Predictions:
        """Add up the probabilities of classes that count as one; labels are renamed as well."""
        if not self.merged:
            return predictions
        owner = {name: new for new, parts in self.merged.items() for name in parts}
        new_names = [owner.get(name, name) for name in predictions.classes]
        classes = tuple(sorted(set(new_names)))
        y_prob = np.zeros((len(predictions), len(classes)))
        for column, name in enumerate(new_names):
            y_prob[:, classes.index(name)] += predictions.y_prob[:, column]
        labels = tuple(owner.get(label, label) for label in predictions.labels)
        return replace(predictions, classes=classes, y_prob=y_prob, labels=labels)


def make_label_map(
    told: Sequence[str],
    labels: Sequence[str],
    classes: Sequence[str],
    source: Path,
    *,
    needed: Collection[str] | None = None,
) -> LabelMap:
    """Find the model's name for each class of the data.

    A class that is the model's, or differs from one by case and separators alone, needs no telling.

    Parameters
    ----------
    told : sequence of str
        ``THEIRS=MODEL``, several joined by commas; ``THEIRS=A|B`` for either of two, ``THEIRS=`` for none.
    labels : sequence of str
        (n,) class of each image of the data.
    classes : sequence of str
        What the model knows.
    source : Path
        The data, for messages.
    needed : collection of str, optional
        Classes that must have a name; all of them without it.

    Raises
    ------
    UsageError
        For a malformed map, or one that names an unknown class on either side.
    DataError
        When a class of the data is none of the model's and was not mapped.
    """
    counts = Counter(label for label in labels if label)
    targets = _read(told, counts, classes)
    notes: list[str] = []
    unknown: list[str] = []
    by_key = {spelling_key(name): name for name in classes}
    for label in sorted(set(counts) - set(targets)):
        alike = label if label in classes else by_key.get(spelling_key(label))
        if alike is None:
            if needed is None or label in needed:
                unknown.append(label)
            continue
        targets[label] = (alike,)
        if alike != label:
            notes.append(f"Class {label!r} of the data is taken for {alike!r}: they differ in spelling only.")
    if unknown:
        raise _unknown(unknown, counts, classes, source)
    merged = _merged(targets)
    _check_enough(classes, merged)
    names = {label: " or ".join(parts) for label, parts in targets.items()}
    dropped = [f"{label} ({counts[label]} images)" for label, name in names.items() if not name]
    if dropped:
        notes.append(f"Left out, as told: {', '.join(dropped)}.")
    return LabelMap(names, merged, tuple(notes))


def _read(told: Sequence[str], counts: Counter[str], classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    targets: dict[str, tuple[str, ...]] = {}
    for entry in (part.strip() for text in told for part in text.split(",") if part.strip()):
        theirs, equals, wanted = (part.strip() for part in entry.partition("="))
        if not equals or not theirs:
            raise UsageError(f"label-map {entry!r} is not of the form THEIRS=MODEL", fix=_FORM)
        if theirs not in counts:
            raise UsageError(
                f"label-map names {theirs!r}; the data have {', '.join(sorted(counts)) or 'no class'}",
                fix=_near(theirs, list(counts)),
            )
        parts = tuple(sorted({part.strip() for part in wanted.split("|") if part.strip()}))
        for part in parts:
            if part not in classes:
                raise UsageError(
                    f"label-map: the model knows no {part!r}; it knows {', '.join(classes)}",
                    fix=_near(part, list(classes)),
                )
        if targets.setdefault(theirs, parts) != parts:
            raise UsageError(f"label-map maps {theirs!r} twice", fix="give each class once")
    return targets


def _near(word: str, choices: list[str]) -> str:
    near = [name for name in choices if name.startswith(word)] or difflib.get_close_matches(
        word, choices, n=1
    )
    return f"did you mean {near[0]!r}?" if near else "name one of these"


def _guess(label: str, classes: Sequence[str]) -> str:
    """Return the class that the label's name begins with; similarity would take glioma_tumor for no_tumor."""
    begun = [name for name in classes if spelling_key(label).startswith(spelling_key(name))]
    return begun[0] if len(begun) == 1 else "CLASS"


def _merged(targets: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the classes that are added up; each class of the model may be part of one only."""
    merged = {" or ".join(parts): parts for parts in targets.values() if len(parts) > 1}
    owner: dict[str, str] = {}
    for name, parts in merged.items():
        for part in parts:
            if owner.setdefault(part, name) != name:
                raise UsageError(f"label-map puts {part!r} into both {owner[part]!r} and {name!r}")
    for label, parts in targets.items():
        if len(parts) == 1 and parts[0] in owner:
            raise UsageError(
                f"{parts[0]!r} stands for {label!r} and is also part of {owner[parts[0]]!r}",
                fix=f"map {label!r} to {'|'.join(merged[owner[parts[0]]])} as well, or leave it out",
            )
    return merged


def _check_enough(classes: Sequence[str], merged: Mapping[str, tuple[str, ...]]) -> None:
    if len(classes) - sum(len(parts) - 1 for parts in merged.values()) < 2:
        raise UsageError(
            "label-map makes one class of all that the model knows", fix="leave at least two classes apart"
        )


def _unknown(unknown: list[str], counts: Counter[str], classes: Sequence[str], source: Path) -> DataError:
    entries = [f"{label}={_guess(label, classes)}" for label in unknown]
    fix = f"--label-map {','.join(entries)}"
    if any(entry.endswith("=CLASS") for entry in entries):
        fix += "  (CLASS: one of the model's; A|B: either of two; nothing: those images are left out)"
    return DataError(
        f"the model knows {', '.join(classes)}; the data also have {', '.join(unknown)}",
        path=source,
        details=[f"{label}: {counts[label]} images" for label in unknown],
        fix=fix,
    )
