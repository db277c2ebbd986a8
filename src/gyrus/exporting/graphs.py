"""The two graphs of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gyrus.errors import UsageError
from gyrus.exporting.network_graph import network_graph
from gyrus.exporting.preprocess_graph import preprocess_graph
from gyrus.imaging.geometry import Geometry
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
    geometry : Geometry
        From the image to the preprocessed square.
    channels_in : int
        Channels of the images as read.
    mean, std : tuple of float
        Normalisation of pixels scaled to [0, 1], by channel of the network.
    per_image : bool
        Whether each square is brought to mean 0 and spread 1 by itself before that.
    """

    preprocess: bytes
    network: bytes
    geometry: Geometry
    channels_in: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    per_image: bool = False


def make_graphs(
    network: Network,
    *,
    image_size: int | Geometry,
    channels_in: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Graphs:
    """Export a network with its preprocessing; the same weights give the same bytes.

    Parameters
    ----------
    network : Network
        Not changed, whatever mode, device or memory format it is in.
    image_size : int or Geometry
        Side of the square that images are squashed to, in pixels; or how else they become one.
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
    geometry = image_size if isinstance(image_size, Geometry) else Geometry(image_size)
    if network.fixed_size not in (None, geometry.size_px):
        raise UsageError(
            f"{network.architecture} was built for images of {network.fixed_size} pixels; "
            f"got {geometry.size_px}",
            fix=f"use image_size={network.fixed_size}",
        )
    mean, std = tuple(mean or network.mean), tuple(std or network.std)
    if len(mean) != network.in_channels:
        raise UsageError(f"mean has {len(mean)} values; the network has {network.in_channels} input channels")
    return Graphs(
        preprocess=preprocess_graph(
            geometry=geometry, channels_in=channels_in, mean=mean, std=std, per_image=network.facts.per_image
        ),
        network=network_graph(network),
        geometry=geometry,
        channels_in=channels_in,
        mean=mean,
        std=std,
        per_image=network.facts.per_image,
    )
