"""Images with the outlines of their true and predicted masks: whole, and what matters larger."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.pages.evidence_sections import shrunk
from gyrus.pages.markup import Html, tag
from gyrus.pages.numbers import percent
from gyrus.pages.outlines import path_of

SIDE_PX = 384
_QUALITY = 82
_MARGIN, _LEAST_PX = 0.3, 24
KEYS = {"true": "true border", "drawn": "drawn by the model"}


@dataclass(frozen=True, slots=True)
class MaskPicture:
    """What is needed to draw an image with its masks.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width, channels)
    true, predicted : ndarray of uint8, shape (height, width)
        0 background, ``i`` the class number ``i``.
    """

    pixels: npt.NDArray[np.uint8]
    true: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]


def case_figure(
    one: Mapping[str, Any], picture: MaskPicture | None, classes: Sequence[str], name: str
) -> Html:
    """Return an image whole, and its masks' surroundings larger with both outlines; the caption below.

    Parameters
    ----------
    one : mapping
        An entry of ``shown``: ``image_id``, ``subject_id``, ``dice``.
    picture : MaskPicture or None
        None: only the caption is given.
    classes : sequence of str
    name : str
        Unique on the page.
    """
    patient = f" \N{MIDDLE DOT} patient {one['subject_id']}" if one["subject_id"] else ""
    caption = tag(
        "figcaption", tag("strong", f"Dice {percent(one['dice'])}"), _remark(picture),
        tag("span", one["image_id"], patient, class_="name"),
    )  # fmt: skip
    if picture is None:
        nothing = tag("p", "The image is not at hand.", class_="nothing")
        return tag("figure", nothing, caption, class_="example")
    height, width = picture.true.shape
    left, top, side = _surroundings(picture)
    words = f"{one['image_id']}: Dice {percent(one['dice'])}"
    ground = tag("image", href=_address(picture.pixels), width=width, height=height, id=name)
    frame = tag("rect", x=left, y=top, width=side, height=side, class_="frame")
    whole = tag("svg", ground, frame, viewBox=_whole(width, height), role="img", aria_label=f"{words}, whole",
                class_="case")  # fmt: skip
    near = tag(
        "svg", tag("use", href=f"#{name}"), _paths(picture, classes), viewBox=f"{left} {top} {side} {side}",
        role="img", aria_label=f"{words}, the outlines", class_="case",
    )  # fmt: skip
    return tag("figure", tag("div", whole, near, class_="pair"), caption, class_="example")


def legend() -> Html:
    """Return what the outlines mean."""
    keys = [
        tag("span", tag("svg", tag("path", d="M2 8H24", class_=kind), viewBox="0 0 26 16", class_="key",
                        aria_hidden="true"), words)
        for kind, words in KEYS.items()
    ]  # fmt: skip
    return tag("p", keys, class_="keys small soft")


def _paths(picture: MaskPicture, classes: Sequence[str]) -> list[Html]:
    found = []
    for kind, mask in (("true", picture.true), ("drawn", picture.predicted)):
        for number, label in enumerate(classes):
            drawn = path_of(mask == number + 1)
            if drawn:
                found.append(tag("path", tag("title", f"{label}, {KEYS[kind]}"), d=drawn, class_=kind))
    return found


def _remark(picture: MaskPicture | None) -> str | None:
    """Say what is easily overlooked: that nothing was drawn."""
    return ", nothing was drawn" if picture is not None and not picture.predicted.any() else None


def _surroundings(picture: MaskPicture) -> tuple[int, int, int]:
    """Return left, top and side of a square around both masks, within the image where it fits."""
    height, width = picture.true.shape
    marked = (picture.true > 0) | (picture.predicted > 0)
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not rows.size:
        side = max(height, width)
        return (width - side) // 2, (height - side) // 2, side
    extent = max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1
    side = min(max(round(extent * (1 + 2 * _MARGIN)), _LEAST_PX), max(height, width))
    return (
        _placed(int(columns[0] + columns[-1] + 1) // 2, side, width),
        _placed(int(rows[0] + rows[-1] + 1) // 2, side, height),
        side,
    )


def _placed(centre: int, side: int, length: int) -> int:
    if side >= length:
        return (length - side) // 2
    return min(max(centre - side // 2, 0), length - side)


def _whole(width: int, height: int) -> str:
    side = max(width, height)
    return f"{(width - side) / 2:g} {(height - side) / 2:g} {side} {side}"


def _address(pixels: npt.NDArray[np.uint8]) -> str:
    small = shrunk(pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis], SIDE_PX)
    buffer = io.BytesIO()
    Image.fromarray(small.squeeze(-1) if small.shape[2] == 1 else small).save(
        buffer, format="JPEG", quality=_QUALITY
    )
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
