"""What is no brain MRI at all: pages, charts, noise, blanks, drawn to train and to show the input gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.errors import UsageError
from gyrus.phantom.foreign_objects import draw_leaves, draw_objects, draw_strokes, draw_trunk
from gyrus.phantom.foreign_pages import draw_chart, draw_screenshot, draw_text
from gyrus.phantom.foreign_scenes import draw_cells, draw_fan, draw_grid, draw_organs

Pixels = npt.NDArray[np.uint8]
_Draw = Callable[[np.random.Generator, int, int], Pixels]

_SIDES_PX = (64, 420)


def foreign_image(kind: str, seed: int, number: int = 0, side_px: int | None = None) -> Pixels:
    """Draw one image that is no brain MRI.

    Parameters
    ----------
    kind : str
        One of :data:`FOREIGN`.
    seed, number : int
        The same two give the same image.
    side_px : int, optional
        Height and width; default: both drawn, 64 to 420.

    Returns
    -------
    ndarray of uint8
        (height, width, 3).
    """
    if kind not in _DRAW:
        raise UsageError(f"foreign kind {kind!r} is none of {', '.join(_DRAW)}")
    rng = np.random.default_rng([seed, number, *kind.encode()])
    height, width = (
        (side_px, side_px) if side_px else rng.integers(*_SIDES_PX, size=2, endpoint=True).tolist()
    )
    return _DRAW[kind](rng, height, width)


def _blank(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """One colour, or one within the noise of a sensor."""
    colour = rng.choice([0, 255, int(rng.integers(256))]) if rng.random() < 0.7 else rng.integers(0, 256, 3)
    sigma = rng.choice([0.0, 1.0, 3.0])
    return _bytes(np.full((height, width, 3), colour) + rng.normal(0.0, sigma, (height, width, 1)))


def _noise(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """White, binary, or with a spectrum that falls with the frequency (what clouds and textures have)."""
    style = rng.integers(4)
    shape = (height, width, 3 if rng.random() < 0.4 else 1)
    if style == 0:
        return _bytes(rng.normal(rng.uniform(40, 200), rng.uniform(10, 90), shape))
    if style == 1:
        return _bytes(255.0 * (rng.random(shape) < rng.uniform(0.05, 0.95)))
    if style == 2:
        return _bytes(rng.rayleigh(rng.uniform(10, 80), shape))
    return _bytes(_spectral(rng, height, width, slope=rng.uniform(0.5, 2.2)))


def _spectral(rng: np.random.Generator, height: int, width: int, slope: float) -> npt.NDArray[np.float64]:
    """Return (height, width, 1) noise whose amplitude falls as 1/frequency^slope, stretched to 0…255."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / frequency**slope
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(height, width))
    low, high = np.percentile(field, [1, 99])
    return cast("npt.NDArray[np.float64]", ((field - low) / (high - low) * 255.0)[:, :, None])


def _gradient(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """From one colour to another: along a line, outwards, around, or in waves."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.8, 2)
    style = rng.integers(4)
    if style == 0:
        way = x * np.cos(angle) + y * np.sin(angle)
    elif style == 1:
        way = np.hypot(x - centre[0], y - centre[1])
    elif style == 2:
        way = np.arctan2(y - centre[1], x - centre[0])
    else:
        way = np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(3, 60))
    way = (way - way.min()) / np.ptp(way)
    first, last = rng.integers(0, 256, (2, 3)) if rng.random() < 0.4 else rng.integers(0, 256, (2, 1))
    return _bytes(first + (last - first) * way[:, :, None])


def _bytes(values: npt.NDArray[np.floating]) -> Pixels:
    pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _drawn(draw: Callable[[np.random.Generator, int, int], Image.Image]) -> _Draw:
    return lambda rng, height, width: np.array(draw(rng, height, width).convert("RGB"))


_DRAW: dict[str, _Draw] = {
    "blank": _blank,
    "noise": _noise,
    "gradient": _gradient,
    "text": _drawn(draw_text),
    "screenshot": _drawn(draw_screenshot),
    "chart": _drawn(draw_chart),
    "objects": _drawn(draw_objects),
    "leaves": _drawn(draw_leaves),
    "strokes": _drawn(draw_strokes),
    "trunk": _drawn(draw_trunk),
    "organs": _drawn(draw_organs),
    "fan": _drawn(draw_fan),
    "cells": _drawn(draw_cells),
    "grid": _drawn(draw_grid),
}
FOREIGN: tuple[str, ...] = tuple(_DRAW)
"""The kinds: ``objects`` are round things on black, ``leaves`` overlapping shapes such as photos are made of
(Lee, Mumford and Huang 2001), ``trunk`` a coarse chest, joint or limb in grey, ``organs`` a section of a
trunk, ``fan`` an ultrasound."""
