"""Single objects of a mask: how much of each was drawn, and what was drawn where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.components import Connectivity, label_components
from gyrus.metrics.segmentation.window import marked_window

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Objects:
    """The connected parts of a truth, and the parts of a prediction that touch none of them.

    Attributes
    ----------
    area_px : ndarray of int64, shape (n_objects,)
        Pixels of each true object.
    covered_px : ndarray of int64, shape (n_objects,)
        Of these, the pixels that the prediction has too.
    false_parts : int
        Connected parts of the prediction without any pixel of an object.
    """

    area_px: Ints
    covered_px: Ints
    false_parts: int


def measure_objects(true: npt.ArrayLike, predicted: npt.ArrayLike, connectivity: Connectivity = 8) -> Objects:
    """Take a true mask apart into objects.

    Parameters
    ----------
    true, predicted : array_like, shape (height, width)
        Any number but 0 is set.
    connectivity : {4, 8}
        8: pixels that touch at a corner belong together.
    """
    one, other = np.asarray(true) != 0, np.asarray(predicted) != 0
    window = marked_window(one, other)
    if window is None:
        return Objects(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    one, other = one[window], other[window]
    objects, parts = label_components(one, connectivity), label_components(other, connectivity)
    n_objects, n_parts = int(objects.max(initial=0)), int(parts.max(initial=0))
    touching = np.unique(parts[one & other]).size
    return Objects(
        area_px=np.bincount(objects.ravel(), minlength=n_objects + 1)[1:].astype(np.int64),
        covered_px=np.bincount(objects[other], minlength=n_objects + 1)[1:].astype(np.int64),
        false_parts=n_parts - touching,
    )
