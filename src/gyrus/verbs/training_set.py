"""What a model was trained on, held against images that it is evaluated on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.auditing import relate
from gyrus.data import Manifest, Row, load, read_manifest, scan
from gyrus.data.manifest import SPLITS
from gyrus.errors import DataError
from gyrus.imaging.look import Looks
from gyrus.runs import RunFolder
from gyrus.verbs.prepare import Prepared

logger = logging.getLogger("gyrus")

_MARK = "training:"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The images that a model was made with.

    Attributes
    ----------
    manifest : Manifest or None
        Its rows of train, val and cal; None when they are not at hand.
    why : str
        Without a manifest: why not.
    """

    manifest: Manifest | None
    why: str = ""


def training_of(named: Path | None, bundle: Path, card: Mapping[str, Any]) -> TrainingSet:
    """Return what ``--training`` names, or else what lies around the bundle.

    Raises
    ------
    DataError
        As :func:`training_of_path`.
    """
    return training_of_bundle(bundle, card) if named is None else TrainingSet(training_of_path(named))


def training_of_bundle(bundle: Path, card: Mapping[str, Any]) -> TrainingSet:
    """Return what lies in the run folder around a bundle, when it is what the bundle was trained on."""
    beside = RunFolder(bundle.parent).manifest
    if not beside.is_file():
        return TrainingSet(
            None,
            "the bundle does not hold its training images or patients, and no run folder is around it "
            "(--training names a manifest)",
        )
    manifest = read_manifest(beside)
    if manifest.fingerprint != card["data"]["fingerprint"]:
        return TrainingSet(None, f"{beside} is not the manifest that the bundle was trained on")
    return TrainingSet(_made_with(manifest))


def training_of_path(source: Path) -> Manifest:
    """Return the images of a folder or manifest; all of them where it has no split.

    Raises
    ------
    DataError
        When it has splits, but nothing in train.
    """
    manifest = load(source).manifest
    if not any(row.split for row in manifest.rows):
        manifest = manifest.with_rows(row.with_(split=SPLITS[0]) for row in manifest.rows)
    made_with = _made_with(manifest)
    if not any(row.split == SPLITS[0] for row in made_with.rows):
        raise DataError("has no image in the split train", path=source, fix="name the images trained on")
    return made_with


def _made_with(manifest: Manifest) -> Manifest:
    return manifest.with_rows(row for row in manifest.rows if row.split in SPLITS[:-1])


def join_training(
    prepared: Prepared, training: Manifest, *, cache_dir: Path | None
) -> tuple[Manifest, list[str]]:
    """Put the training images beside those that are evaluated, as the splits train, val and cal beside test.

    Look-alikes and recovered patients are found across both. A training image whose file is gone is compared
    by what the manifest remembers: bytes, pixels and patient.

    Returns
    -------
    manifest : Manifest
        The evaluated images keep their ``image_id``; those of training begin with ``training:``.
    notes : list of str
    """
    own = [row.with_(split=SPLITS[-1]) for row in prepared.manifest.rows]
    theirs = _absolute(training)
    here = [row for row in theirs if Path(row.path).is_file()]
    gone = [row for row in theirs if not Path(row.path).is_file()]
    looks: Looks = prepared.related.looks_of(prepared.manifest)
    notes = []
    if here:
        scanned = scan(training.with_rows(here), on_bad_file="list", cache_dir=cache_dir)
        here = list(scanned.manifest.rows)
        looks = np.concatenate([looks, scanned.looks])
        unread = {item.image_id for item in scanned.skipped}
        gone += [row for row in theirs if row.image_id in unread]
    if gone:
        compared = sum(bool(row.sha256 or row.pixel_hash) for row in gone)
        notes.append(
            f"{len(gone)} of {len(theirs)} training images cannot be read where their manifest says: "
            f"{compared} of them are compared by their hashes, and look-alikes of them are not seen."
        )
    manifest = prepared.manifest.with_rows([*_made_absolute(own, prepared.manifest), *here])
    related = relate(manifest, looks).manifest
    for note in notes:
        logger.info("note: %s", note)
    return related.with_rows([*related.rows, *gone]), notes


def shared_patients(manifest: Manifest, *, n_shown: int = 20) -> dict[str, Any]:
    """Name the patients of test who are also in the splits before it.

    Returns
    -------
    dict
        ``known``, ``sentence``, and ``patients``: list of ``{"subject_id", "images", "training_images"}``.
    """
    tested: dict[str, int] = {}
    trained: dict[str, int] = {}
    for row in manifest.rows:
        side = tested if row.split == SPLITS[-1] else trained
        for name in {row.subject_id, row.recovered_subject} - {""}:
            side[name] = side.get(name, 0) + 1
    both = sorted(set(tested) & set(trained))
    if not tested or not trained:
        where = "the training" if tested else "these"
        return patients_untold(f"of {where} images no patient is known")
    listed = ", ".join(both[:n_shown]) + (f" and {len(both) - n_shown} more" if len(both) > n_shown else "")
    sentence = (
        f"{len(both)} patients, by name, are in both the training data and these images: {listed}. "
        "The figure without twins leaves their images out."
        if both
        else "No patient of these images is named in the training data."
    )
    unknown = [
        f"{count} of {side} images"
        for side, is_test in (("these", True), ("the training", False))
        if (
            count := sum(not row.subject_id and (row.split == SPLITS[-1]) == is_test for row in manifest.rows)
        )
    ]
    if unknown:
        sentence += f" The patient of {' and '.join(unknown)} is unknown: for these it cannot be told."
    return {
        "known": True,
        "sentence": sentence,
        "patients": [
            {"subject_id": name, "images": tested[name], "training_images": trained[name]} for name in both
        ],
    }


def patients_untold(why: str) -> dict[str, Any]:
    """Return the block for an evaluation in which patients cannot be compared."""
    return {
        "known": False,
        "sentence": f"Whether patients are in both training and these images cannot be told: {why}.",
        "patients": [],
    }


def _absolute(manifest: Manifest) -> list[Row]:
    return _made_absolute([row.with_(image_id=_MARK + row.image_id) for row in manifest.rows], manifest)


def _made_absolute(rows: list[Row], manifest: Manifest) -> list[Row]:
    return [row.with_(path=str((manifest.root / row.path).absolute())) for row in rows]
