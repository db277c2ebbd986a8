"""How large a pixel is in the body: the fact column ``spacing_mm``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gyrus.data.manifest import Row
from gyrus.errors import ManifestError

SPACING = "spacing_mm"
"""Fact column: ``0.49 x 0.49 x 6``, distance of rows, of columns, and (if known) of slices."""
_SEPARATOR = re.compile(r"\s*[x×*]\s*|[\s,;]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances between neighbours.

    Attributes
    ----------
    height_mm, width_mm : float
        Of a pixel.
    slice_mm : float or None
        From one slice to the next; None where unknown.
    """

    height_mm: float
    width_mm: float
    slice_mm: float | None = None

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Height and width, in the order of an array's axes."""
        return self.height_mm, self.width_mm

    @property
    def area_mm2(self) -> float:
        """Area of a pixel."""
        return self.height_mm * self.width_mm

    @property
    def volume_mm3(self) -> float | None:
        """Volume of a pixel; None where the distance of the slices is unknown."""
        return None if self.slice_mm is None else self.area_mm2 * self.slice_mm


def spacing_of(row: Row) -> Spacing | None:
    """Return an image's spacing; None where the manifest does not tell it.

    Raises
    ------
    ManifestError
        When the column holds what is no distance: NaN, 0, a number below 0, text, one number, or four.

    >>> spacing_of(Row("a", "a.png", facts={"spacing_mm": "0.5 x 0.25 x 6"})).area_mm2
    0.125
    """
    told = row.facts.get(SPACING, "").strip()
    return parse_spacing(told, row.image_id) if told else None


def parse_spacing(text: str, where: str) -> Spacing:
    """Read ``HEIGHT x WIDTH`` or ``HEIGHT x WIDTH x SLICES`` in millimetres.

    Parameters
    ----------
    text : str
    where : str
        What it stands beside, for messages.

    Raises
    ------
    ManifestError
        See :func:`spacing_of`.
    """
    try:
        numbers = [float(part) for part in _SEPARATOR.split(text.strip())]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(math.isfinite(number) and number > 0 for number in numbers):
        raise ManifestError(
            f"{where}: {SPACING} is {text!r}; expected two or three distances above 0",
            fix="for example 0.49 x 0.49 x 6 (rows, columns, slices, in mm), or leave the cell empty",
        )
    return Spacing(*numbers)
