"""Which images of an evaluation the model has, in one form or another, seen before.

An image is no test of a model that was made with the same file, the same pixels, a re-encoded, resized,
mirrored or turned copy, or other images of the same patient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from gyrus.data.manifest import SPLITS, Manifest, Row

ITSELF = "the image itself"
PATIENT = "the same patient"
REASONS = (ITSELF, "identical bytes", "identical pixels", "look-alike", PATIENT)
"""From the strongest to the weakest; an image with several is counted under the first."""

_SHARED: tuple[tuple[str, Callable[[Row], Collection[str]]], ...] = (
    ("identical bytes", lambda row: (row.sha256,)),
    ("identical pixels", lambda row: (row.pixel_hash,)),
    ("look-alike", lambda row: (row.copy_group,)),
    (PATIENT, lambda row: {row.subject_id, row.recovered_subject}),
)


@dataclass(frozen=True, slots=True)
class Twin:
    """An image that the model has seen, and as what.

    Attributes
    ----------
    image_id : str
        The image that is evaluated.
    other_id, other_split : str
        Its counterpart among what the model was made with (``fold N`` for out-of-fold predictions).
    reason : str
        One of :data:`REASONS`.
    """

    image_id: str
    other_id: str
    other_split: str
    reason: str


def find_twins(manifest: Manifest, image_ids: Iterable[str], *, out_of_fold: bool = False) -> dict[str, Twin]:
    """Find the images that have a twin or a patient among those that the model was made with.

    These are the images of every split that is used before the image's own: train, then val (which chose
    the epoch), then cal; so the count is that of the audit. An image of train has seen itself. Images
    without a split are never used for training.

    Parameters
    ----------
    manifest : Manifest
        Scanned, with splits (or folds).
    image_ids : iterable of str
        What is evaluated; ids that the manifest does not have are left out.
    out_of_fold : bool
        Each image was answered by a model that was trained on the other folds.

    Returns
    -------
    dict of str to Twin
        By ``image_id``; images without a twin are not in it.
    """
    row_of = {row.image_id: row for row in manifest.rows}
    wanted = [row_of[image_id] for image_id in image_ids if image_id in row_of]
    place = _fold if out_of_fold else _place
    found: dict[str, Twin] = {}
    if not out_of_fold:
        found = {row.image_id: _twin(row, row, ITSELF) for row in wanted if row.split == SPLITS[0]}
    for reason, values in _SHARED:
        standing = _first_at_each_place(manifest.rows, values, place)
        for row in wanted:
            if row.image_id not in found:
                other = _counterpart(row, values, standing, place, out_of_fold=out_of_fold)
                if other is not None:
                    found[row.image_id] = _twin(row, other, reason, out_of_fold=out_of_fold)
    return found


def has_training(manifest: Manifest, *, out_of_fold: bool = False) -> bool:
    """Tell whether the manifest says what was trained on."""
    if out_of_fold:
        return len({row.fold for row in manifest.rows} - {None}) > 1
    return any(row.split == SPLITS[0] for row in manifest.rows)


def _place(row: Row) -> int | None:
    """Return how early a row is used; None for one that is not."""
    return SPLITS.index(row.split) if row.split else None


def _fold(row: Row) -> int | None:
    return row.fold


def _first_at_each_place(
    rows: Iterable[Row], values: Callable[[Row], Collection[str]], place: Callable[[Row], int | None]
) -> Mapping[str, dict[int, Row]]:
    """Return for each value the first row with it in each split (or fold)."""
    standing: dict[str, dict[int, Row]] = {}
    for row in rows:
        where = place(row)
        if where is not None:
            for value in values(row):
                if value:
                    standing.setdefault(value, {}).setdefault(where, row)
    return standing


def _counterpart(
    row: Row,
    values: Callable[[Row], Collection[str]],
    standing: Mapping[str, dict[int, Row]],
    place: Callable[[Row], int | None],
    *,
    out_of_fold: bool,
) -> Row | None:
    """Return the row of the earliest split that shares a value; in another fold for out-of-fold answers."""
    own = place(row)
    if own is None:
        own = -1 if out_of_fold else len(SPLITS)
    for value in sorted(values(row)):
        others = standing.get(value, {}) if value else {}
        for where in sorted(others):
            if where != own if out_of_fold else where < own:
                return others[where]
    return None


def _twin(row: Row, other: Row, reason: str, *, out_of_fold: bool = False) -> Twin:
    where = f"fold {other.fold}" if out_of_fold else other.split
    return Twin(row.image_id, other.image_id, where, reason)
