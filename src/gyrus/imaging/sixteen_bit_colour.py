"""PNG and TIFF files with 16 bits a channel in several channels, all bits of them.

Pillow decodes them to 8 bits by the high byte of each number. Told that the bytes lie the other way round it
decodes the low bytes; two decodings together give the whole numbers.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

_OTHER_WAY = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_WITH_TWO = "LA;16B"
Deep = npt.NDArray[np.uint16]
Upright = Callable[[Image.Image], Image.Image]


def is_deep_colour(mode: str) -> bool:
    """Tell whether the mode of decoded pixels is such a layout."""
    return ";16" in mode and not mode.startswith("I")


def layout_of(image: Image.Image) -> str:
    """Return the layout of the bytes (``RGB;16B``, …) of an image that is opened and not loaded yet.

    Empty where it has 8 bits a channel, or one channel.
    """
    tiles = {_layout(tile) for tile in getattr(image, "tile", ())}
    only = next(iter(tiles)) if len(tiles) == 1 else ""
    name, mark, order = only.partition(";16")
    return only if mark and order in _OTHER_WAY and name in ("RGB", "RGBA", "RGBX", "LA") else ""


def read_deep(data: bytes, formats: tuple[str, ...], layout: str, upright: Upright) -> Deep:
    """Return the pixels of a file whose layout :func:`layout_of` told.

    Parameters
    ----------
    data : bytes
        The whole file.
    formats : tuple of str
        What Pillow may take it for.
    layout : str
    upright : callable
        Loads an image and turns it as its orientation says.

    Returns
    -------
    ndarray of uint16
        (height, width, 3), or (height, width) where the channels are equal; transparency composited on black.

    Raises
    ------
    Exception
        What Pillow raises on damaged files.
    """
    if layout == _WITH_TWO:  # its four bytes a pixel come through as four channels
        four = np.asarray(upright(_opened(data, formats, "RGBA"))).astype(np.uint16)
        both: Deep = np.left_shift(four[:, :, 0::2], 8, dtype=np.uint16)
        np.bitwise_or(both, four[:, :, 1::2], out=both)
        return _on_black(both[:, :, 0], both[:, :, 1])
    name, _, order = layout.partition(";16")
    # one after the other, for the memory
    deep: Deep = np.left_shift(np.asarray(upright(_opened(data, formats, layout))), 8, dtype=np.uint16)
    low = upright(_opened(data, formats, f"{name};16{_OTHER_WAY[order]}"))
    np.bitwise_or(deep, np.asarray(low), out=deep)
    del low
    colour: Deep = deep[:, :, :3]
    if name == "RGBA":
        return _on_black(_plain(colour), deep[:, :, 3])
    return _plain(colour)


def _opened(data: bytes, formats: tuple[str, ...], layout: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=formats)
    image.tile = [
        tile._replace(args=(layout, *tile.args[1:]) if isinstance(tile.args, tuple) else layout)
        for tile in image.tile
    ]
    return image


def _layout(tile: object) -> str:
    given = getattr(tile, "args", "")
    return str(given[0] if isinstance(given, tuple) and given else given)


def _plain(deep: Deep) -> Deep:
    """Return a single channel where all are equal."""
    first = deep[:, :, 0]
    equal = bool((first == deep[:, :, 1]).all() and (first == deep[:, :, 2]).all())
    return np.ascontiguousarray(first if equal else deep)


def _on_black(deep: Deep, alpha: Deep) -> Deep:
    """Composite on black, rounding half up; the rows one by one, for the memory."""
    result = np.empty_like(deep)
    for row in range(len(deep)):
        weight = alpha[row].astype(np.uint64).reshape(-1, *[1] * (deep.ndim - 2))
        result[row] = (deep[row] * weight + 32767) // 65535
    return result
