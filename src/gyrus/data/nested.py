"""Nested cross-validation: for every outer fold its own validation and calibration images, whole groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gyrus.config.options import SplitOptions
from gyrus.data.manifest import Manifest
from gyrus.data.splits import SplitResult, make_folds, make_split
from gyrus.errors import UsageError

FOLD_COLUMN = "split_fold_{}"
"""Fact column that holds the split of an outer fold."""


@dataclass(frozen=True, slots=True)
class NestedFolds:
    """A manifest with all its outer folds.

    Attributes
    ----------
    manifest : Manifest
        ``fold`` says in which fold an image is tested; the fact columns ``split_fold_0`` … say where it
        stands in each; ``split`` is that of the chosen fold (``options.fold``, else 0).
    folds : tuple of SplitResult
        Each fold as a split of its own.
    notes : tuple of str
        What was done, and the shares of each fold.
    """

    manifest: Manifest
    folds: tuple[SplitResult, ...]
    notes: tuple[str, ...]


def make_nested_folds(manifest: Manifest, options: SplitOptions) -> NestedFolds:
    """Make every fold the test set once; carve ``val`` and ``cal`` out of the rest by groups, each time.

    Folds that the manifest brings are used, unless ``options.split`` is ``new``.

    Raises
    ------
    DataError, UsageError
        As :func:`gyrus.data.make_split` does.
    """
    existing = sorted({row.fold for row in manifest.rows if row.fold is not None})
    made = options.split == "new" or not existing
    if made:
        cleared = manifest.with_rows(row.with_(fold=None, split="") for row in manifest.rows)
        manifest = make_folds(cleared, options.folds, options.seed)
        existing = list(range(options.folds))
    chosen = existing[0] if options.fold is None else options.fold
    if chosen not in existing:
        raise UsageError(
            f"fold {chosen} is not in the manifest, whose folds are {', '.join(map(str, existing))}",
            fix="choose one of them, or make new folds: --split new",
        )
    # the folds are there now: "auto" keeps them, and a fold sets any given split aside
    each = replace(options, split="auto", folds=max(options.folds, existing[-1] + 1))
    results = tuple(make_split(manifest, replace(each, fold=number)) for number in existing)
    columns = [
        {FOLD_COLUMN.format(number): row.split for number, row in zip(existing, rows, strict=True)}
        for rows in zip(*(result.manifest.rows for result in results), strict=True)
    ]
    main = results[existing.index(chosen)].manifest
    rows = [row.with_(facts={**row.facts, **facts}) for row, facts in zip(main.rows, columns, strict=True)]
    origin = f"made with seed {options.seed}" if made else "given by the manifest"
    notes = [f"{len(existing)} outer folds ({origin}); the column split is that of fold {chosen}."]
    for number, result in zip(existing, results, strict=True):
        notes += [f"fold {number}: {note}" for note in result.notes if "%" in note]
    return NestedFolds(manifest.with_rows(rows), results, tuple(notes))
