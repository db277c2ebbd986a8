"""Folders in the form of BraTS: ``CASE_t1ce.nii.gz``, ``CASE_flair.nii.gz`` …, mask ``CASE_seg.nii.gz``.

Slices of one sequence become rows; gyrus reads them where they lie. The names of 2023 on (``CASE-t1c``) are
known, too (Baid et al. 2021; Adewole et al. 2023).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from gyrus.config.importing import ImportOptions
from gyrus.data.files import natural_key
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place, one_by_one
from gyrus.data.manifest import Row
from gyrus.errors import DataError, UsageError
from gyrus.imaging import decode
from gyrus.imaging.file_facts import FileFacts, choose_frames
from gyrus.imaging.frames import frames_of
from gyrus.imaging.source import Source

TUMOR, NONE = "tumor", "no_tumor"
GRADES = ("HGG", "LGG")
_VOLUME = re.compile(r"(?P<case>.+)[_-](?P<ending>[A-Za-z0-9]+)\.nii(?:\.gz)?", re.IGNORECASE)
_SAME = ({"t1ce", "t1c", "t1gd"}, {"t1", "t1n"}, {"t2", "t2w"}, {"flair", "t2f"})
_MASKS = ("seg", "mask")
_CALLED = {"t1ce": "T1 contrast", "t1": "T1", "t2": "T2", "flair": "FLAIR"}


def _endings(name: str) -> set[str]:
    lowered = name.lower()
    return next((same for same in _SAME if lowered in same), {lowered})


def _cases(place: Place) -> dict[str, dict[str, str]]:
    """Return the volumes of each case by their ending in lower case."""
    cases: dict[str, dict[str, str]] = {}
    for name in sorted(place.names, key=natural_key):
        match = _VOLUME.fullmatch(name)
        if match:
            cases.setdefault(match["case"], {}).setdefault(match["ending"].lower(), name)
    return cases


def _recognises(place: Place) -> bool:
    known = set().union(*_SAME)
    return any(len(known & volumes.keys()) >= 2 for volumes in _cases(place).values())


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    wanted = _endings(options.sequence)
    chosen: dict[str, tuple[str, str]] = {}
    for case, volumes in _cases(place).items():
        volume = next((volumes[ending] for ending in sorted(wanted) if ending in volumes), "")
        mask = next((volumes[ending] for ending in _MASKS if ending in volumes), "")
        if volume:
            chosen[case] = (volume, mask)
    if not chosen:
        found = sorted({ending for volumes in _cases(place).values() for ending in volumes})
        raise UsageError(
            f"{place.source}: no volume of the sequence {options.sequence!r}; it has "
            f"{', '.join(found) or 'none'}",
            fix="--sequence ENDING",
        )
    grades = _grades(chosen)
    rows = [
        row
        for case in one_by_one(list(chosen))
        for row in _slices(place, case, *chosen[case], grades.get(case, ""), options)
    ]
    return Imported(tuple(rows), tuple(_notes(rows, len(chosen), grades, options)))


def _grades(cases: Mapping[str, object]) -> dict[str, str]:
    """Return the grade of each case where folders HGG and LGG tell it; empty where one of them is missing."""
    found = {
        case: grade
        for case in cases
        for grade in GRADES
        if grade in {part.upper() for part in PurePosixPath(case).parts[:-1]}
    }
    return found if set(found.values()) == set(GRADES) else {}


def _slices(place: Place, case: str, volume: str, mask: str, grade: str, options: ImportOptions) -> list[Row]:
    facts = frames_of(place.folder / volume, plane=options.plane)
    if mask:
        _check_same(facts, frames_of(place.folder / mask, plane=options.plane), volume, mask, place)
    rows = []
    for frame in choose_frames(facts.frames, options.slices):
        label = grade or (_label_of(Source(place.folder / mask, frame)) if mask else "")
        rows.append(
            Row(
                image_id=f"{volume}#{frame}",
                path=volume,
                label=label,
                subject_id=PurePosixPath(case).name,
                subject_source="folder",
                frame=frame,
                plane=options.plane,
                mask=mask,
                facts={
                    **facts.facts,
                    "modality": "MR",
                    "sequence": next((_CALLED[s] for s in _endings(options.sequence) if s in _CALLED), ""),
                },
            )
        )
    return rows


def _check_same(volume_facts: FileFacts, mask_facts: FileFacts, volume: str, mask: str, place: Place) -> None:
    sizes = [(facts.width_px, facts.height_px, len(facts.frames)) for facts in (volume_facts, mask_facts)]
    if sizes[0] != sizes[1]:
        shapes = [" x ".join(map(str, size)) for size in sizes]
        raise DataError(
            f"the mask is {shapes[1]}, its volume {volume} {shapes[0]}",
            path=place.folder / mask,
            fix="copy both files again, or leave the case out",
        )


def _label_of(mask: Source) -> str:
    pixels = decode(mask.read(), name=str(mask)).pixels
    return TUMOR if pixels.any() else NONE


def _notes(rows: Sequence[Row], cases: int, grades: Mapping[str, str], options: ImportOptions) -> list[str]:
    patients = len({row.subject_id for row in rows})
    notes = [
        f"{len(rows)} {options.plane} slices of {cases} volumes ({options.sequence}) of {patients} cases; "
        "gyrus reads them where they lie. A case is taken for a patient.",
    ]
    if grades:
        notes.append(f"The class is the grade, by the folders {' and '.join(GRADES)}.")
    elif any(row.label for row in rows):
        marked = sum(row.label == TUMOR for row in rows)
        notes.append(
            f"The class comes from the mask: {TUMOR} where it marks anything ({marked} slices), else {NONE}."
        )
    else:
        notes.append("No masks and no grades: the rows have no class.")
    return notes


BRATS = Importer("brats", "NIfTI volumes in BraTS's form", _recognises, _read)
