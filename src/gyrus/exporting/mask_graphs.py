"""The two graphs of a segmentation's bundle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.network_graph import INPUT, copy_of, traced
from gyrus.exporting.preprocess_graph import preprocess_graph
from gyrus.imaging.geometry import Geometry
from gyrus.models.segmentation import SegmentationNetwork, check_size

_TRACED = 2
"""Images of the example; more than one, so that no axis of length 1 is taken for a law."""


def make_mask_graphs(
    network: SegmentationNetwork,
    *,
    geometry: Geometry,
    channels_in: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Graphs:
    """Export a segmentation network with its preprocessing; the same weights give the same bytes.

    The network's graph has the size of the geometry: decoders join maps of several resolutions, which fit for
    some sizes only, and runtimes are faster where they know it.

    Parameters
    ----------
    network : SegmentationNetwork
        Not changed, whatever mode, device or memory format it is in.
    geometry : Geometry
        From an image to the square.
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
    check_size(network, geometry.size_px)
    mean, std = tuple(mean or network.mean), tuple(std or network.std)
    if len(mean) != network.in_channels:
        raise UsageError(f"mean has {len(mean)} values; the network has {network.in_channels} input channels")
    outputs = mask_outputs_of(network)
    graph = traced(
        _Answering(copy_of(network)).eval(),
        torch.zeros(_TRACED, network.in_channels, geometry.size_px, geometry.size_px),
        open_axes={0: torch.export.Dim.DYNAMIC},
        outputs=outputs,
        dimensions={name: {0: "batch"} for name in (INPUT, *outputs)},
        architecture=network.architecture,
        fix="train another architecture; unet and unet-mobilenetv2_100 are tested",
    )
    return Graphs(
        preprocess=preprocess_graph(
            geometry=geometry, channels_in=channels_in, mean=mean, std=std, per_image=network.facts.per_image
        ),
        network=graph,
        geometry=geometry,
        channels_in=channels_in,
        mean=mean,
        std=std,
        per_image=network.facts.per_image,
    )


def mask_outputs_of(network: SegmentationNetwork) -> tuple[str, ...]:
    """Return the names of the graph's outputs; ``logits`` are of the picture's class."""
    if network.image_classes is None:
        return ("mask_logits", "embedding")
    return ("mask_logits", "logits", "embedding")


class _Answering(nn.Module):
    """Makes the network's whole answer the module's forward, which is what the exporter traces."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return what :func:`mask_outputs_of` names."""
        return tuple(output for output in self.network.forward_all(pixels) if output is not None)
