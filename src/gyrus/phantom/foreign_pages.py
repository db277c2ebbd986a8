"""Pages of text, windows of programs, charts: what people hand to a program by mistake."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fu",
    "ga",
    "he",
    "in",
    "jo",
    "ka",
    "lu",
    "me",
    "no",
    "or",
    "pi",
    "qua",
    "re",
    "su",
    "ta",
    "un",
    "vi",
)
Colour = tuple[int, int, int]


def draw_text(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A page of lines in one size: a letter, a listing, a few large words."""
    paper, ink = _paper_and_ink(rng)
    image = Image.new("RGB", (width, height), paper)
    margin = int(rng.uniform(0.0, 0.12) * width)
    _paragraph(ImageDraw.Draw(image), rng, (margin, margin, width - margin, height - margin), ink)
    return image


def draw_screenshot(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A window: a bar of titles, often a column of links, panels with text, pictures, buttons, tables."""
    paper, ink = _paper_and_ink(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    bar = max(6, int(height * rng.uniform(0.05, 0.15)))
    draw.rectangle((0, 0, width, bar), fill=_colour(rng))
    _paragraph(draw, rng, (4, 1, width // 2, bar), ink, size_px=max(6, bar - 4))
    left = 0
    if rng.random() < 0.6:
        left = int(width * rng.uniform(0.15, 0.3))
        draw.rectangle((0, bar, left, height), fill=_between(paper, _colour(rng), 0.3))
        _paragraph(draw, rng, (3, bar + 4, left - 2, height), ink)
    top = bar
    while top < height - 12:
        bottom = min(height, top + int(rng.uniform(0.12, 0.4) * height) + 8)
        _panel(draw, rng, (left + 4, top + 3, width - 4, bottom - 3), paper, ink)
        top = bottom
    return image


def _panel(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    paper: Colour,
    ink: Colour,
) -> None:
    left, top, right, bottom = box
    if right - left < 8 or bottom - top < 8:
        return
    style = rng.integers(4)
    if style == 0:
        _paragraph(draw, rng, box, ink)
    elif style == 1:  # a picture with words beside it
        side = min(bottom - top, (right - left) // 2)
        draw.rectangle((left, top, left + side, bottom), fill=_colour(rng))
        draw.ellipse((left + side // 5, top + 3, left + side * 4 // 5, bottom - 3), fill=_colour(rng))
        _paragraph(draw, rng, (left + side + 4, top, right, bottom), ink)
    elif style == 2:  # a table
        rows, columns = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        for row in range(rows + 1):
            y = top + row * (bottom - top) // rows
            draw.line((left, y, right, y), fill=_between(paper, ink, 0.4))
        for column in range(columns):
            x = left + column * (right - left) // columns
            _paragraph(draw, rng, (x + 2, top + 1, x + (right - left) // columns - 2, bottom), ink)
    else:  # buttons
        for _ in range(int(rng.integers(1, 4))):
            x, y = int(rng.integers(left, right)), int(rng.integers(top, bottom))
            draw.rounded_rectangle((x, y, x + 40, y + 14), radius=4, fill=_colour(rng))
            draw.text((x + 4, y + 1), _word(rng), fill=_paper_and_ink(rng)[0], font=_font(9))


def draw_chart(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Bars, lines, dots or slices within axes."""
    paper, ink = _paper_and_ink(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = int(0.12 * width), int(0.1 * height), int(0.95 * width), int(0.88 * height)
    style = int(rng.integers(4))
    if style == 3:
        edges = np.cumsum(rng.dirichlet(np.ones(int(rng.integers(2, 7))))) * 360.0
        for start, end in zip([0.0, *edges[:-1]], edges, strict=True):
            draw.pieslice((left, top, right, bottom), start, end, fill=_colour(rng))
    else:
        count = int(rng.integers(4, 16)) if style == 0 else int(rng.integers(10, 80))
        x = np.linspace(left + 4, right - 4, count)
        y = bottom - rng.beta(1.5, 1.5, count) * (bottom - top - 4)
        _plot(draw, style, x, y, bottom, _colour(rng))
        draw.line((left, top, left, bottom, right, bottom), fill=ink, width=int(rng.integers(1, 3)))
    draw.text((left, 1), " ".join(_word(rng) for _ in range(3)), fill=ink, font=_font(max(8, top - 4)))
    draw.text((left, bottom + 2), "   ".join(str(n) for n in range(0, 50, 10)), fill=ink, font=_font(8))
    return image


def _plot(
    draw: ImageDraw.ImageDraw,
    style: int,
    x: np.ndarray[tuple[int], np.dtype[np.float64]],
    y: np.ndarray[tuple[int], np.dtype[np.float64]],
    bottom: int,
    fill: Colour,
) -> None:
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    if style == 0:
        half = max(1.0, (points[1][0] - points[0][0]) * 0.35)
        for at, value in points:
            draw.rectangle((at - half, value, at + half, bottom), fill=fill)
    elif style == 1:
        draw.line(points, fill=fill, width=2)
    else:
        for at, value in points:
            draw.ellipse((at - 2, value - 2, at + 2, value + 2), fill=fill)


def _paragraph(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    ink: Colour,
    size_px: int | None = None,
) -> None:
    """Write lines from the top of a box until it is full or the text has ended."""
    left, top, right, bottom = box
    if right - left < 6 or bottom - top < 6:
        return
    size = size_px or int(rng.choice([7, 8, 9, 10, 12, 14, 18, 28, 48]))
    font, step = _font(size), int(size * rng.uniform(1.1, 1.7))
    end = bottom if rng.random() < 0.7 else top + int((bottom - top) * rng.uniform(0.2, 1.0))
    for y in range(top, end - size + 1, step):
        letters = max(1, int((right - left) / (0.55 * size) * rng.uniform(0.3, 1.0)))
        line = ""
        while len(line) < letters:
            line += _word(rng) + " "
        draw.text((left, y), line[:letters], fill=ink, font=font)


def _word(rng: np.random.Generator) -> str:
    if rng.random() < 0.1:
        return str(int(rng.integers(10000)))
    word = "".join(_SYLLABLES[i] for i in rng.integers(len(_SYLLABLES), size=int(rng.integers(1, 5))))
    return word.capitalize() if rng.random() < 0.15 else word


@functools.cache
def _font(size_px: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=size_px)


def _colour(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.4:
        return (int(rng.integers(256)),) * 3
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _paper_and_ink(rng: np.random.Generator) -> tuple[Colour, Colour]:
    light, dark = (int(rng.integers(225, 256)),) * 3, (int(rng.integers(0, 60)),) * 3
    return (light, dark) if rng.random() < 0.65 else (dark, light)


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
