"""Hold predicted masks against those of a data set."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gyrus.config.mask_measuring import MaskMeasuringOptions
from gyrus.data import Manifest
from gyrus.data.manifest import Row
from gyrus.data.mask_classes import MaskClasses
from gyrus.data.masks import read_mask
from gyrus.data.spacing import spacing_of
from gyrus.errors import PredictionsError
from gyrus.evaluation.mask_predictions import MaskPredictions, read_mask_predictions, read_predicted
from gyrus.evaluation.predictions import default_groups
from gyrus.evaluation.segmentation import MaskMeasuring, evaluate_segmentation
from gyrus.evaluation.segmentation_cases import MaskPair, Unit, measure_pairs
from gyrus.imaging import read_image
from gyrus.imaging.reading import Color
from gyrus.pages.mask_pictures import MaskPicture
from gyrus.pages.segmentation_report import shown_ids
from gyrus.runs import RunFolder
from gyrus.runs.atomic import write_json

logger = logging.getLogger("gyrus")


def measure_masks(
    run: RunFolder,
    manifest: Manifest,
    split: str,
    classes: MaskClasses,
    *,
    options: MaskMeasuringOptions | None = None,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Measure a run's predicted masks of one split, write the figures into the run and return them.

    Parameters
    ----------
    run : RunFolder
        With ``predictions-SPLIT.csv`` and the masks that it names.
    manifest : Manifest
        The run's.
    split : str
    classes : MaskClasses
        What the true masks hold.
    options : MaskMeasuringOptions, optional
    confidence : float

    Raises
    ------
    PredictionsError
        When images of the split have no prediction, or others have one.
    """
    predictions = read_mask_predictions(run.predictions(split))
    manifest = manifest.select(split)
    wanted = {row.image_id for row in manifest}
    _check_same(wanted, set(predictions.image_ids), str(run.predictions(split)))
    evaluation = evaluate_masks(predictions, manifest, classes, options=options, confidence=confidence)
    write_json(run.evaluation(split), evaluation)
    return evaluation


def evaluate_masks(
    predictions: MaskPredictions,
    manifest: Manifest,
    classes: MaskClasses,
    *,
    options: MaskMeasuringOptions | None = None,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Measure predicted masks against those that the manifest names.

    Returns
    -------
    dict
        See :mod:`gyrus.evaluation.segmentation`.

    Raises
    ------
    PredictionsError
        When the classes differ, an image is none of the manifest's, or a mask does not fit its image.
    DataError
        When a true mask is missing or cannot be used.
    ManifestError
        For a spacing that is none.
    """
    options = options or MaskMeasuringOptions()
    if predictions.classes != classes.names:
        raise PredictionsError(
            f"the predicted masks have the classes {', '.join(predictions.classes)}, the true ones "
            f"{', '.join(classes.names)}",
            fix="--mask-classes, --mask-name or --mask-values say what the true masks hold",
        )
    rows = _rows_of(predictions, manifest)
    unit = unit_of(rows)
    cases = measure_pairs(
        _pairs(predictions, rows, manifest, classes), classes.names, unit=unit,
        tolerance=options.surface_tolerance,
    )  # fmt: skip
    return evaluate_segmentation(
        cases,
        MaskMeasuring(
            tolerance=options.surface_tolerance, found_share=options.found_share, confidence=confidence
        ),
    )


def pictures_of(
    evaluation: Mapping[str, Any],
    predictions: MaskPredictions,
    manifest: Manifest,
    classes: MaskClasses,
    color: Color = "grey",
) -> dict[str, MaskPicture]:
    """Read the images that the report shows, with both masks."""
    place = {image_id: number for number, image_id in enumerate(predictions.image_ids)}
    rows = {row.image_id: row for row in manifest}
    found = {}
    for image_id in shown_ids(evaluation):
        row = rows[image_id]
        true = read_mask(row, manifest, classes)
        size = (true.shape[0], true.shape[1])
        drawn = read_predicted(predictions.masks[place[image_id]], size, len(classes.names))
        found[image_id] = MaskPicture(read_image(manifest.source_of(row), color=color), true, drawn)
    return found


def unit_of(rows: Sequence[Row]) -> Unit:
    """Return ``mm`` when every image's spacing is known, else ``px``; says so where some are.

    Raises
    ------
    ManifestError
        For a spacing that is none.
    """
    known = [spacing_of(row) is not None for row in rows]
    if any(known) and not all(known):
        logger.info(
            "note: the spacing of %d of %d images is not known: distances are in pixels",
            known.count(False), len(known),
        )  # fmt: skip
    return "mm" if known and all(known) else "px"


def _rows_of(predictions: MaskPredictions, manifest: Manifest) -> list[Row]:
    """Return the images' rows, in the order of the predictions."""
    rows = {row.image_id: row for row in manifest}
    strangers = [image_id for image_id in predictions.image_ids if image_id not in rows]
    if strangers:
        raise PredictionsError(
            f"{len(strangers)} images are not in the data", details=strangers,
            fix="name the data that the masks were predicted for",
        )  # fmt: skip
    left = len(rows) - len(predictions)
    if left:
        logger.info("note: %d of %d images have a predicted mask", len(predictions), len(rows))
    return [rows[image_id] for image_id in predictions.image_ids]


def _pairs(
    predictions: MaskPredictions, rows: Sequence[Row], manifest: Manifest, classes: MaskClasses
) -> Iterator[MaskPair]:
    subjects = tuple(row.subject_id or told for row, told in zip(rows, predictions.subject_ids, strict=True))
    usual = predictions.group_ids == default_groups(predictions.subject_ids, predictions.image_ids)
    groups = default_groups(subjects, predictions.image_ids) if usual else predictions.group_ids
    for number, row in enumerate(rows):
        true = read_mask(row, manifest, classes)
        yield MaskPair(
            image_id=row.image_id,
            subject_id=subjects[number],
            group_id=groups[number],
            fold=predictions.folds[number] if predictions.folds else "",
            true=true,
            predicted=read_predicted(
                predictions.masks[number], (true.shape[0], true.shape[1]), len(classes.names)
            ),
            spacing=spacing_of(row),
        )


def _check_same(wanted: set[str], given: set[str], where: str) -> None:
    missing = [f"without a prediction: {one}" for one in sorted(wanted - given)]
    strange = [f"not of this split: {one}" for one in sorted(given - wanted)]
    if missing or strange:
        raise PredictionsError(
            f"{where} is about other images than the split ({len(missing) + len(strange)} differ)",
            details=[*missing, *strange], fix="gyrus evaluate RUN predicts them again",
        )  # fmt: skip
