"""The two graphs of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gyrus.errors import UsageError
from gyrus.exporting.network_graph import network_graph
from gyrus.exporting.preprocess_graph import preprocess_graph
from gyrus.models import Network


@dataclass(frozen=True, slots=True)
class Graphs:
    """ONNX files, as bytes.

    Attributes
    ----------
    preprocess : bytes
        ``image`` uint8 (height, width, channels_in) -> ``pixels`` float32 (1, channels, size, size).
    network : bytes
        ``pixels`` float32 (batch, channels, height, width) -> ``logits``, ``embedding``, ``maps``.
    image_size : int
        Side of the preprocessed square, in pixels.
    channels_in : int
        Channels of the images as read.
    mean, std : tuple of float
        Normalisation of pixels scaled to [0, 1], by channel of the network.
    """

    preprocess: bytes
    network: bytes
    image_size: int
    channels_in: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def make_graphs(
    network: Network,
    *,
    image_size: int,
    channels_in: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Graphs:
    """Export a network with its preprocessing; the same weights give the same bytes.

    Parameters
    ----------
    network : Network
        Not changed, whatever mode, device or memory format it is in.
    image_size : int
        Side of the square that images are resized to, in pixels.
    channels_in : int
        Channels of the images as read: 1 (grey) or 3 (colour).
    mean, std : sequence of float, optional
        Normalisation it was trained with; default: the network's own.

    Raises
    ------
    UsageError
        When size or channels do not fit the network.
    ExportError
        When torch cannot trace the network.
    """
    if network.fixed_size not in (None, image_size):
        raise UsageError(
            f"{network.architecture} was built for images of {network.fixed_size} pixels; got {image_size}",
            fix=f"use image_size={network.fixed_size}",
        )
    mean, std = tuple(mean or network.mean), tuple(std or network.std)
    if len(mean) != network.in_channels:
        raise UsageError(f"mean has {len(mean)} values; the network has {network.in_channels} input channels")
    return Graphs(
        preprocess=preprocess_graph(image_size=image_size, channels_in=channels_in, mean=mean, std=std),
        network=network_graph(network),
        image_size=image_size,
        channels_in=channels_in,
        mean=mean,
        std=std,
    )
