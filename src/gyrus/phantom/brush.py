"""Soft shapes: each returns how far a pixel lies inside (mm, negative outside); ``paint`` blends by it."""

from __future__ import annotations

import numpy as np

from gyrus.phantom.fields import Field


def cover(inside: Field, soft_mm: float) -> Field:
    """Return the share of a pixel that a shape covers: 0 outside, 1 inside, a ramp of ``soft_mm`` between."""
    share = inside * np.float32(1 / soft_mm)
    share += np.float32(0.5)
    return np.clip(share, 0, 1, out=share)


def paint(image: Field, share: Field, value: float | Field) -> None:
    """Blend ``value`` into ``image`` where ``share`` is above 0, in place."""
    image += share * (value - image)


def ellipse(
    x: Field, y: Field, centre: tuple[float, float], half: tuple[float, float], turn_deg: float = 0.0
) -> Field:
    """Return how far inside an ellipse each pixel lies (first-order distance, exact on a circle)."""
    right, below = x - np.float32(centre[0]), y - np.float32(centre[1])
    if turn_deg:
        cos, sin = np.float32(np.cos(np.deg2rad(turn_deg))), np.float32(np.sin(np.deg2rad(turn_deg)))
        right, below = cos * right + sin * below, cos * below - sin * right
    right *= np.float32(1 / half[0])
    below *= np.float32(1 / half[1])
    right *= right
    below *= below
    right += below
    np.sqrt(right, out=right)
    return np.float32(min(half)) * (1 - right)


def capsule(
    x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], radius: tuple[float, float]
) -> Field:
    """Return how far inside a stroke each pixel lies; its radius runs from ``radius[0]`` to ``radius[1]``."""
    step = (end[0] - start[0], end[1] - start[1])
    length = max(step[0] ** 2 + step[1] ** 2, 1e-6)
    right, below = x - np.float32(start[0]), y - np.float32(start[1])
    along = right * np.float32(step[0] / length)
    along += below * np.float32(step[1] / length)
    np.clip(along, 0, 1, out=along)
    right -= along * np.float32(step[0])
    below -= along * np.float32(step[1])
    right *= right
    below *= below
    right += below
    np.sqrt(right, out=right)  # np.hypot guards against overflow and takes five times as long
    along *= np.float32(radius[1] - radius[0])
    along += np.float32(radius[0])
    along -= right
    return along
