"""What must hold before and after a data set is divided, and how a split is described."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from gyrus.data.manifest import SEGMENT, SPLITS, Manifest
from gyrus.errors import DataError

_LEFT_BY_REPAIR = (
    "a split must hold every class; the repair took away all images of one, because each is a copy, or of the"
    " patient, of an image on another side"
)


def check_labels(manifest: Manifest) -> None:
    """Raise DataError when there are no images, images without a class, or one class only."""
    if not manifest.rows:
        raise DataError("there are no images", path=manifest.root)
    if manifest.task == SEGMENT:
        return  # what is marked counts; a class of the image is no more than a help in dividing
    without = [row.image_id for row in manifest.rows if not row.label]
    if without:
        raise DataError(
            f"{len(without)} of {len(manifest)} images have no class",
            path=manifest.root,
            details=without,
            fix="fill in the column label, or take these rows out"
            + ("; a single | says that an image shows none of the classes" if manifest.several else ""),
        )
    if len(manifest.classes) < 2:
        only = (
            f"there is one class only, {manifest.classes[0]!r}" if manifest.classes else "there is no class"
        )
        raise DataError(only, path=manifest.root, fix="two are needed")


def check_enough_groups(
    manifest: Manifest, groups: npt.NDArray[np.int64], counted: npt.NDArray[np.bool_], parts: str, needed: int
) -> None:
    """Raise DataError when a class has fewer groups than are ``needed``, one for each of the ``parts``."""
    of_class: dict[str, set[int]] = defaultdict(set)
    for row, group, use in zip(manifest.rows, groups.tolist(), counted.tolist(), strict=True):
        if use:
            for name in manifest.names_of(row):
                of_class[name].add(group)
    few = [name for name in manifest.classes if len(of_class[name]) < needed]
    if manifest.task == SEGMENT:
        count = len(set(groups[counted].tolist()))
        if count < needed:
            raise DataError(
                f"there are {count} groups (patients, or sets of identical images) for {parts}; {needed} are "
                "needed",
                path=manifest.root,
                fix="ask for fewer splits (a fraction of 0) or folds, or add patients",
            )
        return
    if few:
        leave = f'; or leave rare ones out: --join-classes "|={",".join(few)}"' if manifest.several else ""
        raise DataError(
            f"too few groups (patients, or sets of identical images) for {parts}",
            path=manifest.root,
            details=[f"class {name!r} has {len(of_class[name])}; {needed} are needed" for name in few],
            fix="ask for fewer splits (a fraction of 0) or folds, or add patients" + leave,
        )


def check_classes_present(manifest: Manifest, *, repaired: bool = False) -> None:
    """Raise DataError when a class is absent from a split, naming all such.

    Parameters
    ----------
    manifest : Manifest
        With its split.
    repaired : bool
        Say that the repair took it away: all its images there are copies, or of patients, of another side.
    """
    if manifest.task == SEGMENT:
        return
    groups_of: dict[str, set[str]] = defaultdict(set)
    for row in manifest.rows:
        for name in manifest.names_of(row):
            groups_of[name].add(row.subject_id or row.image_id)
    absent = [
        f"class {name!r} is absent from {split} (it has {len(groups_of[name])} patients or images in all)"
        for split, of_class in manifest.counts().items()
        if split
        for name, count in of_class.items()
        if not count
    ]
    if absent:
        raise DataError(
            _LEFT_BY_REPAIR if repaired else "a split must hold every class",
            path=manifest.root,
            details=absent,
            fix="make a new split (--split new), add images, or leave that class out",
        )


def describe_split(manifest: Manifest) -> list[str]:
    """Return a sentence per split with its images, patients and share of each class."""
    used = sum(bool(row.split) for row in manifest.rows)
    totals = dict.fromkeys(manifest.classes, 0)
    for split, of_class in manifest.counts().items():
        if split:
            for name, count in of_class.items():
                totals[name] += count
    notes = []
    for split in SPLITS:
        part = manifest.select(split)
        if not part.rows:
            continue
        subjects = {row.subject_id for row in part.rows} - {""}
        patients = f", {len(subjects)} patient{'s' if len(subjects) > 1 else ''}" if subjects else ""
        of_class = part.counts()[split]
        shares = ", ".join(
            f"{name} {of_class.get(name, 0)} ({100 * of_class.get(name, 0) / totals[name]:.1f} %)"
            for name in manifest.classes
        )
        told = f"{split}: {len(part)} images ({100 * len(part) / used:.1f} %){patients}"
        notes.append(f"{told}: {shares}." if shares else f"{told}.")
    return notes
