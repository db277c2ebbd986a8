"""Images for the report: the most confident errors and right answers, with where the network looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gyrus.imaging import read_image, resize
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest
    from gyrus.evaluation.predictions import Predictions
    from gyrus.inference.outputs import Outputs

SIDE_PX = 256
ERRORS, RIGHT = 8, 8


@dataclass(frozen=True, slots=True)
class Example:
    """One image of the gallery.

    Attributes
    ----------
    image_id, subject_id, label : str
        As in the predictions file.
    prediction : str
        Most probable class.
    probability : float
        Its probability.
    label_probability : float
        Probability of the true class.
    pixels : ndarray of uint8
        (height, width, channels), at most 256 pixels a side.
    heat : ndarray of float32 or None
        (rows, columns) map of the predicted class, over the whole image.
    """

    image_id: str
    subject_id: str
    label: str
    prediction: str
    probability: float
    label_probability: float
    pixels: npt.NDArray[np.uint8]
    heat: npt.NDArray[np.float32] | None

    @property
    def right(self) -> bool:
        """Whether the prediction is the label."""
        return self.prediction == self.label


def choose_examples(predictions: Predictions, *, errors: int = ERRORS, right: int = RIGHT) -> list[int]:
    """Return row numbers: the most confident errors first, then the most confident right answers.

    Of each patient (or group of copies) at most one error and one right answer is shown, and right answers
    are taken from the classes in turn, so that the gallery is not eight slices of one head.
    """
    known = np.flatnonzero(predictions.y_true >= 0)
    confidence = predictions.y_prob.max(axis=1)
    order = known[np.argsort(-confidence[known], kind="stable")]
    wrong = predictions.y_pred != predictions.y_true
    chosen = _one_per_group([int(row) for row in order if wrong[row]], predictions.group_ids)[:errors]
    good = _one_per_group([int(row) for row in order if not wrong[row]], predictions.group_ids)
    return chosen + _in_turn(good, [predictions.labels[row] for row in good])[:right]


def collect_examples(
    manifest: Manifest,
    predictions: Predictions,
    outputs: Outputs | None = None,
    *,
    color: Color = "grey",
    geometry: Geometry | None = None,
    map_columns: Mapping[str, Sequence[int]] | None = None,
    errors: int = ERRORS,
    right: int = RIGHT,
) -> list[Example]:
    """Read the images that :func:`choose_examples` picks, small, with their heat maps.

    Parameters
    ----------
    manifest : Manifest
        Where the images lie.
    predictions : Predictions
        Of one split.
    outputs : Outputs, optional
        With maps, in the order of the predictions.
    color : str
        Reading policy.
    geometry : Geometry, optional
        How the bundle brings an image to a square: its maps lie over that. By default the image is squashed.
    map_columns : mapping of str to sequence of int, optional
        Class of the predictions -> its columns in the outputs, where a label map counts several classes
        of the model as one: shown is the map of the most probable. Without it the columns are the classes.
    """
    rows = {row.image_id: row for row in manifest}
    maps = outputs.maps if outputs is not None else None
    y_pred = predictions.y_pred
    found = []
    for index in choose_examples(predictions, errors=errors, right=right):
        row = rows.get(predictions.image_ids[index])
        if row is None:  # predictions of other images than the manifest's cannot be shown
            continue
        column, label = int(y_pred[index]), predictions.labels[index]
        answer = predictions.classes[column]
        pixels = read_image(manifest.source_of(row), color=color)
        heat = None
        if outputs is not None and maps is not None:
            columns = map_columns[answer] if map_columns is not None else (column,)
            heat = maps[index, max(columns, key=lambda number: outputs.logits[index, number])]
        found.append(
            Example(
                image_id=row.image_id,
                subject_id=predictions.subject_ids[index],
                label=label,
                prediction=answer,
                probability=float(predictions.y_prob[index, column]),
                label_probability=float(predictions.y_prob[index, predictions.classes.index(label)]),
                pixels=_small(pixels),
                heat=_over_image(heat, pixels, geometry),
            )
        )
    return found


def _over_image(
    heat: npt.NDArray[np.float32] | None, pixels: npt.NDArray[np.uint8], geometry: Geometry | None
) -> npt.NDArray[np.float32] | None:
    """Return a map over the network's square as one over the whole image."""
    if heat is None or geometry is None:
        return heat
    return geometry.placement(pixels).over_image(heat)


def _one_per_group(rows: list[int], groups: tuple[str, ...]) -> list[int]:
    seen: set[str] = set()
    return [row for row in rows if groups[row] not in seen and not seen.add(groups[row])]  # type: ignore[func-returns-value]


def _in_turn(rows: list[int], labels: list[str]) -> list[int]:
    """Return rows so that the classes alternate, each in the order given."""
    place: dict[str, int] = {}
    rank = []
    for label in labels:
        place[label] = place.get(label, -1) + 1
        rank.append(place[label])
    return [rows[i] for i in sorted(range(len(rows)), key=lambda i: (rank[i], labels[i]))]


def _small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    if scale == 1.0:
        return pixels
    return resize(pixels, height_px=max(1, round(height * scale)), width_px=max(1, round(width * scale)))
