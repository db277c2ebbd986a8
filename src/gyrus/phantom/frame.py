"""Where the pixels of a subject lie in its head: made once per subject, shared by its slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from gyrus.phantom.anatomy import FRAME_MM, Anatomy
from gyrus.phantom.fields import Field, folded_field, smooth_field


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixel grid of a subject in coordinates of its head, and its random fields.

    Attributes
    ----------
    x, y, side : ndarray of float32, shape (size, size)
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

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return int(self.x.shape[0])

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
    x = x + np.float32(anatomy.warp_mm) * smooth_field(rng, size, 0.10)
    y = y + np.float32(anatomy.warp_mm) * smooth_field(rng, size, 0.10)
    bias = np.exp(np.float32(bias_strength) * smooth_field(rng, size, 0.35))
    return Frame(
        x=x,
        y=y,
        side=np.abs(x),
        rim=rim,
        radius=radius,
        thickness=1 + np.float32(0.12) * smooth_field(rng, size, 0.16),
        folds=(_folds(rng, anatomy, size), _folds(rng, anatomy, size)),
        mottle=(folded_field(rng, size, 7 / FRAME_MM), smooth_field(rng, size, 0.035)),
        bias=bias.astype(np.float32),
        pixel_mm=FRAME_MM / size,
    )


def _folds(rng: np.random.Generator, anatomy: Anatomy, size: int) -> Field:
    return folded_field(rng, size, anatomy.folds_mm / FRAME_MM)


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
