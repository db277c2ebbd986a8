"""Torch's side of the gate: its own preprocessing and the network, held against the two graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch.nn import functional

from gyrus.bundles.card_rules import ACTIVATIONS
from gyrus.exporting.agreement import Parity, Pixels, Probabilities, check_agreement
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.network_graph import INPUT, outputs_of
from gyrus.imaging.normalisation import SMALLEST_SPREAD, per_image
from gyrus.inference.prediction import PROBABILITIES
from gyrus.inference.runtime import Graph, checked_threads
from gyrus.models import Network

Floats = npt.NDArray[np.float32]
Activation = Callable[[Floats], Probabilities]


def check_parity(
    network: Network, graphs: Graphs, images: Iterable[Pixels], *, task: str = "classify"
) -> Parity:
    """Compare torch's own preprocessing and the network with ONNX Runtime on the two graphs.

    Parameters
    ----------
    network : Network
        The network that was exported; left as it is.
    graphs : Graphs
        What :func:`make_graphs` gave.
    images : iterable of ndarray
        uint8 (height, width, channels) as read, of any sizes.
    task : str
        ``classify``, or ``multilabel``: each class is then a question of its own, decided at 0.5.

    Raises
    ------
    ExportError
        As :func:`gyrus.exporting.agreement.check_agreement`.
    """
    answer = _Answers(network, graphs, PROBABILITIES[ACTIVATIONS[task]])
    against = f"torch {torch.__version__} does, by ONNX Runtime {onnxruntime.__version__}"
    was_training = network.training
    network.eval()
    try:
        return check_agreement(answer.both, images, task=task, against=against)
    finally:
        network.train(was_training)


def torch_preprocess(image: Pixels, graphs: Graphs) -> torch.Tensor:
    """Return what the preprocessing graph should give, (1, channels, size, size), by torch's resize."""
    placed = graphs.geometry.placement(image)
    shown = np.ascontiguousarray(image[placed.source.slices])
    planes = torch.from_numpy(shown).permute(2, 0, 1)[None].float()
    square = torch.zeros(1, planes.shape[1], placed.side_px, placed.side_px)
    square[:, :, *placed.target.slices] = _resized(planes, placed.target.height_px, placed.target.width_px)
    unit = square / 255.0
    if graphs.per_image:
        unit = torch.from_numpy(per_image(unit.numpy()))
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (graphs.mean, graphs.std))
    return (unit - mean) / std


def _resized(planes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if width == 1:  # torch 2.15 puts one value into the whole column; lying on its side it is right
        return _resized(planes.mT, 1, height).mT
    return functional.interpolate(
        planes, (height, width), mode="bilinear", align_corners=False, antialias=True
    )


class _Answers:
    """Both sides, ready to run."""

    def __init__(self, network: Network, graphs: Graphs, probabilities: Activation) -> None:
        self._probabilities = probabilities
        threads = checked_threads(None)
        self._torch_network, self._graphs = network, graphs
        self._preprocess = Graph(
            graphs.preprocess, name="preprocess.onnx", source="image", results=[INPUT], threads=threads
        )
        self._network = Graph(
            graphs.network, name="network.onnx", source=INPUT, results=outputs_of(network), threads=threads
        )

    @torch.no_grad()
    def both(self, images: list[Pixels]) -> tuple[Probabilities, Probabilities, float]:
        """Return probabilities (n, K) by torch and by ONNX Runtime, and the pixels' difference in levels."""
        expected = torch.cat([torch_preprocess(image, self._graphs) for image in images])
        got = np.concatenate([self._preprocess.run(image)[INPUT] for image in images])
        device = next(self._torch_network.parameters()).device
        logits = self._torch_network(expected.to(device)).float().cpu().numpy()
        pixel = float(np.abs((expected.numpy() - got) * grey_levels(self._graphs, images)).max())
        answered = self._network.run(got)["logits"]
        return self._probabilities(logits), self._probabilities(answered), pixel


def grey_levels(graphs: Graphs, images: list[Pixels]) -> Floats:
    """Return how many grey levels a unit of the network's input is, (n or 1, channels, 1, 1)."""
    levels = 255.0 * np.asarray(graphs.std, dtype=np.float32).reshape(1, -1, 1, 1)
    if not graphs.per_image:
        return levels
    spreads = [graphs.geometry.apply(image).std() / 255.0 for image in images]
    own: Floats = np.maximum(np.array(spreads, np.float32), SMALLEST_SPREAD).reshape(-1, 1, 1, 1)
    return levels * own
