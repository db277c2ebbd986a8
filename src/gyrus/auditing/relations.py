"""Who belongs together beyond what the data say: look-alikes, and patients recovered from public sets.

Everything is computed on the set's distinct pictures in the order of their hashes, so that neither the order
of the rows nor the names of the files matter, and a thousand copies of one image cost no more than one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.auditing.known import SETS, RecoveredSlices, overlaps, recover_slices
from gyrus.auditing.lookalikes import LookAlikes, find_look_alikes
from gyrus.auditing.pair_search import correlate
from gyrus.data.manifest import Manifest, Row
from gyrus.imaging.look import LOOK_SIDE_PX, Looks, orientation_name

RECOVERED = "recovered"
"""``subject_source`` of a patient that was recovered."""
RECOVERED_FROM = "recovered_from"
"""Fact column that names the slice."""
_OWN_PREFIX = "look-"


@dataclass(frozen=True, slots=True)
class Related:
    """A manifest with what its images' looks tell.

    Attributes
    ----------
    manifest : Manifest
        With ``copy_group``, ``recovered_subject`` and, where a patient was missing, ``subject_id``.
    pictures : Looks
        (m, 64, 64) the distinct pictures.
    picture_of : mapping of str to int
        Row of ``pictures`` for each ``image_id``.
    look_alikes : LookAlikes
        Of the pictures.
    recovered : RecoveredSlices
        Of the pictures.
    overlaps : mapping of str to tuple of str
        Public set -> ids of the images that also stand in it.
    notes : tuple of str
        Sentences for the user.
    """

    manifest: Manifest
    pictures: Looks
    picture_of: Mapping[str, int]
    look_alikes: LookAlikes
    recovered: RecoveredSlices
    overlaps: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def looks_of(self, manifest: Manifest) -> Looks:
        """Return the looks (n, 64, 64) of the rows of this manifest, or of one made from it."""
        return self.pictures[[self.picture_of[row.image_id] for row in manifest.rows]]

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Say how alike the two images of each pair are, in a few words."""
        if not pairs:
            return []
        first = self.pictures[[self.picture_of[one] for one, _ in pairs]]
        second = self.pictures[[self.picture_of[other] for _, other in pairs]]
        correlation, orientation = correlate(first, second)
        return [
            f"look-alike, correlation {value:.3f}, {orientation_name(number)}"
            for value, number in zip(correlation.tolist(), orientation.tolist(), strict=True)
        ]


def relate(manifest: Manifest, looks: Looks) -> Related:
    """Find look-alikes and slices of public sets, and enter them into the manifest.

    An image without a patient gets the one of the public set (``subject_source`` is ``recovered``); an image
    with one keeps it. What an earlier run entered is computed anew; groups named by the user are kept and
    grow by their look-alikes.

    Parameters
    ----------
    manifest : Manifest
        Scanned.
    looks : ndarray of uint8
        (n, 64, 64) small picture of each row; see :func:`gyrus.imaging.look.look`.
    """
    rows = [_as_given(row) for row in manifest.rows]
    hashes, first, picture = np.unique(
        np.array([row.pixel_hash for row in rows], dtype="U64"), return_index=True, return_inverse=True
    )
    pictures = looks[first]
    small = _mostly_small(manifest)
    # a digit of 28 pixels has too few details to be told from a slice
    recovered = recover_slices(pictures[:0] if small else pictures)
    rows = _with_recovered(rows, picture, recovered)
    alike = find_look_alikes(pictures, _subjects_of(rows, picture, len(hashes)), small=small)
    rows = _with_groups(rows, picture, alike.group, hashes.tolist())
    known = overlaps(pictures, hashes.tolist(), by_look=not small)
    related = manifest.with_rows(rows)
    return Related(
        manifest=related,
        pictures=pictures,
        picture_of={row.image_id: number for row, number in zip(rows, picture.tolist(), strict=True)},
        look_alikes=alike,
        recovered=recovered,
        overlaps={
            name: tuple(row.image_id for row, hit in zip(rows, found[picture].tolist(), strict=True) if hit)
            for name, found in known.items()
        },
        notes=tuple(_notes(rows)),
    )


