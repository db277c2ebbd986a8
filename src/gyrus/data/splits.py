"""Train, validation, calibration and test: grouped, stratified, reproducible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.config.options import SplitOptions
from gyrus.data.assign import assign_groups
from gyrus.data.groups import counts_by_group, group_keys, link_groups
from gyrus.data.manifest import SPLITS, Manifest, Row
from gyrus.data.repair import Moved, moves, repair_split, without_synthetic
from gyrus.data.split_checks import (
    check_classes_present,
    check_enough_groups,
    check_labels,
    describe_split,
)
from gyrus.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class SplitResult:
    """A manifest with a split.

    Attributes
    ----------
    manifest : Manifest
        Every used image has a split.
    moved : tuple of Moved
        Images that a repair put elsewhere.
    notes : tuple of str
        What was done, and the share of each split and class.
    """

    manifest: Manifest
    moved: tuple[Moved, ...]
    notes: tuple[str, ...]


def make_split(manifest: Manifest, options: SplitOptions | None = None) -> SplitResult:
    """Divide a data set as the options say; patients and copies stay together.

    ``auto`` keeps a split that the data bring, even one that leaks (the gate refuses it, not this
    function), and takes what is missing out of train. ``repair`` first mends it. ``new`` ignores it. With
    ``fold`` that fold is the test set; folds that the manifest brings are used, else they are made.

    Raises
    ------
    UsageError
        When the fractions or the fold make no sense.
    DataError
        When images have no class, there is one class only, a class has too few groups, or a class is
        absent from a split.
    """
    options = options or SplitOptions()
    check_labels(manifest)
    groups = link_groups(manifest)
    rows, notes = _starting_point(manifest, groups, options)
    unscanned = sum(not (row.sha256 and row.pixel_hash) for row in manifest.rows)
    if unscanned:
        notes.append(f"{unscanned} images were not scanned: identical copies among them are not known.")
    given = any(row.split for row in rows)
    moved: tuple[Moved, ...] = ()
    if given and options.split == "repair":
        mended = repair_split(rows, groups)
        moved = moves(rows, mended)
        rows = _with_splits(rows, mended)
        notes.append(_repair_note(moved))
    rows, carve_notes = _fill_missing(manifest.with_rows(rows), groups, options)
    result = manifest.with_rows(rows)
    check_classes_present(result, repaired=bool(moved))
    return SplitResult(result, moved, (*notes, *carve_notes, *describe_split(result)))


def make_folds(manifest: Manifest, folds: int, seed: int = 0) -> Manifest:
    """Return the manifest with a fold for every image: grouped, stratified, of equal shares.

    Synthetic images get no fold (they are never tested) unless all are synthetic.
    """
    groups = link_groups(manifest)
    tested = _decisive(manifest.rows)
    check_enough_groups(manifest, groups, tested, f"{folds} folds", folds)
    part_of = _deal(manifest, groups, tested, [1.0] * folds, seed)
    return manifest.with_rows(
        row.with_(fold=part_of[group] if use else None)
        for row, group, use in zip(manifest.rows, groups.tolist(), tested.tolist(), strict=True)
    )


def _starting_point(
    manifest: Manifest, groups: npt.NDArray[np.int64], options: SplitOptions
) -> tuple[tuple[Row, ...], list[str]]:
    """Return the rows with the split that is to be kept, and what to say about it."""
    given = any(row.split for row in manifest.rows)
    if options.fold is not None:
        return _from_fold(manifest, groups, options, given)
    if options.split == "new" or not given:
        cleared = tuple(row.with_(split="", fold=None) for row in manifest.rows)
        what = "The given split is set aside; a new one" if given else "A new split"
        count = len(set(groups.tolist()))
        notes = [f"{what} was made (seed {options.seed}) from {count} groups of {_what_groups(manifest)}."]
        if any(row.fold is not None for row in manifest.rows):
            notes.append("The folds of the manifest are not used: --fold chooses one.")
        return (cleared if options.split == "new" else manifest.rows), notes
    unused = sum(not row.split for row in manifest.rows)
    notes = ["The given split is kept." if options.split == "auto" else "The given split is repaired."]
    if unused:
        notes.append(f"{unused} images have no split and are not used.")
    return manifest.rows, notes


def _what_groups(manifest: Manifest) -> str:
    if any(row.subject_id for row in manifest.rows):
        return "images of one patient, copies and look-alikes"
    return "copies and look-alikes (patients are not known)"


def _from_fold(
    manifest: Manifest, groups: npt.NDArray[np.int64], options: SplitOptions, given: bool
) -> tuple[tuple[Row, ...], list[str]]:
    existing = sorted({row.fold for row in manifest.rows if row.fold is not None})
    made = options.split == "new" or not existing
    if made:
        manifest = make_folds(manifest, options.folds, options.seed)
    elif options.fold not in existing:
        raise UsageError(
            f"fold {options.fold} is not in the manifest, whose folds are {', '.join(map(str, existing))}",
            fix="choose one of them, or make new folds: --split new",
        )
    origin = f"one of {options.folds} made with seed {options.seed}" if made else "given by the manifest"
    notes = [f"Fold {options.fold} ({origin}) is the test set."]
    if given:
        notes.append("The given split is set aside, because a fold was asked for.")
    splits = ["test" if row.fold == options.fold else "train" for row in manifest.rows]
    tested = {group for group, split in zip(groups.tolist(), splits, strict=True) if split == "test"}
    real = _decisive(manifest.rows)
    # a synthetic image has no fold; where its patient is tested it must not be trained on
    splits = [
        "" if group in tested and not is_real else split
        for group, is_real, split in zip(groups.tolist(), real.tolist(), splits, strict=True)
    ]
    return _with_splits(manifest.rows, splits), notes


def _fill_missing(
    manifest: Manifest, groups: npt.NDArray[np.int64], options: SplitOptions
) -> tuple[tuple[Row, ...], list[str]]:
    """Take the splits that are absent out of train (or out of everything, where there is none)."""
    rows = manifest.rows
    present = {row.split for row in rows} - {""}
    if present and "train" not in present:
        raise DataError(
            f"the given split has {', '.join(sorted(present))}, but no train",
            fix="make a new one: --split new",
        )
    shares = {"val": options.val_fraction, "cal": options.cal_fraction, "test": options.test_fraction}
    wanted = {split: share for split, share in shares.items() if share > 0 and split not in present}
    pool = np.array([row.split == "train" if present else True for row in rows])
    if not wanted:
        return _with_splits(rows, _without_new_synthetic(rows, pool, [row.split for row in rows])), []
    used = sum(bool(row.split) for row in rows) if present else len(rows)
    fractions = _fractions_of_pool(wanted, int(pool.sum()), used)
    counted = pool & _decisive(rows)
    names = ["train", *wanted]
    check_enough_groups(manifest, groups, counted, ", ".join(names), len(names))
    part_of = _deal(manifest, groups, counted, fractions, options.seed)
    splits = [
        names[part_of[group]] if inside else row.split
        for row, group, inside in zip(rows, groups.tolist(), pool.tolist(), strict=True)
    ]
    notes = [f"{', '.join(wanted)} taken out of train, whole groups."] if present else []
    return _with_splits(rows, _without_new_synthetic(rows, pool, splits)), notes


def _without_new_synthetic(rows: Sequence[Row], pool: npt.NDArray[np.bool_], splits: list[str]) -> list[str]:
    """Take synthetic images out of the splits just made; given ones stay as they were given."""
    cleaned = without_synthetic(tuple(rows), splits)
    return [
        clean if inside else split
        for clean, split, inside in zip(cleaned, splits, pool.tolist(), strict=True)
    ]


def _fractions_of_pool(wanted: dict[str, float], pool: int, used: int) -> list[float]:
    """Fractions are shares of all images; return them as shares of the pool, train first."""
    parts = [share * used / pool for share in wanted.values()]
    if sum(parts) >= 1:
        listed = ", ".join(f"{split} {share:g}" for split, share in wanted.items())
        raise UsageError(
            f"{listed} of {used} images leave nothing of the {pool} in train", fix="ask for smaller fractions"
        )
    return [1 - sum(parts), *parts]


def _decisive(rows: Sequence[Row]) -> npt.NDArray[np.bool_]:
    """(n,) images that count in shares: the real ones, or all where all are synthetic."""
    real = np.array([not row.synthetic for row in rows])
    return real if real.any() else np.ones(len(rows), dtype=bool)


def _deal(
    manifest: Manifest,
    groups: npt.NDArray[np.int64],
    counted: npt.NDArray[np.bool_],
    fractions: Sequence[float],
    seed: int,
) -> list[int]:
    """Return the part of each group; groups without a counted image go to part 0 (train)."""
    counts = counts_by_group(manifest, groups, counted)
    return [int(part) for part in assign_groups(counts, fractions, group_keys(manifest, groups, seed))]


def _with_splits(rows: Sequence[Row], splits: Sequence[str]) -> tuple[Row, ...]:
    return tuple(
        row if row.split == split else row.with_(split=split) for row, split in zip(rows, splits, strict=True)
    )


def _repair_note(moved: tuple[Moved, ...]) -> str:
    if not moved:
        return "Nothing had to be repaired."
    ways = {(move.from_split, move.to_split) for move in moved}
    listed = ", ".join(
        f"{sum((m.from_split, m.to_split) == way for m in moved)} {way[0]} to {way[1] or 'not used'}"
        for way in sorted(ways, key=lambda way: (SPLITS.index(way[0]), way[1]))
    )
    return f"The repair moved {len(moved)} images: {listed}."
