"""Groups of images that belong together for whatever reason: the largest, and those cut by the split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any

from gyrus.auditing.collisions import count_pairs, describe_counts
from gyrus.auditing.findings import Finding, Pair
from gyrus.data.groups import link_groups
from gyrus.data.manifest import SPLITS, Manifest, Row

_EXAMPLES = 12


def linked_across_splits(manifest: Manifest, named: Collection[str]) -> list[Finding]:
    """Images tied to another side only through a third image (of a patient on one side, a copy on the other).

    Parameters
    ----------
    manifest : Manifest
    named : collection of str
        Images that other findings name already.
    """
    pairs = []
    for members in _groups(manifest):
        used = sorted((row for row in members if row.split), key=lambda row: SPLITS.index(row.split))
        if not used or used[0].split == used[-1].split or any(row.image_id in named for row in used):
            continue
        first = used[0]
        pairs += [
            Pair(
                row.image_id,
                row.split,
                first.image_id,
                first.split,
                "joined by a chain of copies and patients",
            )
            for row in used
            if row.split != first.split
        ]
    if not pairs:
        return []
    counts = count_pairs(pairs, manifest.rows)
    message = f"Images tied to another side by a chain of copies and patients: {describe_counts(counts)}."
    return [Finding("linked_across_splits", "leak", message, tuple(pairs), counts=counts)]


def largest_groups(manifest: Manifest, most: int = 5) -> tuple[dict[str, Any], ...]:
    """Return the largest groups that must stay on one side, the largest first.

    Returns
    -------
    tuple of dict
        ``images`` (number), ``subjects`` (up to 12), ``look_alikes`` (number of images with a copy group),
        ``splits`` (images by split) and ``examples`` (up to 12 image ids).
    """
    groups = [members for members in _groups(manifest) if len(members) > 1]
    groups.sort(key=lambda members: (-len(members), members[0].image_id))
    return tuple(
        {
            "images": len(members),
            "subjects": sorted({row.subject_id for row in members} - {""})[:_EXAMPLES],
            "look_alikes": sum(bool(row.copy_group) for row in members),
            "splits": dict(sorted(Counter(row.split or "no split" for row in members).items())),
            "examples": [row.image_id for row in members[:_EXAMPLES]],
        }
        for members in groups[:most]
    )


def describe_largest(groups: tuple[dict[str, Any], ...], images: int) -> str:
    """Return one line on the largest group; empty when every image stands alone."""
    if not groups:
        return ""
    largest = groups[0]
    subjects = largest["subjects"]
    whose = (
        f"of patient {', '.join(subjects[:3])}{' …' if len(subjects) > 3 else ''}" if subjects else "(copies)"
    )
    return f"largest group that must stay on one side: {largest['images']} of {images} images {whose}"


def _groups(manifest: Manifest) -> list[list[Row]]:
    members: dict[int, list[Row]] = defaultdict(list)
    for row, group in zip(manifest.rows, link_groups(manifest).tolist(), strict=True):
        members[group].append(row)
    return list(members.values())
