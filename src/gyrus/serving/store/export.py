"""Reviewed cases as a manifest, to train from."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gyrus.data.manifest import CLASSIFY, MANIFEST_VERSION
from gyrus.errors import NotFoundError
from gyrus.serving.store.records import MASK, Case
from gyrus.serving.store.verdicts import is_drawn

ORIGINAL = "original"
"""Name of the blob that holds an upload's bytes."""
FIRST_MASK = f"{MASK}0"
"""Name of the blob that holds the mask of an upload's first image."""
COLUMNS = (
    "image_id",
    "path",
    "label",
    "mask",
    "subject_id",
    "sha256",
    "notes",
    "model_label",
    "model_digest",
    "verdict",
    "reviewer",
    "reviewed",
    "manifest_version",
    "task",
)
# OWASP, "CSV Injection": what a spreadsheet takes for the beginning of a formula
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_row(case: Case, places: Mapping[str, str]) -> dict[str, str] | None:
    """Return a case's row; None where its last review leaves it without a class, or without a mask.

    Of what a model has drawn the masks are taken that a reviewer agrees with, and no label: what is marked
    tells it. A scan of several slices has several masks, and a manifest one a row: it is left out.

    Parameters
    ----------
    case : Case
    places : mapping
        Name of a blob -> its path, relative to the folder of blobs.
    """
    review, label = case.review, case.true_label
    if review is None or label is None:
        return None
    drawn = is_drawn(case.evidence)
    if drawn and (case.frames > 1 or FIRST_MASK not in places):
        return None
    cells = {
        "image_id": case.id,
        "path": places[ORIGINAL],
        "label": "" if drawn else label,
        "mask": places[FIRST_MASK] if drawn else "",
        "subject_id": "",
        "sha256": case.image_sha256,
        "notes": review.comment,
        "model_label": case.label or "",
        "model_digest": case.model_digest,
        "verdict": review.verdict,
        "reviewer": review.reviewer,
        "reviewed": review.created.isoformat(timespec="seconds"),
        "manifest_version": str(MANIFEST_VERSION),
        "task": str(case.evidence.get("model", {}).get("task") or CLASSIFY),
    }
    return {name: harmless(cell) for name, cell in cells.items()}


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs: before what would begin a formula stands an apostrophe."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_BEGINNINGS) else cell


def csv_lines(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Yield a manifest's lines, the header first; every cell stands in quotes."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line(row[name] for name in COLUMNS)


def zip_parts(rows: Iterable[dict[str, str]], read: Callable[[str, str], bytes]) -> Iterator[bytes]:
    """Yield the parts of a zip archive with the images, their masks and their manifest, which is last.

    Parameters
    ----------
    rows : iterable of dict
        As :func:`export_row` makes them.
    read : callable
        Given an ``image_id`` and a blob's name, returns the blob's bytes, or raises :class:`NotFoundError`
        where the case was deleted meanwhile: it is left out.
    """
    written, there = _Written(), []
    with zipfile.ZipFile(written, "w") as archive:  # stored: images are compressed already
        for row in rows:
            ending = row["path"].rpartition("/")[2].partition(".")[2]
            path, mask = f"images/{row['image_id']}.{ending}", ""
            try:
                image = read(row["image_id"], ORIGINAL)
                if row["mask"]:
                    mask = f"masks/{row['image_id']}.png"
                    archive.writestr(mask, read(row["image_id"], FIRST_MASK))
            except NotFoundError:
                continue
            archive.writestr(path, image)
            there.append({**row, "path": path, "mask": mask})
            yield written.taken()
        archive.writestr("manifest.csv", "".join(csv_lines(there)))
    yield written.taken()


class _Written(io.RawIOBase):
    """A stream that is only written to, and from which the bytes are taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return buffer.getvalue()
