"""Colours: one per class, and one scale for heat maps."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# The palette of Okabe and Ito (2008), told apart with any colour vision; without black and yellow, which
# vanish on a dark or a light page.
_PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")

# Bright enough to be seen on a scan, light and dark places alike.
_CONTOURS = ("#ff8a3c", "#4cc9f0", "#b5f23d", "#ff5cc8", "#ffe14d", "#a99bff")

# Anchors of the heat scale in OKLab's polar form: lightness, chroma, hue in degrees. Lightness rises evenly,
# so equal steps of heat look equal, and the scale still works when printed without colour.
_HEAT_LIGHTNESS = (0.28, 0.93)
_HEAT_ANCHORS = (0.0, 0.35, 0.65, 1.0)
_HEAT_CHROMA = (0.10, 0.19, 0.19, 0.12)
_HEAT_HUE_DEG = (300.0, 355.0, 405.0, 465.0)
_LEVELS = 256


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return a colour per class as ``#rrggbb``; the same classes have the same colours in every picture."""
    return {name: _PALETTE[index % len(_PALETTE)] for index, name in enumerate(classes)}


def contour_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return a colour per class for lines over a scan, as ``#rrggbb``; the same ones in every picture."""
    return {name: _CONTOURS[index % len(_CONTOURS)] for index, name in enumerate(classes)}


@functools.cache
def heat_scale() -> npt.NDArray[np.uint8]:
    """Return (256, 3) colours: no heat is dark violet, then red and orange, full heat is pale yellow."""
    position = np.linspace(0, 1, _LEVELS)
    lightness = np.linspace(*_HEAT_LIGHTNESS, _LEVELS)
    chroma = np.interp(position, _HEAT_ANCHORS, _HEAT_CHROMA)
    hue = np.deg2rad(np.interp(position, _HEAT_ANCHORS, _HEAT_HUE_DEG))
    # Chroma beyond what a screen can show is given up, lightness and hue are kept.
    for _ in range(40):
        colours = _oklab_to_srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
        outside = ((colours < 0) | (colours > 1)).any(axis=1)
        if not outside.any():
            break
        chroma = np.where(outside, chroma * 0.97, chroma)
    scale = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)
    scale.flags.writeable = False  # one array serves all callers
    return scale


def _oklab_to_srgb(
    lightness: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return (n, 3) sRGB values, unclipped.

    Matrices of Ottosson (2020), "A perceptual color space for image processing"; transfer function of
    IEC 61966-2-1.
    """
    lab = np.stack([lightness, a, b], axis=1)
    to_cones = np.array([
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ])  # fmt: skip
    to_linear = np.array([
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ])  # fmt: skip
    linear = (lab @ to_cones.T) ** 3 @ to_linear.T
    small = linear <= 0.0031308
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(small, 12.92 * linear, curved))
