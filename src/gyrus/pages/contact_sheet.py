"""A contact sheet: rows of small pictures with captions, under a title, as one image (Pillow)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_GAP, _MARGIN = 8, 16
_TITLE_PX, _TEXT_PX, _CAPTION_PX = 20, 13, 11
_PAPER, _INK, _FAINT = (255, 255, 255), (25, 28, 33), (95, 100, 110)
_OUTLINE = (255, 190, 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture.

    Attributes
    ----------
    pixels : ndarray of uint8
        (height, width, 1 or 3).
    caption : tuple of str
        Lines below it.
    mask : ndarray of bool or None
        (height, width); its border is drawn.
    """

    pixels: npt.NDArray[np.uint8]
    caption: tuple[str, ...] = ()
    mask: npt.NDArray[np.bool_] | None = None


def contact_sheet(
    title: str, lines: Sequence[str], rows: Sequence[Sequence[Cell]], *, side_px: int = 192
) -> Image.Image:
    """Draw rows of cells, each picture as a square of ``side_px``.

    Parameters
    ----------
    title : str
        In large letters.
    lines : sequence of str
        Below it; broken where they are too long.
    rows : sequence of sequences of Cell
        As many cells in each row.
    side_px : int
        Of the pictures.
    """
    columns = max(len(row) for row in rows)
    width = 2 * _MARGIN + columns * side_px + (columns - 1) * _GAP
    text = [part for line in lines for part in _broken(line, _font(_TEXT_PX), width - 2 * _MARGIN)]
    top = _MARGIN + 2 * _TITLE_PX + len(text) * _line(_TEXT_PX) + _GAP
    heights = [side_px + _caption_height(row) + _GAP for row in rows]
    sheet = Image.new("RGB", (width, top + sum(heights) + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN), title, _INK, _font(_TITLE_PX))
    for number, line in enumerate(text):
        pen.text((_MARGIN, _MARGIN + 2 * _TITLE_PX + number * _line(_TEXT_PX)), line, _FAINT, _font(_TEXT_PX))
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            _draw_cell(sheet, pen, cell, _MARGIN + column * (side_px + _GAP), top, side_px)
        top += height
    return sheet


def to_png(picture: Image.Image) -> bytes:
    """Return the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def outlined(pixels: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return the picture (height, width, 3) with the border of ``mask`` drawn on it."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    picture = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels.copy()
    picture[mask & ~inner] = _OUTLINE
    return picture


def _draw_cell(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, cell: Cell, left: int, top: int, side_px: int
) -> None:
    pixels = cell.pixels if cell.mask is None else outlined(cell.pixels, cell.mask)
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    sheet.paste(picture.resize((side_px, side_px), Image.Resampling.BILINEAR), (left, top))
    for number, line in enumerate(cell.caption):
        place = (left, top + side_px + 3 + number * _line(_CAPTION_PX))
        pen.text(place, _cut(line, _font(_CAPTION_PX), side_px), _FAINT, _font(_CAPTION_PX))


def _caption_height(row: Sequence[Cell]) -> int:
    return max(len(cell.caption) for cell in row) * _line(_CAPTION_PX) + 4


def _line(size_px: int) -> int:
    return round(1.3 * size_px)


@lru_cache(maxsize=8)  # it is decoded anew at every call otherwise
def _font(size_px: int) -> Font:
    return ImageFont.load_default(size=size_px)


def _broken(text: str, font: Font, width: int) -> list[str]:
    """Break a line between words."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(text: str, font: Font, width: int) -> str:
    """Cut what is too long, from the front: the end of a file's name tells more than its folder."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"…{text}") > width:
        text = text[1:]
    return f"…{text}"
