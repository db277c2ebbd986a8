"""The contours of a mask as a picture to be laid over its image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw

from gyrus.inference.mask_regions import Contour, Region
from gyrus.pages.colour import contour_colours

_TIMES = 3
"""Drawn so many times larger and then shrunk: Pillow's lines have no smooth edges of their own."""
_LINE_SHARE, _THINNEST_PX = 1 / 260, 1.5
FILL = 0.16
"""Opacity of what a contour encloses."""


def contour_layer(
    regions: Sequence[Region], *, height_px: int, width_px: int, shown_height_px: int, shown_width_px: int
) -> Image.Image:
    """Return contours as RGBA, transparent where nothing is marked.

    Parameters
    ----------
    regions : sequence of Region
    height_px, width_px : int
        Of the image that they were measured on.
    shown_height_px, shown_width_px : int
        Of the picture.
    """
    size = shown_width_px * _TIMES, shown_height_px * _TIMES
    scale = np.array([size[0] / width_px, size[1] / height_px])
    line_px = round(_TIMES * max(_THINNEST_PX, _LINE_SHARE * max(shown_height_px, shown_width_px)))
    colours = contour_colours([region.name for region in regions])
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    for region in in_drawing_order(regions):
        ink = Image.new("RGBA", size, ImageColor.getrgb(colours[region.name]))
        ink.putalpha(_alpha(region.contours, size, scale, line_px))
        layer = Image.alpha_composite(layer, ink)
    # premultiplied, lest the transparent pixels' black darkens the edges
    return _shrunk(layer, (shown_width_px, shown_height_px))


def in_drawing_order(regions: Sequence[Region]) -> list[Region]:
    """Return what is marked, the largest first: a border that two share is drawn as the smaller one's."""
    return sorted((region for region in regions if region.contours), key=lambda region: -region.area_px)


def over(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """Return a picture (RGB) with a layer of its size over it."""
    merged = picture.convert("RGB")
    merged.paste(layer, (0, 0), layer)
    return merged


def _alpha(
    contours: Sequence[Contour], size: tuple[int, int], scale: npt.NDArray[np.float64], line_px: int
) -> Image.Image:
    """Return how opaque each pixel is (L): what is enclosed a little, the lines all."""
    alpha = Image.new("L", size, 0)
    pen = ImageDraw.Draw(alpha)
    paths = [(contour, np.array(contour.points) * scale) for contour in contours]
    # the largest first: a hole takes out of its part, and a part within the hole comes back
    for contour, path in sorted(paths, key=lambda pair: -_area(pair[1])):
        pen.polygon([*map(tuple, path)], fill=0 if contour.hole else round(255 * FILL))
    for _, path in paths:
        pen.line([*map(tuple, path), tuple(path[0]), tuple(path[1])], fill=255, width=line_px, joint="curve")
    return alpha


def _area(path: npt.NDArray[np.float64]) -> float:
    x, y = path.T
    return float(abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2)


def _shrunk(layer: Image.Image, size: tuple[int, int]) -> Image.Image:
    return layer.convert("RGBa").resize(size, Image.Resampling.BOX).convert("RGBA")
