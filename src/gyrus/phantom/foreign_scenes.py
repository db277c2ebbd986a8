"""Scans of something else, tissue and patterns: sections of a trunk, ultrasound, cells, grids and codes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Floats = npt.NDArray[np.float64]


def draw_organs(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A coarse section of a trunk or a limb: a rim, and round organs of all greys inside it."""
    image = Image.new("L", (width, height), int(rng.integers(0, 30)))
    draw = ImageDraw.Draw(image)
    middle, half = rng.uniform(0.45, 0.55, 2), rng.uniform(0.3, 0.49, 2) * (1.0, rng.uniform(0.6, 1.0))
    rim, flesh = int(rng.integers(40, 256)), int(rng.integers(40, 200))
    for shrunk, shade in ((1.0, rim), (rng.uniform(0.8, 0.97), flesh)):
        draw.ellipse(_around(middle, half * shrunk, width, height), fill=shade)
    mirrored = rng.random() < 0.5
    for _ in range(int(rng.integers(2, 12))):
        angle, out = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 0.6))
        place, size = half * out * (np.cos(angle), np.sin(angle)), half * rng.uniform(0.06, 0.45, 2)
        shade = int(rng.integers(0, 256))
        for side in (1.0, -1.0) if mirrored else (1.0,):
            draw.ellipse(_around(middle + place * (side, 1.0), size, width, height), fill=shade)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.02) * min(height, width)))
    return _grained(image, rng, most=14.0)


def draw_fan(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """An ultrasound: speckle in layers, in the sector that the probe sweeps."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, -1 : 1 : width * 1j]
    apex, opening = rng.uniform(-0.4, 0.05), rng.uniform(0.4, 1.2)
    far, angle = np.hypot(rows - apex, columns), np.arctan2(columns, rows - apex)
    near, deep = rng.uniform(0.1, 0.4), rng.uniform(0.8, 1.3)
    inside = (np.abs(angle) < opening) & (far > near) & (far < deep)
    layers = 0.5 + 0.5 * np.sin(far * rng.uniform(3, 40) + rng.uniform(0, 6) + rng.normal() * angle)
    for _ in range(int(rng.integers(0, 4))):  # cysts: round, dark or bright
        row, column, radius = rng.uniform(0.3, 0.8), rng.uniform(-0.5, 0.5), rng.uniform(0.05, 0.25)
        layers[np.hypot(rows - row, columns - column) < radius] = rng.choice([0.05, 1.2])
    speckle = rng.rayleigh(0.6, (height, width))
    image = _bytes(inside * layers * speckle * rng.uniform(90, 255) * np.exp(-far * rng.uniform(0, 1.5)))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.008) * width))


def draw_cells(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Cells side by side, with walls or without, as tissue, tiles, leaves and dried mud have."""
    count = int(rng.integers(6, 90))
    seeds, shades = rng.uniform(0, 1, (count, 2)), rng.uniform(0, 255, count)
    rows, columns = np.mgrid[0:1:96j, 0:1:96j]
    away = np.hypot(rows[..., None] - seeds[:, 0], columns[..., None] - seeds[:, 1])
    nearest = np.sort(away, axis=2)[:, :, :2]
    values = shades[away.argmin(2)] if rng.random() < 0.6 else np.full((96, 96), rng.uniform(60, 255))
    if rng.random() < 0.7:
        wall = nearest[:, :, 1] - nearest[:, :, 0] < rng.uniform(0.005, 0.04)
        values = np.where(wall, rng.uniform(0, 255), values)
    if rng.random() < 0.5:
        values = np.where(nearest[:, :, 0] < rng.uniform(0.01, 0.05), rng.uniform(0, 255), values)
    image = _bytes(values).resize((width, height), Image.Resampling.BICUBIC)
    return _grained(image, rng, most=20.0)


def draw_grid(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A code, bars, a chessboard, or dots in rows; now and then on a page."""
    across, style = int(rng.integers(4, 40)), rng.integers(4)
    dark, light = rng.uniform(0, 110), rng.uniform(140, 255)
    if style == 0:
        cells = rng.random((across, across)) < 0.5
    elif style == 1:
        cells = np.repeat(rng.random((1, across)) < 0.5, across, axis=0)
    elif style == 2:
        cells = np.add.outer(np.arange(across), np.arange(across)) % 2 == 0
    else:
        cells = np.outer(np.arange(across) % 2 == 0, np.arange(across) % 2 == 0)
    values = np.where(cells if rng.random() < 0.5 else ~cells, dark, light)
    image = _bytes(values).resize((width, height), Image.Resampling.NEAREST)
    if rng.random() < 0.4:
        page = Image.new("L", (width, height), int(rng.choice([dark, light])))
        small = image.resize((max(1, int(width * rng.uniform(0.3, 0.9))), max(1, int(height * 0.6))))
        page.paste(small, tuple((rng.uniform(0, 0.4, 2) * (width, height)).astype(int).tolist()))
        image = page
    turned = image.rotate(float(rng.normal(0, 20)), fillcolor=int(rng.choice([dark, light])))
    return _grained(turned if rng.random() < 0.4 else image, rng, most=10.0)


def _around(middle: Floats, half: Floats, width: int, height: int) -> tuple[float, float, float, float]:
    left, top = ((middle - half) * (width, height)).tolist()
    right, bottom = ((middle + half) * (width, height)).tolist()
    return left, top, right, bottom


def _grained(image: Image.Image, rng: np.random.Generator, most: float) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    return _bytes(values + rng.normal(0.0, rng.uniform(0.0, most), values.shape))


def _bytes(values: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
