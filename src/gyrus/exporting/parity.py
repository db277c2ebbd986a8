"""The gate of the export: torch and ONNX Runtime must give the same answer, from an image's pixels on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gyrus.bundles.card_rules import ACTIVATIONS
from gyrus.errors import ExportError
from gyrus.evaluation.multilabel import THRESHOLD
from gyrus.evaluation.predictions import MULTILABEL
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.network_graph import INPUT, OUTPUTS
from gyrus.imaging.normalisation import SMALLEST_SPREAD, per_image
from gyrus.inference.prediction import PROBABILITIES
from gyrus.inference.runtime import Graph, checked_threads
from gyrus.models import Network

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]
Decisions = Callable[[Probabilities], tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]]

LARGEST_DIFFERENCE = 1e-3
"""Two probabilities may differ by this much."""
DECIDED_MARGIN = 1e-3
"""Where the two most probable classes are further apart than this, their order must be the same."""
_BATCH = 16
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the graphs are from the network.

    Attributes
    ----------
    images : int
        Number compared.
    max_probability_difference : float
        Largest absolute difference of a probability.
    max_pixel_difference : float
        Largest absolute difference of the preprocessed images, in grey levels.
    flips : int
        Images whose class differs although the difference is allowed: ties within the margin.
    """

    images: int
    max_probability_difference: float
    max_pixel_difference: float
    flips: int


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
        When a class differs where the top-two margin exceeds 1e-3, when a probability differs by more than
        1e-3, when an answer is not a number, or when there is no image to compare.
    """
    answer = _Answers(network, graphs, PROBABILITIES[ACTIVATIONS[task]])
    decisions = _of_sets if task == MULTILABEL else _of_classes
    count, flips, worst, worst_pixel = 0, 0, 0.0, 0.0
    refused: list[str] = []
    was_training = network.training
    network.eval()
    try:
        for batch in _batches(images):
            expected, got, pixel = answer.both(batch)
            difference, flipped, problems = _compare(expected, got, decisions, first=count)
            refused += problems
            count += len(batch)
            flips += flipped
            worst, worst_pixel = max(worst, difference), max(worst_pixel, pixel)
    finally:
        network.train(was_training)
    if count == 0:
        raise ExportError("there is no image to compare the export on", fix="give validation images")
    if refused:
        more = [f"… and {len(refused) - _MOST_TOLD} more"] if len(refused) > _MOST_TOLD else []
        raise ExportError(
            f"the exported graphs do not answer as the network does on {len(refused)} of {count} images "
            f"(largest difference of a probability {worst:.2g}; allowed {LARGEST_DIFFERENCE:g})",
            details=refused[:_MOST_TOLD] + more,
            fix="nothing was written; report it with the versions of torch and onnxruntime",
        )
    return Parity(count, worst, worst_pixel, flips)


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

    def __init__(self, network: Network, graphs: Graphs, probabilities: Callable[[Floats], Any]) -> None:
        self._probabilities = probabilities
        threads = checked_threads(None)
        self._torch_network, self._graphs = network, graphs
        self._preprocess = Graph(
            graphs.preprocess, name="preprocess.onnx", source="image", results=[INPUT], threads=threads
        )
        self._network = Graph(
            graphs.network, name="network.onnx", source=INPUT, results=OUTPUTS, threads=threads
        )

    @torch.no_grad()
    def both(self, images: list[Pixels]) -> tuple[Probabilities, Probabilities, float]:
        """Return probabilities (n, K) by torch and by ONNX Runtime, and the pixels' difference in levels."""
        expected = torch.cat([torch_preprocess(image, self._graphs) for image in images])
        got = np.concatenate([self._preprocess.run(image)[INPUT] for image in images])
        device = next(self._torch_network.parameters()).device
        logits = self._torch_network(expected.to(device)).float().cpu().numpy()
        pixel = float(np.abs((expected.numpy() - got) * self._levels(images)).max())
        answered = self._network.run(got)["logits"]
        return self._probabilities(logits), self._probabilities(answered), pixel

    def _levels(self, images: list[Pixels]) -> Floats:
        """Return how many grey levels a unit of the network's input is, (n or 1, channels, 1, 1)."""
        levels = 255.0 * np.asarray(self._graphs.std, dtype=np.float32).reshape(1, -1, 1, 1)
        if not self._graphs.per_image:
            return levels
        spreads = [self._graphs.geometry.apply(image).std() / 255.0 for image in images]
        own: Floats = np.maximum(np.array(spreads, np.float32), SMALLEST_SPREAD).reshape(-1, 1, 1, 1)
        return levels * own


def _of_classes(prob: Probabilities) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the class of each image, (n, 1), and whether it is clear."""
    ranked = np.sort(prob, axis=1)
    clear = ranked[:, -1:] - ranked[:, -2:-1] > DECIDED_MARGIN
    return prob.argmax(axis=1)[:, np.newaxis].astype(np.int64), clear


def _of_sets(prob: Probabilities) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return whether each image is said to show each class, (n, K), and whether that is clear."""
    return (prob >= THRESHOLD).astype(np.int64), np.abs(2 * prob - 1) > DECIDED_MARGIN


def _compare(
    expected: Probabilities, got: Probabilities, decisions: Decisions, *, first: int
) -> tuple[float, int, list[str]]:
    differences = np.abs(expected - got).max(axis=1)
    (wanted, clear), (answered, _) = decisions(expected), decisions(got)
    differs = wanted != answered
    decided, flipped = (differs & clear).any(axis=1), differs.any(axis=1)
    problems = []
    for index, difference in enumerate(differences):
        if not np.isfinite(difference):
            problems.append(f"image {first + index}: the answer is not a number")
        elif decided[index]:
            became = f"{wanted[index].tolist()} became {answered[index].tolist()}"
            problems.append(f"image {first + index}: class {became}")
        elif difference > LARGEST_DIFFERENCE:
            problems.append(f"image {first + index}: a probability differs by {difference:.2g}")
    return float(np.nanmax(differences, initial=0.0)), int((flipped & ~decided).sum()), problems


def _batches(images: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    iterator = iter(images)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
