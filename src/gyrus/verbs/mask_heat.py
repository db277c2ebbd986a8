"""How much of a classifier's heat maps lies in the masks that the data bring."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.bundles import read_bundle
from gyrus.data import Manifest, read_manifest
from gyrus.data.manifest import Row
from gyrus.data.mask_classes import MaskClasses
from gyrus.data.masks import read_mask
from gyrus.errors import DataError
from gyrus.evaluation import Predictions, read_predictions
from gyrus.evaluation.heat_in_mask import HeatInMask, heat_figures, heat_in_mask
from gyrus.imaging import read_image
from gyrus.imaging.geometry import Geometry, geometry_of_card
from gyrus.inference import Outputs, read_outputs
from gyrus.pages.overlay import normalised, stretched
from gyrus.runs import RunFolder

logger = logging.getLogger("gyrus")

_ANY = MaskClasses("binary", ("lesion",))


def heat_in_masks(
    manifest: Manifest,
    predictions: Predictions,
    outputs: Outputs,
    card: Mapping[str, Any],
    *,
    confidence: float = 0.95,
) -> dict[str, Any] | None:
    """Return the figures of :func:`gyrus.evaluation.heat_in_mask.heat_figures`.

    Measured is the map of the class that was answered, as the report shows it.

    Parameters
    ----------
    manifest : Manifest
        Its column ``mask`` names the masks.
    predictions : Predictions
        Of one class an image.
    outputs : Outputs
        With maps, in the order of the predictions.
    card : mapping
        Of the bundle that answered.
    confidence : float

    Returns
    -------
    dict or None
        None without maps, without a mask that marks anything, and where a mask cannot be read, which is said.
    """
    return _figures(lambda: measured_heat(manifest, predictions, outputs, card), confidence)


def heat_of_folds(runs: Sequence[RunFolder], confidence: float = 0.95) -> dict[str, Any] | None:
    """Return the figures of a cross-validation: of each image the map of the model that tested it.

    Parameters
    ----------
    runs : sequence of RunFolder
        Of the folds, tested.
    confidence : float

    Returns
    -------
    dict or None
        As :func:`heat_in_masks`.
    """
    if not all(run.outputs("test").is_file() and run.bundle.is_file() for run in runs):
        return None
    return _figures(lambda: [one for run in runs for one in _tested(run)], confidence)


def measured_heat(
    manifest: Manifest, predictions: Predictions, outputs: Outputs, card: Mapping[str, Any]
) -> list[HeatInMask]:
    """Return what is measured of each image whose mask marks something; see :func:`heat_in_masks`.

    Raises
    ------
    DataError
        When a mask or its image cannot be read.
    """
    rows = {row.image_id: row for row in manifest if row.mask}
    if outputs.maps is None or manifest.several or not rows:
        return []
    geometry = geometry_of_card(card)
    answered, truth = predictions.y_pred, predictions.y_true
    found: list[HeatInMask] = []
    for number, image_id in enumerate(predictions.image_ids):
        if image_id not in rows:
            continue
        mask = read_mask(rows[image_id], manifest, _ANY)
        if mask.any():
            heat = outputs.maps[number, answered[number]]
            found.append(
                heat_in_mask(
                    _over_image(heat, rows[image_id], manifest, geometry, mask.shape), mask,
                    group=predictions.group_ids[number], right=bool(answered[number] == truth[number]),
                )
            )  # fmt: skip
    return found


def _tested(run: RunFolder) -> list[HeatInMask]:
    return measured_heat(
        read_manifest(run.manifest),
        read_predictions(run.predictions("test")),
        read_outputs(run.outputs("test")),
        read_bundle(run.bundle).card,
    )


def _figures(measure: Callable[[], list[HeatInMask]], confidence: float) -> dict[str, Any] | None:
    try:
        found = measure()
    except DataError as error:
        logger.info("note: how much heat lies in the masks is not measured: %s", error)
        return None
    return heat_figures(found, confidence)


def _over_image(
    heat: npt.NDArray[np.float32], row: Row, manifest: Manifest, geometry: Geometry, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Return a map over the square as one over the image, pixel by pixel, as the overlay shows it."""
    if geometry.mode != "squash" or geometry.brain_crop:
        heat = geometry.placement(read_image(manifest.source_of(row))).over_image(heat)
    return stretched(normalised(heat), height_px=shape[0], width_px=shape[1])
