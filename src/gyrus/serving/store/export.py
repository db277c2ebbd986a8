"""Reviewed cases as a manifest, to train from."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gyrus.data.manifest import CLASSIFY, MANIFEST_VERSION
from gyrus.data.scans import ONE_FILE
from gyrus.errors import NotFoundError
from gyrus.serving.frames import frame_in
from gyrus.serving.store.agreed_volumes import label_map_of
from gyrus.serving.store.records import MASK, Case
from gyrus.serving.store.verdicts import is_drawn

ORIGINAL = "original"
"""Name of the blob that holds an upload's bytes."""
COLUMNS = (
    "image_id",
    "path",
    "label",
    "mask",
    "frame",
    "subject_id",
    "subject_source",
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


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A row of the manifest, and which case and which of its files it is about.

    Attributes
    ----------
    case_id : str
    cells : mapping of str to str
        By :data:`COLUMNS`; paths start from the folder of blobs.
    mask : str
        Name of the blob that holds the mask; empty where there is none.
    """

    case_id: str
    cells: Mapping[str, str]
    mask: str = ""


def export_rows(case: Case, places: Mapping[str, str]) -> list[ExportRow]:
    """Return a case's rows; none where its last review leaves it without a class, or without a mask.

    Of what a model has drawn the masks are taken that a reviewer agrees with, and no label: what is marked
    tells it. Of a scan of several slices each that was answered has a row, which names its frame; together
    they stand for one patient, so that they stay together when the manifest is divided.

    Parameters
    ----------
    case : Case
    places : mapping
        Name of a blob -> its path, relative to the folder of blobs.
    """
    if case.review is None or case.true_label is None:
        return []
    if not is_drawn(case.evidence):
        return [_row(case, places, label=case.true_label)]
    asked = case.evidence["predictions"]
    frames = [frame_in(one["name"], case.name) for one in asked]
    drawn = {
        f"{MASK}{number}": frame
        for number, frame in enumerate(frames)
        # a refused one has no answer; earlier servers kept its mask all the same
        if f"{MASK}{number}" in places and asked[number]["segmentation"] is not None
    }
    return [
        _row(case, places, mask=name, frame=frame, one_of_several=len(frames) > 1)
        for name, frame in drawn.items()
    ]


def _row(
    case: Case,
    places: Mapping[str, str],
    *,
    label: str = "",
    mask: str = "",
    frame: str = "",
    one_of_several: bool = False,
) -> ExportRow:
    review = case.review
    assert review is not None  # of others there are no rows
    cells = {
        "image_id": f"{case.id}#{frame}" if frame else case.id,
        "path": places[ORIGINAL],
        "label": label,
        "mask": places[mask] if mask else "",
        "frame": frame,
        "subject_id": case.id if one_of_several else "",
        "subject_source": ONE_FILE if one_of_several else "",
        "sha256": "" if frame else case.image_sha256,  # that of a slice is another
        "notes": review.comment,
        "model_label": case.label or "",
        "model_digest": case.model_digest,
        "verdict": review.verdict,
        "reviewer": review.reviewer,
        "reviewed": review.created.isoformat(timespec="seconds"),
        "manifest_version": str(MANIFEST_VERSION),
        "task": str(case.evidence.get("model", {}).get("task") or CLASSIFY),
    }
    return ExportRow(case.id, {name: harmless(cell) for name, cell in cells.items()}, mask)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs: before what would begin a formula stands an apostrophe."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_BEGINNINGS) else cell


def csv_lines(rows: Iterable[ExportRow]) -> Iterator[str]:
    """Yield a manifest's lines, the header first; every cell stands in quotes."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line(row.cells[name] for name in COLUMNS)


def zip_parts(rows: Iterable[ExportRow], read: Callable[[str, str], bytes]) -> Iterator[bytes]:
    """Yield the parts of a zip archive with the images, their masks and their manifest, which is last.

    The masks of a NIfTI file are one label map; those of other images are PNGs.

    Parameters
    ----------
    rows : iterable of ExportRow
        As :func:`export_rows` makes them, those of a case together.
    read : callable
        Given a case's id and a blob's name, returns the blob's bytes, or raises :class:`NotFoundError`
        where the case was deleted meanwhile: it is left out.
    """
    written, there = _Written(), list[ExportRow]()
    with zipfile.ZipFile(written, "w") as archive:  # stored: images are compressed already
        for case_id, some in groupby(rows, key=lambda row: row.case_id):
            mine = list(some)
            try:
                image = read(case_id, ORIGINAL)
                masks = {row.mask: read(case_id, row.mask) for row in mine if row.mask}
            except NotFoundError:
                continue
            ending = mine[0].cells["path"].rpartition("/")[2].partition(".")[2]
            path = f"images/{case_id}.{ending}"
            files, mask_of = _mask_files(case_id, mine, image, masks)
            for name, data in (*files.items(), (path, image)):
                archive.writestr(name, data)
            there += [
                ExportRow(case_id, {**row.cells, "path": path, "mask": mask_of.get(row.mask, "")})
                for row in mine
            ]
            yield written.taken()
        archive.writestr("manifest.csv", "".join(csv_lines(there)))
    yield written.taken()


def _mask_files(
    case_id: str, rows: list[ExportRow], image: bytes, masks: Mapping[str, bytes]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the files of a case's masks by their names in the archive, and the file of each mask."""
    frames = {row.cells["frame"]: masks[row.mask] for row in rows if row.mask and row.cells["frame"]}
    label_map = label_map_of(image, frames) if frames else None
    if label_map is not None:
        place = f"masks/{case_id}.nii.gz"
        return {place: label_map}, dict.fromkeys(masks, place)
    tail = {name: f"-{name.removeprefix(MASK)}" if len(masks) > 1 else "" for name in masks}
    places = {name: f"masks/{case_id}{tail[name]}.png" for name in masks}
    return {places[name]: data for name, data in masks.items()}, places


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
