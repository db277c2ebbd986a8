"""A heat map laid over its image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gyrus.errors import UsageError
from gyrus.pages.colour import heat_scale
from gyrus.runs.atomic import write_bytes

OPACITY = 0.6
_MARGIN_PX = 8


def overlay(
    pixels: npt.NDArray[np.uint8],
    heat: npt.NDArray[np.floating],
    opacity: float = OPACITY,
    *,
    colour_bar: bool = False,
    caption: str = "",
) -> Image.Image:
    """Return the image with the heat map over it.

    Where there is no heat the image shows through untouched; the hotter, the more opaque.

    Parameters
    ----------
    pixels : ndarray of uint8
        (height, width), (height, width, 1) or (height, width, 3).
    heat : ndarray of float
        (rows, columns) of any size, covering the whole image (a map over the network's square is first laid
        out by :meth:`gyrus.imaging.geometry.Placement.over_image`); see :func:`normalised`.
    opacity : float
        Opacity of the hottest place, from 0 to 1.
    colour_bar : bool
        Add a scale to the right.
    caption : str
        Text below the picture.

    Returns
    -------
    PIL.Image.Image
        RGB, of the image's size without colour bar and caption.

    Raises
    ------
    UsageError
        For an opacity outside 0…1, or arrays of other shapes.
    """
    if not 0 <= opacity <= 1:
        raise UsageError(f"opacity is {opacity}; expected 0 to 1")
    base = _as_rgb(pixels)
    warmth = stretched(normalised(heat), height_px=base.shape[0], width_px=base.shape[1])
    colours = heat_scale()[np.rint(warmth * 255).astype(np.uint8)].astype(np.float32)
    weight = (opacity * warmth)[:, :, np.newaxis]
    mixed = base * (1 - weight) + colours * weight
    picture = Image.fromarray(np.rint(mixed).astype(np.uint8))
    if colour_bar:
        picture = _with_colour_bar(picture)
    return with_caption(picture, caption) if caption else picture


def write_overlay(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    heat: npt.NDArray[np.floating],
    opacity: float = OPACITY,
    *,
    caption: str = "",
) -> None:
    """Write :func:`overlay`, with its colour bar, as a PNG file.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    buffer = io.BytesIO()
    overlay(pixels, heat, opacity, colour_bar=True, caption=caption).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())


def normalised(heat: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return heat from 0 to 1: what speaks against the class is cut off, the hottest place becomes 1.

    A map without any positive value becomes 0 everywhere.

    Raises
    ------
    UsageError
        When it is not (rows, columns) or holds NaN.
    """
    if heat.ndim != 2 or heat.size == 0 or not np.isfinite(heat).all():
        raise UsageError(f"a heat map is (rows, columns) of finite numbers; got shape {heat.shape}")
    positive = np.maximum(heat.astype(np.float32), 0)
    top = float(positive.max())
    return np.asarray(positive / np.float32(top if top > 0 else 1), dtype=np.float32)


def stretched(heat: npt.NDArray[np.float32], *, height_px: int, width_px: int) -> npt.NDArray[np.float32]:
    """Return heat brought bilinearly to an image's size, clipped to 0…1."""
    grown = Image.fromarray(heat).resize((width_px, height_px), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(grown, dtype=np.float32), 0, 1)


def with_caption(picture: Image.Image, caption: str) -> Image.Image:
    """Return the picture with a line of text below, shortened to its width."""
    size = max(11, picture.height // 22)
    font = ImageFont.load_default(size)
    text = caption
    while len(text) > 1 and font.getlength(text) > picture.width - 2 * _MARGIN_PX:
        text = text[:-2].rstrip() + "…"
    grown = Image.new("RGB", (picture.width, picture.height + 2 * size), "black")
    grown.paste(picture, (0, 0))
    ImageDraw.Draw(grown).text(
        (_MARGIN_PX, picture.height + size), text, fill="white", font=font, anchor="lm"
    )
    return grown


def _with_colour_bar(picture: Image.Image) -> Image.Image:
    bar_width = max(8, picture.width // 28)
    label_size = max(11, picture.height // 22)
    font = ImageFont.load_default(label_size)
    room = _MARGIN_PX * 3 + bar_width + int(font.getlength("max"))
    grown = Image.new("RGB", (picture.width + room, picture.height), "black")
    grown.paste(picture, (0, 0))
    height = max(2, picture.height - 2 * label_size)
    column = Image.fromarray(np.ascontiguousarray(heat_scale()[::-1, np.newaxis, :]))
    left, top = picture.width + _MARGIN_PX, label_size
    grown.paste(column.resize((bar_width, height), Image.Resampling.BILINEAR), (left, top))
    draw = ImageDraw.Draw(grown)
    for text, y in (("max", top), ("0", top + height)):
        draw.text((left + bar_width + _MARGIN_PX, y), text, fill="white", font=font, anchor="lm")
    return grown


def _as_rgb(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    shaped = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    if shaped.dtype != np.uint8 or shaped.ndim != 3 or shaped.shape[2] not in (1, 3) or shaped.size == 0:
        raise UsageError(
            f"pixels are uint8 (height, width, 1 or 3); got {pixels.dtype} of shape {pixels.shape}"
        )
    return np.broadcast_to(shaped, (*shaped.shape[:2], 3)).astype(np.float32)
