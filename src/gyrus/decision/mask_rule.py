"""From the probabilities of pixels to a mask: a threshold, then what is too small or full of holes.

In this order: a pixel is foreground where the probabilities of the classes sum to the threshold or more, and
of the most probable class; holes of every class are filled; of every class, all but the largest part are
dropped, and parts below the smallest size. Parts are connected over sides and corners, holes over sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.components import label_components

Mask = npt.NDArray[np.uint8]
Unit = Literal["px", "mm2"]


@dataclass(frozen=True, slots=True)
class MaskRule:
    """How probabilities become a mask.

    Attributes
    ----------
    threshold : float
        Probability of any class from which on a pixel is foreground.
    fill_holes : bool
        Whether background that a class encloses becomes the class.
    largest : bool
        Whether of each class only its largest part is kept.
    min_size : float
        Parts below it are dropped; 0 keeps all.
    unit : {"px", "mm2"}
        Of ``min_size``: pixels of the image as it was read, or square millimetres.
    chosen_on : mapping or None
        What it was chosen on (see :mod:`gyrus.decision.mask_rule_fitting`); None: not chosen.
    """

    threshold: float = 0.5
    fill_holes: bool = False
    largest: bool = False
    min_size: float = 0.0
    unit: Unit = "px"
    chosen_on: Mapping[str, Any] | None = field(default=None, compare=False)

    @classmethod
    def from_card(cls, told: Mapping[str, Any]) -> MaskRule:
        """Return what a card's ``segmentation.postprocess`` says."""
        return cls(**told)

    def to_card(self) -> dict[str, Any]:
        """Return the card's ``segmentation.postprocess``."""
        return {
            "threshold": self.threshold,
            "fill_holes": self.fill_holes,
            "largest": self.largest,
            "min_size": self.min_size,
            "unit": self.unit,
            "chosen_on": None if self.chosen_on is None else dict(self.chosen_on),
        }

    @property
    def steps(self) -> int:
        """How many steps follow the threshold."""
        return int(self.fill_holes) + int(self.largest) + int(self.min_size > 0)

    def apply(self, probabilities: npt.NDArray[np.floating], pixel_mm2: float | None = None) -> Mask:
        """Return the mask of an image.

        Parameters
        ----------
        probabilities : ndarray of float
            (K, height, width) of the K classes; what is missing to 1 is the background's.
        pixel_mm2 : float, optional
            Area of a pixel. A smallest size in mm2 is not applied without it.

        Returns
        -------
        ndarray of uint8
            (height, width): 0 background, ``i`` the class of the plane ``i - 1``.
        """
        mask = thresholded(probabilities, self.threshold)
        if not self.steps:
            return mask
        least = self.min_size
        if self.unit == "mm2":
            least = 0.0 if pixel_mm2 is None else self.min_size / pixel_mm2
        box = _box(mask)
        if box is None:
            return mask
        # steps cost by the pixel, and what is marked is mostly a small part of the image
        marked, classes = mask[box], range(1, len(probabilities) + 1)
        if self.fill_holes:
            for number in classes:
                fill_holes(marked, number)
        if self.largest or least > 1:
            for number in classes:
                self._drop(marked, number, least)
        return mask

    def _drop(self, mask: Mask, number: int, least: float) -> None:
        """Drop parts of one class, in place."""
        parts = label_components(mask == number)
        sizes = np.bincount(parts.reshape(-1))[1:]
        if sizes.size:
            kept = np.concatenate([[True], kept_parts(sizes, largest=self.largest, least=least)])
            mask[~kept[parts]] = 0


def kept_parts(sizes: npt.NDArray[np.int64], *, largest: bool, least: float) -> npt.NDArray[np.bool_]:
    """Tell which parts (n,) of a class are kept, given their pixels; of equally large ones the first."""
    kept = sizes >= least
    if largest:
        kept &= np.arange(sizes.size) == int(sizes.argmax())
    return np.asarray(kept)


def fill_holes(mask: Mask, number: int) -> None:
    """Give background that a class encloses to the class, in place; other classes inside stay."""
    own = mask == number
    if own.any():
        mask[holes(own) & (mask == 0)] = number


def thresholded(probabilities: npt.NDArray[np.floating], threshold: float) -> Mask:
    """Return the mask of a threshold alone; see :meth:`MaskRule.apply`."""
    mask: Mask
    if len(probabilities) == 1:
        mask = (probabilities[0] >= threshold).astype(np.uint8)
        return mask
    mask = (probabilities.argmax(axis=0) + 1).astype(np.uint8)
    mask[probabilities.sum(axis=0) < threshold] = 0
    return mask


def holes(own: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the pixels outside a mask from which no way over sides leads to the image's border.

    An area that touches the border is no hole.
    """
    outside = label_components(np.pad(~own, 1, constant_values=True), connectivity=4)
    return np.asarray((outside != outside[0, 0]) & (outside != 0))[1:-1, 1:-1]


def _box(mask: Mask) -> tuple[slice, slice] | None:
    """Return the smallest box around what is marked; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
