"""Patients by the file names of a known public set, recognised without being asked, and said to be.

The chest X-rays of Kermany et al. (2018) are called ``person123_bacteria_456``, ``person123_virus_456``,
``IM-0123-0001``, ``IM-0123-0001-0002`` and ``NORMAL2-IM-0123-0001``; the first number is the patient's.

- ``person123`` is one patient, whatever follows: that is what the name says.
- ``IM-0123`` and ``NORMAL2-IM-0123`` are two: the names are of two series, each counted by itself; X-rays
  of the same number in both are no more alike than those of strangers.
- Names that begin with ``IM-`` alone are recognised only beside names of the first kind: programs that export
  series call their files so too, and count series, not patients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gyrus.data.files import shown
from gyrus.data.manifest import Row

SOURCE = "name"
"""``subject_source`` of a patient that was recognised."""
PATTERN = r"(person\d+)_(?:bacteria|virus)_\d+|((?:NORMAL2-)?IM-\d+)-\d+(?:-\d+)?"
_NAME = re.compile(PATTERN)
_SHOWN = 5


def subjects_from_names(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Give each image whose name is of a known set its patient; rows come back as they are where none is.

    Returns
    -------
    rows : list of Row
    notes : list of str
        How many were recognised, and by which pattern.
    """
    matches = [_NAME.fullmatch(_stem(row)) for row in rows]
    persons = sum(match is not None and bool(match[1]) for match in matches)
    if not persons:
        return list(rows), []
    subjects = ["" if match is None else match[1] or match[2] for match in matches]
    known = sum(map(bool, subjects))
    notes = [
        f"{known} of {len(rows)} images are named as the chest X-rays of Kermany 2018 are; their patients "
        f"are taken from the names ({PATTERN}). A --subject-pattern of yours takes precedence."
    ]
    missed = [row.image_id for row, subject in zip(rows, subjects, strict=True) if not subject]
    if missed:
        notes.append(f"The names of {len(missed)} images tell no patient: {shown(missed, _SHOWN)}.")
    named = [
        row.with_(subject_id=subject, subject_source=SOURCE if subject else "")
        for row, subject in zip(rows, subjects, strict=True)
    ]
    return named, notes


def _stem(row: Row) -> str:
    return row.path.rpartition("/")[2].rpartition(".")[0]
