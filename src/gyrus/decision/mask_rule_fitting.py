"""Choosing how probabilities become a mask: a grid of rules, judged by the Dice on images with true masks.

All combinations are tried at the cost of one labelling for each threshold, with and without holes: dropping
parts only leaves out terms of sums over the parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gyrus.decision.mask_rule import Mask, MaskRule, Unit, fill_holes, kept_parts, thresholded
from gyrus.metrics.detection.components import label_components

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SIZES: dict[Unit, tuple[float, ...]] = {
    "px": (0.0, 10.0, 25.0, 50.0, 100.0, 200.0, 400.0),
    "mm2": (0.0, 5.0, 10.0, 20.0, 40.0, 80.0),
}
TIE = 0.0005
"""A rule with more steps, or a threshold further from one half, has to gain more Dice than this."""
_FOUND = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rule that was chosen.

    Attributes
    ----------
    rule : MaskRule
    dice, dice_before : float or None
        Mean Dice with the rule, and with a threshold of one half alone; None where nothing was marked.
    tried : int
        Rules that were compared.
    """

    rule: MaskRule
    dice: float | None
    dice_before: float | None
    tried: int


class RuleSearch:
    """Collects images and their true masks, one after the other, and chooses a rule.

    Parameters
    ----------
    n_classes : int
        Without the background.
    unit : {"px", "mm2"}
        Of the smallest size.
    """

    def __init__(self, n_classes: int, unit: Unit = "px") -> None:
        self._n_classes, self._unit = n_classes, unit
        self._rules = list(_rules(unit))
        self._sum = np.zeros(len(self._rules))
        self._count = np.zeros(len(self._rules), np.int64)

    def add(
        self, probabilities: npt.NDArray[np.floating], true: Mask, pixel_mm2: float | None = None
    ) -> None:
        """Add an image.

        Parameters
        ----------
        probabilities : ndarray of float
            (K, height, width).
        true : ndarray of uint8
            (height, width) true class numbers, 0 background.
        pixel_mm2 : float, optional
            Area of a pixel; needed with the unit mm2.

        Raises
        ------
        ValueError
            When it is needed and absent.
        """
        if self._unit == "mm2" and pixel_mm2 is None:
            raise ValueError("a smallest size in mm2 needs the area of a pixel")
        scale = 1.0 if self._unit == "px" or pixel_mm2 is None else 1.0 / pixel_mm2
        totals = np.bincount(true.reshape(-1), minlength=self._n_classes + 1)[1:]
        box = _box(probabilities, min(THRESHOLDS))
        cut, under = probabilities[:, *box], true[box]
        found = {
            (threshold, filled): self._parts(cut, under, threshold, filled=filled)
            for threshold in THRESHOLDS
            for filled in (False, True)
        }
        for place, rule in enumerate(self._rules):
            for total, (sizes, hits) in zip(totals, found[rule.threshold, rule.fill_holes], strict=True):
                if sizes.size:
                    kept = kept_parts(sizes, largest=rule.largest, least=rule.min_size * scale)
                    predicted, both = int(sizes[kept].sum()), int(hits[kept].sum())
                else:
                    predicted, both = 0, 0
                if total + predicted:
                    self._sum[place] += 2 * both / (total + predicted)
                    self._count[place] += 1

    def choose(self) -> Chosen:
        """Return the simplest rule whose mean Dice is within :data:`TIE` of the best one's.

        The mean is over all images and classes in which anything is marked, truly or by the rule.
        """
        with np.errstate(invalid="ignore"):
            means = self._sum / self._count
        if not np.isfinite(means).any():
            return Chosen(MaskRule(unit=self._unit), None, None, len(self._rules))
        best = np.nanmax(means)
        near = [place for place, mean in enumerate(means) if mean >= best - TIE]
        place = min(near, key=lambda one: _plainness(self._rules[one]))
        plain = self._rules.index(MaskRule(unit=self._unit))
        return Chosen(
            self._rules[place], float(means[place]), _or_none(float(means[plain])), len(self._rules)
        )

    def _parts(
        self, probabilities: npt.NDArray[np.floating], true: Mask, threshold: float, *, filled: bool
    ) -> list[_FOUND]:
        """Return, for each class, the pixels of its parts and how many of them are right."""
        mask = thresholded(probabilities, threshold)
        if filled:
            for number in range(1, self._n_classes + 1):
                fill_holes(mask, number)
        parts = []
        for number in range(1, self._n_classes + 1):
            labels = label_components(mask == number)
            sizes = np.bincount(labels.reshape(-1))[1:].astype(np.int64)
            hits = np.bincount(labels[true == number], minlength=sizes.size + 1)[1:].astype(np.int64)
            parts.append((sizes, hits))
        return parts


def _rules(unit: Unit) -> Iterator[MaskRule]:
    plain = MaskRule(unit=unit)
    for threshold, filled, largest, size in itertools.product(
        THRESHOLDS, (False, True), (False, True), SIZES[unit]
    ):
        yield replace(plain, threshold=threshold, fill_holes=filled, largest=largest, min_size=size)


def _plainness(rule: MaskRule) -> tuple[float, ...]:
    return (rule.steps, abs(rule.threshold - 0.5), rule.min_size)


def _box(probabilities: npt.NDArray[np.floating], threshold: float) -> tuple[slice, slice]:
    """Return the smallest box around all that any threshold marks; of nothing, a pixel."""
    marked = probabilities.sum(axis=0) >= threshold
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
