"""Images that share something across splits: counted by image of the protected side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from gyrus.auditing.findings import Pair
from gyrus.data.manifest import SPLITS, Row


def by_value(rows: Sequence[Row], value: Callable[[Row], str]) -> list[list[Row]]:
    """Return the sets of at least two rows that have the same value; empty values are left out."""
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if value(row):
            sets[value(row)].append(row)
    return [members for members in sets.values() if len(members) > 1]


def across_splits(
    rows: Sequence[Row],
    value: Callable[[Row], str],
    why: Callable[[Row], str],
    apart: Callable[[Row], str] | None = None,
) -> list[Pair]:
    """Return a pair for each image that has a counterpart in a less protected split.

    The order of protection is test, cal, val, train. The counterpart named is the first in the least
    protected split, so that a copy in train is named before one in val.

    Parameters
    ----------
    rows : sequence of Row
    value : callable
        What the two have in common; rows without it (``""``) collide with nothing.
    why : callable
        The reason to name, from the more protected of the two.
    apart : callable, optional
        What must differ between the two for the pair to count.
    """
    pairs = []
    for members in by_value([row for row in rows if row.split], value):
        ordered = sorted(members, key=lambda row: SPLITS.index(row.split))
        for row in members if ordered[0].split != ordered[-1].split else ():
            other = _counterpart(row, ordered, apart)
            if other is not None:
                pairs.append(Pair(row.image_id, row.split, other.image_id, other.split, why(row)))
    position = {row.image_id: number for number, row in enumerate(rows)}
    return sorted(pairs, key=lambda pair: (-SPLITS.index(pair.split), position[pair.image_id]))


def _counterpart(row: Row, ordered: Sequence[Row], apart: Callable[[Row], str] | None) -> Row | None:
    for other in ordered:
        if SPLITS.index(other.split) >= SPLITS.index(row.split):
            return None
        if apart is None or apart(other) != apart(row):
            return other
    return None


def count_pairs(pairs: Sequence[Pair], rows: Sequence[Row]) -> dict[str, Any]:
    """Return per protected split how many of its images collide, in all and by class.

    Returns
    -------
    dict
        ``{split: {"images": n, "of": total, "by_class": {name: {"images": n, "of": total}}}}``
    """
    label_of = {row.image_id: row.label for row in rows}
    counts: dict[str, Any] = {}
    for split in reversed(SPLITS):
        hit = Counter(label_of[pair.image_id] for pair in pairs if pair.split == split)
        total = Counter(row.label for row in rows if row.split == split)
        if hit:
            counts[split] = {
                "images": sum(hit.values()),
                "of": sum(total.values()),
                "by_class": {name: {"images": hit[name], "of": total[name]} for name in sorted(total)},
            }
    return counts


def describe_counts(counts: dict[str, Any]) -> str:
    """Return ``251 of 394 test images (glioma 18 of 100, …)``, split by split."""
    parts = []
    for split, count in counts.items():
        classes = ", ".join(
            f"{name} {number['images']} of {number['of']}" for name, number in count["by_class"].items()
        )
        parts.append(f"{count['images']} of {count['of']} {split} images ({classes})")
    return "; ".join(parts)


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 pair`` or ``3 pairs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
