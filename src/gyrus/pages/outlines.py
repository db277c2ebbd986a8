"""The outline of a mask as a path of a page."""

from __future__ import annotations

import numpy.typing as npt

from gyrus.imaging.outlines import outlines

__all__ = ["outlines", "path_of"]


def path_of(mask: npt.ArrayLike) -> str:
    """Return the outlines as the ``d`` of an SVG path; empty for an empty mask."""
    parts = []
    for line in outlines(mask):
        points = " ".join(f"{x:g} {y:g}" for x, y in line)
        parts.append(f"M{points}Z")
    return "".join(parts)
