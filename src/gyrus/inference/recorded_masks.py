"""The part of published evidence that tells of masks, read back; contours give the mask, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gyrus.data.spacing import Spacing
from gyrus.decision.mask_rule import MaskRule
from gyrus.imaging.outlines import filled
from gyrus.inference.mask_regions import Contour, Region
from gyrus.inference.mask_spread import MaskSpread
from gyrus.inference.segmented import PictureClass, Segmented
from gyrus.inference.segmenting import CELLS


def segmented_from_json(told: Mapping[str, Any], *, height_px: int, width_px: int) -> Segmented:
    """Return the mask and what made it; the probabilities were not kept.

    Raises
    ------
    KeyError, TypeError, ValueError
        When it is none of the schema, or a contour is none of a mask of this size.
    """
    mask = np.zeros((height_px, width_px), np.uint8)
    for number, region in enumerate(told["classes"], 1):
        lines = [contour["points"] for contour in region["contours"]]
        mask[filled(lines, height_px=height_px, width_px=width_px)] = number
    spacing = spacing_from_json(told)
    count = len(told["classes"])
    return Segmented(
        mask=mask,
        probabilities=np.empty((count, 0, 0), np.float32),
        rule=MaskRule(**told["rule"]),
        cells=np.empty((0, CELLS, CELLS), np.float32),
        picture=_picture(told["picture"]),
        pixel_mm2=None if spacing is None else spacing.area_mm2,
        windows=int(told["windows"]),
        mirrored=bool(told.get("mirrored", False)),
    )


def regions_from_json(told: Mapping[str, Any]) -> tuple[Region, ...]:
    """Return what is marked as each class."""
    return tuple(_region(block) for block in told["classes"])


def spacing_from_json(told: Mapping[str, Any]) -> Spacing | None:
    """Return the size of a pixel; None where it was not known."""
    return None if told["spacing_mm"] is None else Spacing(*map(float, told["spacing_mm"]))


def mask_spread_from_json(told: Mapping[str, Any]) -> MaskSpread | None:
    """Return the spread over moved views; None where it was not asked for."""
    block = told["spread"]
    if block is None:
        return None
    return MaskSpread(
        views=block["views"],
        entropy=block["entropy"],
        dice=block["dice"],
        area_mean_px={name: float(one["mean"]) for name, one in block["area_px"].items()},
        area_sd_px={name: float(one["sd"]) for name, one in block["area_px"].items()},
    )


def _region(block: Mapping[str, Any]) -> Region:
    contours = tuple(
        Contour(tuple((float(x), float(y)) for x, y in contour["points"]), contour["hole"])
        for contour in block["contours"]
    )
    ends = None
    if block["ends"] is not None:
        (first_x, first_y), (second_x, second_y) = block["ends"]
        ends = (float(first_x), float(first_y)), (float(second_x), float(second_y))
    return Region(
        name=block["class"],
        area_px=block["area_px"],
        area_mm2=block["area_mm2"],
        parts=block["parts"],
        largest_diameter_px=block["largest_diameter_px"],
        largest_diameter_mm=block["largest_diameter_mm"],
        ends=ends,
        contours=contours,
    )


def _picture(block: Mapping[str, Any] | None) -> PictureClass | None:
    if block is None:
        return None
    names = tuple(block["probabilities"])
    return PictureClass(
        names,
        np.array([block["probabilities"][name] for name in names], dtype=np.float64),
        np.array([block["logits"][name] for name in names], dtype=np.float32),
    )
