"""Where the pixels of a subject lie in its head: made once per subject, shared by its slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gyrus.phantom.anatomy import FRAME_MM, Anatomy
from gyrus.phantom.fields import Field, folded_field, smooth_field

MARGIN_MM = 6.0  # around the skin: eyes stand out a little


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels around a head, in coordinates of the head, and the subject's random fields.

    Attributes
    ----------
    window : tuple of slice
        Rows and columns of the image that hold the head; all arrays have its shape, (height, width).
    x, y, side : ndarray of float32
        Bent head coordinates in mm, and ``abs(x)``.
    rim : ndarray
        Distance in mm from the middle to the outline of the head in each pixel's direction.
    radius : ndarray
        Distance in mm from the middle, along that direction.
    thickness : ndarray
        Factor on the thickness of scalp and skull.
    folds : tuple of two ndarrays
        Patterns between which the cortex turns from slice to slice.
    mottle : tuple of two ndarrays
        The same for the fine texture.
    bias : ndarray
        Gain of the receive coil, about 1.
    pixel_mm : float
        Size of a pixel.
    """

    window: tuple[slice, slice]
    x: Field
    y: Field
    side: Field
    rim: Field
    radius: Field
    thickness: Field
    folds: tuple[Field, Field]
    mottle: tuple[Field, Field]
    bias: Field
    pixel_mm: float

    def pressed(self, x_mm: float, y_mm: float, radius_mm: float) -> Frame:
        """Return the frame with the anatomy pushed away from a point, as a growing mass pushes it.

        The skull stays where it is. At the distance ``d`` from the point the anatomy is moved outwards by
        ``0.35 d exp(-(d / 1.6 radius)²)``.
        """
        right, below = self.x - np.float32(x_mm), self.y - np.float32(y_mm)
        pull = np.float32(0.35) * np.exp(
            (right * right + below * below) * np.float32(-1 / (1.6 * radius_mm) ** 2)
        )
        x, y = self.x - pull * right, self.y - pull * below
        return replace(self, x=x, y=y, side=np.abs(x))


def make_frame(rng: np.random.Generator, anatomy: Anatomy, size: int, *, bias_strength: float) -> Frame:
    """Lay the pixel grid over a head."""
    x, y = _pose(anatomy, size)
    radius = np.sqrt(x * x + y * y) + np.float32(1e-3)
    rim = _outline(anatomy, x / radius, y / radius)
    window = _window(radius < rim + np.float32(MARGIN_MM))
    x, y, radius, rim = (np.ascontiguousarray(plane[window]) for plane in (x, y, radius, rim))

    def smooth(width: float) -> Field:
        return smooth_field(rng, size, width)[window]

    def folded(wavelength_mm: float) -> Field:
        return folded_field(rng, size, wavelength_mm / FRAME_MM)[window]

    x += np.float32(anatomy.warp_mm) * smooth(0.10)
    y += np.float32(anatomy.warp_mm) * smooth(0.10)
    return Frame(
        window=window,
        x=x,
        y=y,
        side=np.abs(x),
        rim=rim,
        radius=radius,
        thickness=1 + np.float32(0.12) * smooth(0.16),
        folds=(folded(anatomy.folds_mm), folded(anatomy.folds_mm)),
        mottle=(folded(7.0), smooth(0.035)),
        bias=np.exp(np.float32(bias_strength) * smooth(0.35)),
        pixel_mm=FRAME_MM / size,
    )


def _window(wanted: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns that hold all wanted pixels."""
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


@lru_cache(maxsize=4)
def _grid(size: int) -> tuple[Field, Field]:
    at = ((np.arange(size) + 0.5) / size - 0.5) * FRAME_MM
    across, down = np.meshgrid(at, at)
    return across.astype(np.float32), down.astype(np.float32)


def _pose(anatomy: Anatomy, size: int) -> tuple[Field, Field]:
    across, down = _grid(size)
    turn = np.deg2rad(anatomy.tilt_deg)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    right, below = (np.float32(value) for value in anatomy.shift_mm)
    across, down = across - right, down - below
    return cos * across + sin * down, cos * down - sin * across


def _outline(anatomy: Anatomy, cos: Field, sin: Field) -> Field:
    """Return the outline in each direction: an ellipse bent by a few harmonics (Chebyshev's recurrence)."""
    ellipse = 1 / np.sqrt((cos / anatomy.half_width_mm) ** 2 + (sin / anatomy.half_length_mm) ** 2)
    before, now = np.ones_like(cos), cos
    bend = 1 + np.float32(anatomy.outline[4]) * sin
    for amplitude in anatomy.outline[:4]:
        before, now = now, 2 * cos * now - before
        bend += np.float32(amplitude) * now
    return (ellipse * bend).astype(np.float32)
