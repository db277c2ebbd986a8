"""Does ``preprocess.onnx`` do what the card says? Heat maps are put back onto images by the card's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle
from gyrus.bundles.members import PREPROCESS
from gyrus.errors import BundleError
from gyrus.imaging.geometry import geometry_of_card
from gyrus.imaging.normalisation import SMALLEST_SPREAD, per_image
from gyrus.inference.runtime import Graph

GREY_LEVELS = 2.5
"""How far the graph may be from the card: Pillow rounds twice, which also moves mean and spread a little."""


def described_input(
    card: Mapping[str, Any], pixels: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], float]:
    """Return what the network should see of an image, and how much of it is one grey level.

    Parameters
    ----------
    card : mapping
        Of a bundle.
    pixels : ndarray of uint8
        (height, width, channels) as read.

    Returns
    -------
    square : ndarray of float32
        (1, channels of the network, side, side).
    level : float
        A grey level in the unit of ``square``, of the channel in which it is largest.
    """
    given = card["input"]
    unit = geometry_of_card(card).apply(pixels).transpose(2, 0, 1)[np.newaxis].astype(np.float32) / 255.0
    level = 1.0 / 255.0
    if given.get("normalize") == "per-image":
        level /= max(float(unit.std()), SMALLEST_SPREAD)
        unit = per_image(unit)
    mean, std = (np.array(given[name], np.float32).reshape(1, -1, 1, 1) for name in ("mean", "std"))
    return (unit - mean) / std, level / float(std.min())


def check_preprocessing(bundle: Bundle, images: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Compare the preprocessing graph with the card on images (height, width, channels).

    Raises
    ------
    BundleError
        When they differ by more than a few grey levels.
    """
    graph = Graph(bundle.members[PREPROCESS], name=PREPROCESS, source="image", results=["pixels"], threads=1)
    for pixels in images:
        expected, level = described_input(bundle.card, pixels)
        got = graph.run(pixels)["pixels"]
        if got.shape != expected.shape:
            raise _differs(bundle, f"it gives {got.shape}; the card says {expected.shape}")
        worst = float(np.abs(got - expected).max())
        if not worst <= GREY_LEVELS * level:
            raise _differs(bundle, f"up to {worst / level:.1f} grey levels apart")


def _differs(bundle: Bundle, how: str) -> BundleError:
    return BundleError(
        f"member {PREPROCESS} does not prepare images as the card says: {how}",
        path=bundle.path,
        fix="export the model again",
    )
