"""One image: everything that is measured between its true and its predicted mask, class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.segmentation.objects import Objects, measure_objects
from gyrus.metrics.segmentation.overlap import overlaps
from gyrus.metrics.segmentation.surface import surface_distances
from gyrus.metrics.segmentation.window import marked_window


@dataclass(frozen=True, slots=True)
class ClassCase:
    """A class in one image.

    Attributes
    ----------
    true_px, predicted_px, both_px : int
    dice, iou, precision, recall : float
        NaN where undefined: see :class:`gyrus.metrics.segmentation.overlap.Overlap`.
    hd95, average_distance : float
        NaN where both masks are empty, infinite where one is.
    surface_dice : float
        NaN where both masks are empty, 0 where one is.
    objects : Objects
    """

    true_px: int
    predicted_px: int
    both_px: int
    dice: float
    iou: float
    precision: float
    recall: float
    hd95: float
    average_distance: float
    surface_dice: float
    objects: Objects


def measure_case(
    true: npt.ArrayLike,
    predicted: npt.ArrayLike,
    n_classes: int,
    *,
    spacing: tuple[float, float] | None = None,
    tolerance: float = 2.0,
) -> tuple[ClassCase, ...]:
    """Return the figures of each class in one image.

    Parameters
    ----------
    true, predicted : array_like of int, shape (height, width)
        0 background, ``i`` the class number ``i``.
    n_classes : int
        Without the background.
    spacing : tuple of float, optional
        Height and width of a pixel; distances are in pixels without it.
    tolerance : float
        Of the surface Dice, in the unit of the spacing.
    """
    one, other = np.asarray(true), np.asarray(predicted)
    window = marked_window(one, other)
    if window is not None:
        one, other = one[window], other[window]
    shared = overlaps(one, other, n_classes)
    found = []
    for number in range(n_classes):
        mine, drawn = one == number + 1, other == number + 1
        distances = surface_distances(mine, drawn, spacing)
        found.append(
            ClassCase(
                true_px=int(shared.true[number]),
                predicted_px=int(shared.predicted[number]),
                both_px=int(shared.both[number]),
                dice=float(shared.dice[number]),
                iou=float(shared.iou[number]),
                precision=float(shared.precision[number]),
                recall=float(shared.recall[number]),
                hd95=distances.hausdorff(95.0),
                average_distance=distances.average(),
                surface_dice=distances.dice(tolerance),
                objects=measure_objects(mine, drawn),
            )
        )
    return tuple(found)
