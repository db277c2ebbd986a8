"""What a mask marks, in numbers and lines: areas, parts, largest diameters, contours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data.spacing import Spacing
from gyrus.imaging.outlines import outlines
from gyrus.metrics.detection.components import connected_runs

Point = tuple[float, float]
_Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed line around a part, or around a hole in one.

    Attributes
    ----------
    points : tuple of (x, y)
        In pixels from the image's top left corner; the last joins the first.
    hole : bool
        Whether it lies inside: what it encloses is not marked.
    """

    points: tuple[Point, ...]
    hole: bool


@dataclass(frozen=True, slots=True)
class Region:
    """All that a mask marks as one class.

    Attributes
    ----------
    name : str
        The class.
    area_px : int
    area_mm2 : float or None
        None where the spacing is unknown, as of all that is in mm.
    parts : int
        Connected over sides and corners.
    largest_diameter_px, largest_diameter_mm : float or None
        The longest straight way between two points of one part's outline (Feret, 1930); None where nothing is
        marked.
    ends : tuple of two (x, y), or None
        Where that way begins and ends, of mm where they are known.
    contours : tuple of Contour
    """

    name: str
    area_px: int
    area_mm2: float | None
    parts: int
    largest_diameter_px: float | None
    largest_diameter_mm: float | None
    ends: tuple[Point, Point] | None
    contours: tuple[Contour, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as the published schema has them."""
        return {
            "class": self.name,
            "area_px": self.area_px,
            "area_mm2": self.area_mm2,
            "parts": self.parts,
            "largest_diameter_px": self.largest_diameter_px,
            "largest_diameter_mm": self.largest_diameter_mm,
            "ends": None if self.ends is None else [list(point) for point in self.ends],
            "contours": [
                {"hole": contour.hole, "points": [list(point) for point in contour.points]}
                for contour in self.contours
            ],
        }


def regions_of(
    mask: npt.NDArray[np.uint8], classes: tuple[str, ...], spacing: Spacing | None = None
) -> tuple[Region, ...]:
    """Measure what each class marks.

    Parameters
    ----------
    mask : ndarray of uint8
        (height, width): 0 background, ``i`` the class ``classes[i - 1]``.
    classes : tuple of str
    spacing : Spacing, optional
        Of the pixels; without it nothing is told in mm.
    """
    return tuple(_region(mask == number, name, spacing) for number, name in enumerate(classes, 1))


def _region(own: npt.NDArray[np.bool_], name: str, spacing: Spacing | None) -> Region:
    area = int(own.sum())
    contours = tuple(_contour(line) for line in outlines(own)) if area else ()
    rings = [np.array(contour.points) for contour in contours if not contour.hole]
    scale = np.array([1.0, 1.0] if spacing is None else [spacing.width_mm, spacing.height_mm])
    longest = max((_diameter(ring, scale) for ring in rings), key=lambda found: found[0], default=None)
    in_px = max((_diameter(ring, np.ones(2))[0] for ring in rings), default=None)
    return Region(
        name=name,
        area_px=area,
        area_mm2=None if spacing is None else area * spacing.area_mm2,
        parts=connected_runs(own).n_parts,
        largest_diameter_px=in_px,
        largest_diameter_mm=None if spacing is None or longest is None else longest[0],
        ends=None if longest is None else longest[1],
        contours=contours,
    )


def _contour(line: list[Point]) -> Contour:
    x, y = np.array(line).T
    # outlines run with the inside to their left: with y pointing down, a part has a negative area (Gauss)
    return Contour(tuple(line), float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) > 0)


def _diameter(points: _Points, scale: _Points) -> tuple[float, tuple[Point, Point]]:
    """Return the largest distance between two points of a ring, in the unit of ``scale``, and the points."""
    corners = points[_hull(points)]
    scaled = corners * scale
    apart = np.hypot(*(scaled[:, np.newaxis] - scaled[np.newaxis]).transpose(2, 0, 1))
    first, second = np.unravel_index(int(apart.argmax()), apart.shape)
    one, other = ((float(x), float(y)) for x, y in (corners[first], corners[second]))
    return float(apart[first, second]), (one, other)


def _hull(points: _Points) -> list[int]:
    """Return the corners of the convex hull (Andrew, 1979), as places in ``points``."""
    order = np.lexsort((points[:, 1], points[:, 0])).tolist()
    x, y = points.T.tolist()
    found: list[int] = []
    for places in (order, order[::-1]):
        half: list[int] = []
        for place in places:
            while len(half) > 1 and _turns_right(x, y, half[-2], half[-1], place):
                half.pop()
            half.append(place)
        found += half[:-1]
    return found or order[:1]


def _turns_right(x: list[float], y: list[float], first: int, second: int, third: int) -> bool:
    return (x[second] - x[first]) * (y[third] - y[first]) <= (y[second] - y[first]) * (x[third] - x[first])
