"""The checks of an audit: each looks at the rows of a manifest and returns its findings."""

from __future__ import annotations

from collections.abc import Sequence

from gyrus.auditing.collisions import across_splits, by_value, count_pairs, describe_counts, plural
from gyrus.auditing.findings import Finding, Pair
from gyrus.data.manifest import SPLITS, Row
from gyrus.data.scans import ASSUMED


def subject_across_splits(rows: Sequence[Row]) -> list[Finding]:
    """Patients with images on two sides of the split."""
    own = across_splits(rows, lambda row: row.subject_id, _named_patient)
    named = {pair.image_id for pair in own}
    recovered = across_splits(
        rows, lambda row: row.recovered_subject, lambda row: f"patient {row.recovered_subject} (recovered)"
    )
    pairs = own + [pair for pair in recovered if pair.image_id not in named]
    if not pairs:
        return []
    row_of = {row.image_id: row for row in rows}
    subjects = sorted(
        {row_of[pair.image_id].subject_id for pair in own}
        | {row_of[pair.image_id].recovered_subject for pair in pairs if pair.image_id not in named}
    )
    counts = count_pairs(pairs, rows)
    message = (
        f"{plural(len(subjects), 'patient')} on both sides of a split: {describe_counts(counts)} "
        "are of a patient who is also in a split that is used before."
    )
    counts["subjects"] = subjects
    return [Finding("subject_across_splits", "leak", message, tuple(pairs), counts=counts)]


def _named_patient(row: Row) -> str:
    return f"patient {row.subject_id}" + (" (recovered)" if row.subject_source == "recovered" else "")


def bytes_across_splits(rows: Sequence[Row]) -> list[Finding]:
    """Files with the same bytes on two sides."""
    pairs = across_splits(rows, lambda row: row.sha256, lambda row: "identical bytes")
    if not pairs:
        return []
    counts = count_pairs(pairs, rows)
    message = f"Identical files across splits: {describe_counts(counts)}."
    return [Finding("bytes_across_splits", "leak", message, tuple(pairs), counts=counts)]


def pixels_across_splits(rows: Sequence[Row]) -> list[Finding]:
    """Images with the same pixels on two sides; those with the same bytes are among them."""
    pairs = across_splits(rows, lambda row: row.pixel_hash, lambda row: "identical pixels")
    if not pairs:
        return []
    counts = count_pairs(pairs, rows)
    message = f"Pixel-identical images across splits: {describe_counts(counts)}."
    return [Finding("pixels_across_splits", "leak", message, tuple(pairs), counts=counts)]


def synthetic_outside_train(rows: Sequence[Row]) -> list[Finding]:
    """Synthetic images among those that measure; no matter where all images are synthetic."""
    outside = [row for row in rows if row.synthetic and row.split not in ("", "train")]
    if not outside:
        return []
    counts = {split: number for split in SPLITS if (number := sum(row.split == split for row in outside))}
    listed = ", ".join(f"{split} {number}" for split, number in counts.items())
    ids = tuple(row.image_id for row in outside)
    if all(row.synthetic for row in rows):
        message = "All images are synthetic: figures measured on them say nothing about patients."
        return [Finding("synthetic_outside_train", "info", message, rows=ids, counts=counts)]
    message = f"Synthetic images outside train: {listed}. They are for training only."
    return [Finding("synthetic_outside_train", "leak", message, rows=ids, counts=counts)]


def copies_with_different_labels(rows: Sequence[Row]) -> list[Finding]:
    """Pixel-identical images of different classes: at least one label is wrong."""
    pairs = []
    for members in by_value(rows, lambda row: row.pixel_hash):
        first = members[0]
        pairs += [
            Pair(row.image_id, row.split, first.image_id, first.split,
                 f"identical pixels, labelled {row.label!r} and {first.label!r}")
            for row in members[1:]
            if row.label and first.label and row.label != first.label
        ]  # fmt: skip
    if not pairs:
        return []
    message = f"{plural(len(pairs), 'pair')} of pixel-identical images with different classes."
    counts = {"pairs": len(pairs)}
    return [Finding("copies_with_different_labels", "warning", message, tuple(pairs), counts=counts)]


def copies_within_split(rows: Sequence[Row]) -> list[Finding]:
    """Surplus copies on one side: no leak, but they weigh double."""
    pairs = []
    surplus: dict[str, int] = {}
    for split in (*SPLITS, ""):
        for members in by_value([row for row in rows if row.split == split], lambda row: row.pixel_hash):
            first = members[0]
            surplus[split or "no split"] = surplus.get(split or "no split", 0) + len(members) - 1
            pairs += [
                Pair(row.image_id, split, first.image_id, split,
                     "identical bytes" if row.sha256 == first.sha256 else "identical pixels")
                for row in members[1:]
            ]  # fmt: skip
    if not pairs:
        return []
    listed = ", ".join(f"{split} {number}" for split, number in surplus.items())
    message = f"{plural(len(pairs), 'surplus copy', 'surplus copies')} within one side: {listed}."
    counts = {"images": len(pairs), **surplus}
    return [Finding("copies_within_split", "info", message, tuple(pairs), counts=counts)]


def subjects_unknown(rows: Sequence[Row]) -> list[Finding]:
    """Images whose patient is not known, or for whom a file or an examination stands."""
    unknown = tuple(row.image_id for row in rows if not row.subject_id)
    assumed = tuple(row.image_id for row in rows if row.subject_id and row.subject_source in ASSUMED)
    if not unknown and not assumed:
        return []
    none_known = len(unknown) == len(rows)
    what = "No patient is known" if none_known else f"{len(unknown)} of {len(rows)} images have no patient"
    apart = f"{len(assumed)} of {len(rows)} images are told apart by file or examination, not by patient"
    told = "; ".join([*([what] if unknown else []), *([apart] if assumed else [])])
    message = f"{told}: whether a patient stands on both sides of a split cannot be told."
    counts = {"images": len(unknown) + len(assumed), "of": len(rows)}
    # every row is concerned when none has a patient: listing them would say nothing
    listed = () if counts["images"] == len(rows) else (*unknown, *assumed)
    return [Finding("subjects_unknown", "warning", message, rows=listed, counts=counts)]


CHECKS = (
    subject_across_splits,
    bytes_across_splits,
    pixels_across_splits,
    synthetic_outside_train,
    copies_with_different_labels,
    copies_within_split,
    subjects_unknown,
)