def _mostly_small(manifest: Manifest) -> bool:
    """Tell whether most images have at most a quarter of the pixels of their looks (32 x 32)."""
    sizes = [row.width_px * row.height_px for row in manifest.rows if row.width_px and row.height_px]
    return bool(sizes) and float(np.median(sizes)) <= LOOK_SIDE_PX**2 / 4


def _as_given(row: Row) -> Row:
    """Take out what an earlier run of this module entered."""
    own = row.copy_group.startswith(_OWN_PREFIX)
    stale = row.subject_source == RECOVERED
    if not (own or stale or row.recovered_subject or RECOVERED_FROM in row.facts):
        return row
    return row.with_(
        copy_group="" if own else row.copy_group,
        recovered_subject="",
        subject_id="" if stale else row.subject_id,
        subject_source="" if stale else row.subject_source,
        facts={name: value for name, value in row.facts.items() if name != RECOVERED_FROM},
    )


def _with_recovered(rows: list[Row], picture: npt.NDArray[np.int64], recovered: RecoveredSlices) -> list[Row]:
    position = {int(image): number for number, image in enumerate(recovered.image.tolist())}
    result = []
    for row, of_row in zip(rows, picture.tolist(), strict=True):
        number = position.get(of_row)
        if number is None:
            result.append(row)
            continue
        patient = f"cheng:{recovered.patient[number]}"
        orientation = int(recovered.orientation[number])
        origin = f"cheng slice {recovered.file_number[number]}"
        if orientation:
            origin += f", {orientation_name(orientation)}"
        row = row.with_(recovered_subject=patient, facts={**row.facts, RECOVERED_FROM: origin})
        if not row.subject_id:
            row = row.with_(subject_id=patient, subject_source=RECOVERED)
        result.append(row)
    return result


def _subjects_of(rows: list[Row], picture: npt.NDArray[np.int64], count: int) -> list[str]:
    """Return the patient of each picture; none where it stands under several."""
    subjects: list[set[str]] = [set() for _ in range(count)]
    for row, of_row in zip(rows, picture.tolist(), strict=True):
        subjects[of_row].add(row.subject_id)
    return [next(iter(names)) if len(names) == 1 else "" for names in subjects]


def _with_groups(
    rows: list[Row], picture: npt.NDArray[np.int64], group: npt.NDArray[np.int64], hashes: list[str]
) -> list[Row]:
    """Enter the groups of look-alikes, named by the smallest hash of a picture in them."""
    name_of: dict[int, str] = {}
    for number, value in zip(group.tolist(), hashes, strict=True):  # hashes ascend: the first is the smallest
        if number >= 0:
            name_of.setdefault(number, _OWN_PREFIX + value[:12])
    by_user: dict[int, set[str]] = defaultdict(set)
    for row, of_row in zip(rows, picture.tolist(), strict=True):
        if row.copy_group and group[of_row] >= 0:
            by_user[int(group[of_row])].add(row.copy_group)
    renamed = _joined_names(by_user)
    result = []
    for row, of_row in zip(rows, picture.tolist(), strict=True):
        number = int(group[of_row])
        name = row.copy_group
        if number in by_user:
            name = min(by_user[number])
        elif number >= 0:
            name = name_of[number]
        name = renamed.get(name, name)
        result.append(row if name == row.copy_group else row.with_(copy_group=name))
    return result


def _joined_names(by_user: Mapping[int, set[str]]) -> dict[str, str]:
    """Return the one name for user's groups that a group of look-alikes joins."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    for names in by_user.values():
        roots = sorted({root(name) for name in names})
        parent.update(dict.fromkeys(roots, roots[0]))
    return {name: root(name) for name in parent}


def _notes(rows: list[Row]) -> list[str]:
    notes = []
    recovered = [row for row in rows if row.recovered_subject]
    filled = [row for row in recovered if row.subject_source == RECOVERED]
    if filled:
        patients = len({row.subject_id for row in filled})
        notes.append(
            f"{len(filled)} of {len(rows)} images are slices of {SETS['cheng']}: their patients ({patients}) "
            "are known now."
        )
    elif recovered:
        notes.append(
            f"{len(recovered)} of {len(rows)} images are slices of {SETS['cheng']}; "
            "the data's own patients are kept."
        )
    grouped = [row.copy_group for row in rows if row.copy_group]
    if grouped:
        notes.append(f"{len(grouped)} images look like another: {len(set(grouped))} groups of look-alikes.")
    return notes
