"""Images with their lesions and predicted boxes drawn over them."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging import read_image
from gyrus.imaging.source import Source
from gyrus.pages.evidence_sections import shrunk
from gyrus.pages.markup import Html, tag
from gyrus.pages.numbers import plural

SIDE_PX = 360
_QUALITY = 80
_MARGIN = 0.05
logger = logging.getLogger("gyrus")

KINDS = {
    "found": "lesion, found",
    "missed": "lesion, missed",
    "hit": "box that finds one",
    "again": "further box on a found lesion",
    "alarm": "false alarm",
}
"""Style of a frame -> what it is."""


def scan_picture(one: Mapping[str, Any], source: Source | None) -> Html:
    """Return an image with its frames, as SVG; without the image, the frames alone.

    Parameters
    ----------
    one : mapping
        An entry of ``worst.images``; see :func:`gyrus.evaluation.worst_scans.worst_images`.
    source : Source or None
        Where the image lies.
    """
    picture = _read(source)
    if picture is None:
        left, top, width, height = _extent(one)
        ground = tag("rect", x=left, y=top, width=width, height=height, class_="ground")
    else:
        (height, width), address = picture
        left, top = 0.0, 0.0
        ground = tag("image", href=address, width=width, height=height)
    letters = max(width, height) / 23
    frames = [
        _frame(lesion["box"], "found" if lesion["found"] else "missed", lesion["class"])
        for lesion in one["lesions"]
    ]
    for box in one["boxes"]:
        kind = "alarm" if box["kind"] == "false alarm" else box["kind"]
        frames.append(_frame(box["box"], kind, f"{box['class']}, score {box['score']:.3g}"))
        frames.append(_score(box, kind, letters, top + height))
    errors = f"{plural(one['missed'], 'lesion')} missed, {plural(one['false_alarms'], 'false alarm')}"
    words = f"{one['name']}: {errors}"
    view = f"{left:g} {top:g} {width:g} {height:g}"
    return tag("svg", ground, frames, viewBox=view, role="img", aria_label=words, class_="scan")


def legend() -> Html:
    """Return what the frames mean."""
    swatch = "0 0 26 16"
    keys = [
        tag(
            "span",
            tag("svg", _frame([3, 3, 23, 13], kind, words), viewBox=swatch, class_="key", aria_hidden="true"),
            words,
        )
        for kind, words in KINDS.items()
    ]
    return tag("p", keys, class_="keys small soft")


def _frame(box: Sequence[float], kind: str, words: str) -> Html:
    x0, y0, x1, y1 = box
    return tag(
        "rect", tag("title", f"{KINDS[kind]}: {words}"), x=_short(x0), y=_short(y0), width=_short(x1 - x0),
        height=_short(y1 - y0), class_=kind,
    )  # fmt: skip


def _score(box: Mapping[str, Any], kind: str, letters: float, bottom: float) -> Html:
    x0, y0, _, y1 = box["box"]
    below = y1 + letters
    y = below if below < bottom else y0 - letters / 4
    return tag(
        "text", f"{box['score']:.2g}", x=_short(x0), y=_short(y), font_size=_short(letters), class_=kind
    )


def _extent(one: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the image, or of a square around its boxes."""
    if one.get("width_px") and one.get("height_px"):
        return 0.0, 0.0, float(one["width_px"]), float(one["height_px"])
    corners = np.array([box["box"] for box in (*one["lesions"], *one["boxes"])])
    low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    side = float((high - low).max()) * (1 + 2 * _MARGIN)
    left, top = ((low + high) / 2 - side / 2).tolist()
    return left, top, side, side


def _read(source: Source | None) -> tuple[tuple[int, int], str] | None:
    """Return an image's height and width, and its picture as an address."""
    if source is None:
        return None
    try:
        pixels = read_image(source)
    except (ImageError, OSError) as error:
        logger.info("note: %s is drawn without its image: %s", source, error)
        return None
    small = shrunk(pixels, SIDE_PX)
    buffer = io.BytesIO()
    Image.fromarray(small.squeeze(-1) if small.shape[2] == 1 else small).save(
        buffer, format="JPEG", quality=_QUALITY
    )
    written = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return (pixels.shape[0], pixels.shape[1]), written


def _short(value: float) -> str:
    return f"{value:.6g}"
