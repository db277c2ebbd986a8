"""What is told of a segmentation network before it is trained: family, size, operations, weights."""

from __future__ import annotations

from typing import Any

import torch

from gyrus.models.costs import flops, parameters_of
from gyrus.models.segmentation.registry import DOCUMENTED, Listed, build_segmentation, parse

IMAGE_SIZE = 256  # px, that operations are told for


def describe_segmentation(name: str) -> dict[str, Any]:
    """Return ``name``, ``family``, ``parameters``, ``gflop``, ``size_multiple`` and ``weights``.

    For one class of masks and three channels; operations of one image of 256 x 256. Built and counted on
    torch's meta device, where nothing is stored or computed.

    Raises
    ------
    UsageError
        For a name that is none.
    """
    told = told_of(name)
    with torch.device("meta"):
        network = build_segmentation(name, mask_classes=1, image_size=IMAGE_SIZE)
    return {
        "name": name,
        "family": told.family,
        "parameters": parameters_of(network),
        "gflop": flops(network, IMAGE_SIZE) / 1e9,
        "size_multiple": network.size_multiple,
        "weights": told.weights,
    }


def told_of(name: str) -> Listed:
    """Return family and weights of a name, also of one with another encoder than the listed ones.

    Raises
    ------
    UsageError
        For a name that is none.
    """
    if name in DOCUMENTED:
        return DOCUMENTED[name]
    design, encoder = parse(name)
    known = next(told for each, told in DOCUMENTED.items() if each.startswith(f"{design}-"))
    return Listed(f"{known.family}; encoder {encoder}", known.weights)
