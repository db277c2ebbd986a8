"""Images to try: drawn when the server starts, of nobody's head."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.phantom import Phantom, generate_subject
from gyrus.phantom.foreign import foreign_image

_SIDE_PX = 256
_SEED = 0


@dataclass(frozen=True, slots=True)
class Example:
    """An image to try.

    Attributes
    ----------
    name : str
        In addresses.
    title, words : str
        What it is.
    png : bytes
    """

    name: str
    title: str
    words: str
    png: bytes = field(repr=False)


def make_examples() -> Iterator[Example]:
    """Yield the examples, the same ones at every start."""
    yield Example("slice", "A drawn slice", "Synthetic T1 slice with a meningioma", _png(_slice(1)))
    yield Example("unclear", "Another drawn slice", "Synthetic T1 slice with a glioma", _png(_slice(0)))
    page = foreign_image("text", seed=_SEED, side_px=_SIDE_PX)
    yield Example("page", "No slice at all", "A page of text, for the gate to refuse", _png(page))


def _slice(subject: int) -> npt.NDArray[np.uint8]:
    phantom = Phantom(image_size=_SIDE_PX, slices_per_subject=3, seed=_SEED)
    return list(generate_subject(phantom, subject))[1].pixels


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
