"""Mending a given split: every group of patient and copies goes to one side."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.data.manifest import SPLITS, Row


@dataclass(frozen=True, slots=True)
class Moved:
    """An image that changed its side; ``to_split`` is empty where it is no longer used."""

    image_id: str
    from_split: str
    to_split: str


def repair_split(rows: tuple[Row, ...], groups: npt.NDArray[np.int64]) -> list[str]:
    """Return the split of each image, with no group on two sides.

    A group goes to the side where most of its images are (so the fewest are moved), the more protected one
    (test, then cal, val, train) of equals. Synthetic images decide nothing; one whose group does not end in
    train is no longer used, unless all images are synthetic. Images without a split keep none.
    """
    only_synthetic = all(row.synthetic for row in rows)
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups.tolist()):
        if rows[index].split:
            members[group].append(index)
    splits = [row.split for row in rows]
    for indices in members.values():
        deciding = [rows[index].split for index in indices if only_synthetic or not rows[index].synthetic]
        side = _side(deciding)
        for index in indices:
            splits[index] = side
    return without_synthetic(rows, splits)


def without_synthetic(rows: tuple[Row, ...], splits: list[str]) -> list[str]:
    """Return ``splits`` with synthetic images taken out of all but train (unless there are no others)."""
    if all(row.synthetic for row in rows):
        return splits
    return [
        "" if row.synthetic and split != "train" else split for row, split in zip(rows, splits, strict=True)
    ]


def moves(rows: tuple[Row, ...], splits: list[str]) -> tuple[Moved, ...]:
    """Return which images stand elsewhere in ``splits`` than in ``rows``."""
    return tuple(
        Moved(row.image_id, row.split, split)
        for row, split in zip(rows, splits, strict=True)
        if row.split != split
    )


def _side(splits: list[str]) -> str:
    if not splits:  # synthetic images alone
        return "train"
    counts = Counter(splits)
    return max(counts, key=lambda split: (counts[split], SPLITS.index(split)))
