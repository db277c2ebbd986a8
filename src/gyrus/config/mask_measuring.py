"""Options of how predicted masks are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class MaskMeasuringOptions:
    """How masks are held against true ones."""

    surface_tolerance: float = 2.0
    """Of masks: how far a border may lie from the true one to count as right (surface Dice); in mm where the
    images' spacing_mm is known, else in pixels."""
    found_share: float = 0.5
    """Of masks: share of an object's pixels from which on it counts as found."""

    def check_mask_measuring(self) -> None:
        """Raise UsageError for numbers out of range."""
        if not (self.surface_tolerance >= 0 and math.isfinite(self.surface_tolerance)):
            raise UsageError(f"surface_tolerance is {self.surface_tolerance}; expected 0 or more")
        if not 0 < self.found_share <= 1:
            raise UsageError(f"found_share is {self.found_share}; expected a share above 0, at most 1")
