"""Pictures of an answer, as PNG: the image as it is shown, what lies over it (heat, or a mask's contours),
training cases."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.inference.evidence import Evidence
from gyrus.inference.mask_regions import Region
from gyrus.inference.mask_rows import mask_png
from gyrus.pages.colour import heat_scale
from gyrus.pages.contours import contour_layer
from gyrus.pages.evidence_sections import shrunk
from gyrus.pages.overlay import normalised, stretched

SIDE_PX = 1024
"""Longer side of an image as it is shown; larger ones are shrunk."""
HEAT_SIDE_PX = 256
"""Longer side of a heat map, which is coarse anyway: the browser stretches it over the image."""
CONTOUR_SIDE_PX = 768
"""Longer side of a contour over a smaller image: its lines should be thinner than the image's pixels."""
_COMPRESSION = 2  # a third of the time of Pillow's 6 for a sixth more bytes


def pictures_of(examined: Sequence[Evidence]) -> dict[str, bytes]:
    """Return ``image-N``, ``heat-N``, ``mask-N`` and ``nearest-N-K`` of each image, where there is such."""
    found: dict[str, bytes] = {}
    for number, one in enumerate(examined):
        pixels = one.answer.pixels
        if pixels is None:
            continue
        found[f"image-{number}"] = _png(_plain(shrunk(pixels, SIDE_PX)))
        if one.heat_map is not None:
            found[f"heat-{number}"] = heat_png(one.heat_map.over_image, *pixels.shape[:2])
        if one.answer.segmentation is not None and one.refused is None:
            found[f"mask-{number}"] = mask_png(one.answer.segmentation.mask)
        if one.regions:
            found[f"heat-{number}"] = contour_png(one.regions, *pixels.shape[:2])
        for rank, case in enumerate(one.nearest):
            if case.thumbnail is not None:
                found[f"nearest-{number}-{rank}"] = _png(case.thumbnail)
    return found


def heat_png(heat: npt.NDArray[np.floating], height_px: int, width_px: int) -> bytes:
    """Return heat as an RGBA picture to be laid over an image: the hotter, the more opaque.

    Parameters
    ----------
    heat : ndarray of float
        (rows, columns) over the whole image.
    height_px, width_px : int
        Of the image, whose shape the picture has.
    """
    factor = min(1.0, HEAT_SIDE_PX / max(height_px, width_px))
    height, width = max(1, round(factor * height_px)), max(1, round(factor * width_px))
    warmth = np.rint(255 * stretched(normalised(heat), height_px=height, width_px=width)).astype(np.uint8)
    return _png(np.dstack([heat_scale()[warmth], warmth]))


def contour_png(regions: Sequence[Region], height_px: int, width_px: int) -> bytes:
    """Return the contours of a mask as an RGBA picture to be laid over an image of this size."""
    factor = min(max(1.0, CONTOUR_SIDE_PX / max(height_px, width_px)), SIDE_PX / max(height_px, width_px))
    height, width = max(1, round(factor * height_px)), max(1, round(factor * width_px))
    layer = contour_layer(
        regions, height_px=height_px, width_px=width_px, shown_height_px=height, shown_width_px=width
    )
    return _png(np.asarray(layer))


def _plain(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()
