"""Random erasing: a rectangle of some images becomes their mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gyrus.training.augmentation.drawing import Drawn, Flags, Floats


def erased(images: Tensor, drawn: Drawn) -> Tensor:
    """Set each image's rectangle to the image's own mean (Zhong 2020, Random Erasing Data Augmentation).

    Before the normalisation, so that the fill is a grey of this image and not of the normalisation's.
    """
    out = images.clone()
    for row, (top, bottom, left, right) in enumerate(rectangles_px(drawn.erased, *images.shape[-2:])):
        out[row, :, top:bottom, left:right] = images[row].mean((1, 2))[:, None, None]
    return out


def is_erased(drawn: Drawn) -> Flags:
    """Tell in which images a rectangle is erased."""
    flags: Flags = drawn.erased[:, 2] > 0
    return flags


def rectangles_px(erased: Floats, height: int, width: int) -> npt.NDArray[np.int64]:
    """Return (n, 4) top, bottom, left, right in pixels, half-open."""
    top, left, tall, wide = erased.T
    edges = [top * height, (top + tall) * height, left * width, (left + wide) * width]
    rectangles: npt.NDArray[np.int64] = np.rint(np.stack(edges, axis=1)).astype(np.int64)
    return rectangles
