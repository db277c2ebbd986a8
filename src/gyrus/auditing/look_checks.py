"""The checks on images that look alike without being identical; they read the column ``copy_group``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gyrus.auditing.collisions import across_splits, by_value, count_pairs, describe_counts, plural
from gyrus.auditing.findings import Finding, Pair
from gyrus.auditing.relations import RECOVERED, Related
from gyrus.data.manifest import SPLITS, Row


def looks_across_splits(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Re-encoded, resized, mirrored or turned copies on two sides, of images without an identical one."""
    identical = {
        pair.image_id for pair in across_splits(rows, lambda row: row.pixel_hash, lambda _: "identical")
    }
    alike = across_splits(
        rows, lambda row: row.copy_group, lambda _: "look-alike", apart=lambda row: row.pixel_hash
    )
    pairs = [pair for pair in alike if pair.image_id not in identical]
    if not pairs:
        return []
    counts = count_pairs(pairs, rows)
    message = (
        "Further images that look alike (re-encoded, resized, mirrored or turned) across splits: "
        f"{describe_counts(counts)}."
    )
    return [Finding("looks_across_splits", "leak", message, _compared(pairs, related), counts=counts)]


def look_alikes_with_different_labels(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Look-alikes of different classes: at least one label is wrong."""
    pairs = [
        replace(pair, why=f"labelled {row.label!r} and {other.label!r}")
        for row, other, pair in _pairs_apart(rows, lambda row: row.label)
        if row.pixel_hash != other.pixel_hash  # identical ones have a finding of their own
    ]
    if not pairs:
        return []
    message = f"{plural(len(pairs), 'pair')} of images that look alike have different classes."
    counts = {"pairs": len(pairs)}
    compared = _compared(pairs, related)
    return [Finding("look_alikes_with_different_labels", "warning", message, compared, counts=counts)]


def copies_with_different_patients(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Copies, identical or alike, of different patients: a number is wrong, or two people look alike."""
    same = _pairs_apart(rows, own_subject, lambda row: row.pixel_hash)
    named = {row.image_id for row, _, _ in same}
    alike = [found for found in _pairs_apart(rows, own_subject) if found[0].image_id not in named]
    pairs = [
        replace(pair, why=f"{what}, patients {row.subject_id!r} and {other.subject_id!r}")
        for what, found in (("identical pixels", same), ("look-alike", alike))
        for row, other, pair in found
    ]
    if not pairs:
        return []
    subjects = {row.subject_id for row, _, _ in (*same, *alike)}
    message = (
        f"{plural(len(pairs), 'image')} of {plural(len(subjects), 'patient')} "
        f"{'is a copy' if len(pairs) == 1 else 'are copies'} of another patient's image: "
        "a patient's number is wrong, or an image is in the wrong place."
    )
    counts = {"images": len(pairs), "identical": len(same), "alike": len(alike)}
    return [Finding("copies_with_different_patients", "warning", message, tuple(pairs), counts=counts)]


def look_alikes_within_split(rows: Sequence[Row], related: Related | None) -> list[Finding]:
    """Look-alikes on one side: no leak, but they weigh double."""
    pairs = []
    for split in (*SPLITS, ""):
        side = [row for row in rows if row.split == split]
        pairs += [pair for _, _, pair in _pairs_apart(side, lambda row: row.pixel_hash)]
    if not pairs:
        return []
    subject_of = {row.image_id: row.subject_id for row in rows}
    own = sum(
        bool(subject_of[pair.image_id]) and subject_of[pair.image_id] == subject_of[pair.other_id]
        for pair in pairs
    )
    groups = len({row.copy_group for row in rows if row.copy_group})
    message = (
        f"{plural(len(pairs), 'image')} within one side {'looks' if len(pairs) == 1 else 'look'} like "
        f"another without being identical ({plural(groups, 'group')} of look-alikes in all"
        + (f"; {own} of them are neighbouring slices or copies of one patient)." if own else ").")
    )
    counts = {"images": len(pairs), "groups": groups, "same_patient": own, "distinct": _distinct(rows)}
    compared = _compared(pairs, related)
    return [Finding("look_alikes_within_split", "info", message, compared, counts=counts)]


LOOK_CHECKS = (
    looks_across_splits,
    look_alikes_with_different_labels,
    copies_with_different_patients,
    look_alikes_within_split,
)


def own_subject(row: Row) -> str:
    """Return the patient that the data themselves name."""
    return "" if row.subject_source == RECOVERED else row.subject_id


def _pairs_apart(
    rows: Sequence[Row],
    apart: Callable[[Row], str],
    together: Callable[[Row], str] = lambda row: row.copy_group,
) -> list[tuple[Row, Row, Pair]]:
    """Return each row that has something in common with an earlier one but differs from it in ``apart``.

    The earlier one is the first of the set; rows without a value of ``apart`` are left out.
    """
    found = []
    for members in by_value(rows, together):
        first_with: dict[str, Row] = {}
        for row in members:
            if apart(row):
                first_with.setdefault(apart(row), row)
        first = next(iter(first_with.values()), None)
        found += [
            (row, first, Pair(row.image_id, row.split, first.image_id, first.split, ""))
            for row in members
            if first is not None and apart(row) and apart(row) != apart(first)
        ]
    return found


def _compared(pairs: Sequence[Pair], related: Related | None) -> tuple[Pair, ...]:
    """Add to each pair how alike the two are, where the looks are at hand."""
    if related is None:
        return tuple(pair if pair.why else replace(pair, why="look-alike") for pair in pairs)
    words = related.compare([(pair.image_id, pair.other_id) for pair in pairs])
    return tuple(
        replace(pair, why=word if pair.why in ("", "look-alike") else f"{word}; {pair.why}")
        for pair, word in zip(pairs, words, strict=True)
    )


def _distinct(rows: Sequence[Row]) -> int:
    """Return the number of distinct pictures."""
    return len({row.copy_group or row.pixel_hash for row in rows})
