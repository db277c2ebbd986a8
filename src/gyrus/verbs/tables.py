"""Small aligned tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from gyrus.data import Manifest

_SPLIT_ORDER = ("train", "val", "cal", "test", "")


def counts_table(manifest: Manifest) -> str:
    """Return images and patients by split and class."""
    counts, sizes = manifest.counts(), manifest.sizes()
    rows = [["split", *manifest.classes, "images", "patients"]]
    for split in _SPLIT_ORDER:
        if split not in counts:
            continue
        subjects = {row.subject_id for row in manifest if row.split == split and row.subject_id}
        of_split = counts[split]
        rows.append(
            [
                split or "(unused)",
                *(str(of_split[name]) for name in manifest.classes),
                str(sizes[split]),
                str(len(subjects)) if subjects else "?",
            ]
        )
    return align(rows)


def align(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text: first column left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
