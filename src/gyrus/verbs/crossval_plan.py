"""What a cross-validation is going to train: every fold divided and audited before the first is trained."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.data import Manifest
from gyrus.errors import LeakageError
from gyrus.verbs.prepare import Prepared
from gyrus.verbs.train import Divided, divide

logger = logging.getLogger("gyrus")

_GRAVEST = ("leaking", "unknowable", "clean")


@dataclass(frozen=True, slots=True)
class PlannedFold:
    """One training: its options (without a folder) and its division, as ``gyrus train --fold K`` has them."""

    repeat: int
    fold: int
    config: TrainConfig
    divided: Divided

    @property
    def title(self) -> str:
        """``fold 2``, or ``repeat 1, fold 2``."""
        return f"repeat {self.repeat}, fold {self.fold}" if self.repeat else f"fold {self.fold}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All trainings of a cross-validation.

    Attributes
    ----------
    folds : tuple of PlannedFold
        Repeat by repeat.
    manifest : Manifest
        The images, ``fold`` saying in which fold each is tested; of further repeats the fact columns
        ``fold_repeat_1``, ….
    audit : dict
        ``audit.json``: the gravest verdict of the folds, the findings in the whole data.
    notes : tuple of str
        How the folds came about.
    """

    folds: tuple[PlannedFold, ...]
    manifest: Manifest
    audit: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def deals(self) -> dict[str, int]:
        """Fingerprint of each deal of the patients to folds -> the first repeat that has it."""
        found: dict[str, int] = {}
        for repeat in sorted({planned.repeat for planned in self.folds}):
            tested = _tested_in([planned for planned in self.folds if planned.repeat == repeat])
            dealt = self.manifest.with_rows(
                row.with_(split="", fold=tested.get(row.image_id)) for row in self.manifest
            )
            found.setdefault(dealt.fingerprint, repeat)
        return found


def plan_folds(config: CrossvalConfig, prepared: Prepared) -> Plan:
    """Divide a scanned data set into the folds of every repeat, and audit each.

    Raises
    ------
    LeakageError
        When a given fold leaks, without ``allow_leak``; folds that are made here do not.
    UsageError, DataError
        As :func:`gyrus.verbs.train.divide` does.
    """
    given = sorted({row.fold for row in prepared.manifest if row.fold is not None})
    made = config.split == "new" or not given
    numbers = list(range(config.folds)) if made else given
    notes = _notes(config, numbers, made=made)
    planned = []
    for repeat in range(config.repeats):
        for number in numbers:
            options = config.of_fold(number, folds=max(numbers) + 1, repeat=repeat)
            planned.append(PlannedFold(repeat, number, options, _divided(options, prepared)))
    return Plan(
        tuple(planned), _with_folds(prepared.manifest, planned), _audit(prepared, planned, notes), notes
    )


def _notes(config: CrossvalConfig, numbers: list[int], *, made: bool) -> tuple[str, ...]:
    if made:
        return (f"{len(numbers)} folds were made, whole patients and copies, with seed {config.seed}.",)
    notes = [f"The folds are given by the manifest: {', '.join(map(str, numbers))}."]
    if config.folds not in (len(numbers), CrossvalConfig.folds):
        notes.append(f"--folds {config.folds} is not used; --split new would make new folds.")
    if config.repeats > 1:
        notes.append("The repeats have the same folds; between them the seed of the training alone differs.")
    return tuple(notes)


def _divided(options: TrainConfig, prepared: Prepared) -> Divided:
    try:
        return divide(options, prepared)
    except LeakageError as error:
        raise LeakageError(
            f"fold {options.fold}: {error.message}",
            details=error.details,
            fix='--split new makes folds that share no patient and no copy; or --allow-leak "reason", '
            "which stamps every later report and bundle",
        ) from error


def _tested_in(planned: list[PlannedFold]) -> dict[str, int]:
    """Return the fold in which each image is tested."""
    return {row.image_id: one.fold for one in planned for row in one.divided.manifest if row.split == "test"}


def _with_folds(manifest: Manifest, planned: list[PlannedFold]) -> Manifest:
    repeats = sorted({one.repeat for one in planned})
    tested = [_tested_in([one for one in planned if one.repeat == repeat]) for repeat in repeats]
    rows = []
    for row in manifest:
        further: dict[str, str] = {
            f"fold_repeat_{repeat}": str(tested[repeat].get(row.image_id, "")) for repeat in repeats[1:]
        }
        facts: Mapping[str, str] = {**row.facts, **further}
        rows.append(row.with_(split="", fold=tested[0].get(row.image_id), facts=facts))
    return manifest.with_rows(rows)


def _audit(prepared: Prepared, planned: list[PlannedFold], notes: tuple[str, ...]) -> dict[str, Any]:
    """Return the audit of the whole: its findings, and the verdict that the gravest fold has."""
    whole = prepared.audit(prepared.manifest.with_rows(row.with_(split="") for row in prepared.manifest))
    gravest = min(planned, key=lambda one: _GRAVEST.index(one.divided.audit.verdict))
    verdict, sentence = gravest.divided.audit.verdict, gravest.divided.audit.sentence
    if verdict == "clean":
        sentence = "No patient and no copy of an image stands in two folds."
    elif verdict == "leaking":
        sentence = f"{gravest.title}: {sentence}"
    return {
        **whole.to_json(),
        "verdict": verdict,
        "sentence": sentence,
        "allow_leak": gravest.divided.reason,
        "notes": [*notes, *prepared.notes],
        "skipped": [
            {"image_id": item.image_id, "path": item.path, "reason": item.reason} for item in prepared.skipped
        ],
        "folds": [
            {"repeat": one.repeat, "fold": one.fold, "verdict": one.divided.audit.verdict,
             "sentence": one.divided.audit.sentence}
            for one in planned
        ],
    }  # fmt: skip
