"""The gate of a segmentation's export: each pixel's probability as torch has it, from the raw image on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from gyrus.decision.activations import sigmoid, softmax
from gyrus.errors import ExportError
from gyrus.exporting.agreement import DECIDED_MARGIN, LARGEST_DIFFERENCE, Parity, Pixels
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.mask_graphs import mask_outputs_of
from gyrus.exporting.network_graph import INPUT
from gyrus.exporting.parity import grey_levels, torch_preprocess
from gyrus.inference.runtime import Graph, checked_threads
from gyrus.models.segmentation import SegmentationNetwork

Planes = npt.NDArray[np.float64]
_BATCH = 4
_MOST_TOLD = 10


def check_mask_parity(network: SegmentationNetwork, graphs: Graphs, images: Iterable[Pixels]) -> Parity:
    """Compare torch's own preprocessing and the network with ONNX Runtime on the two graphs, pixel by pixel.

    Parameters
    ----------
    network : SegmentationNetwork
        The network that was exported; left as it is.
    graphs : Graphs
        What :func:`gyrus.exporting.mask_graphs.make_mask_graphs` gave.
    images : iterable of ndarray
        uint8 (height, width, channels) as read, of any sizes.

    Returns
    -------
    Parity
        ``flips`` counts pixels whose class differs though the probabilities nearly tie.

    Raises
    ------
    ExportError
        When a probability of a pixel or of a picture's class differs by more than 1e-3, a pixel that is no
        tie has another class, an answer is not a number, or there is no image to compare.
    """
    both = _Both(network, graphs)
    was_training = network.training
    network.eval()
    count, flips, worst, pixel = 0, 0, 0.0, 0.0
    refused: list[str] = []
    try:
        for batch in _batches(images):
            expected, got, off = both(batch)
            pixel = max(pixel, off)
            for number in range(len(batch)):
                difference, flipped, problem = _compare(
                    [one[number] for one in expected], [one[number] for one in got]
                )
                worst, flips = max(worst, difference), flips + flipped
                refused += [f"image {count}: {problem}"] if problem else []
                count += 1
    finally:
        network.train(was_training)
    if count == 0:
        raise ExportError("there is no image to compare the export on", fix="give validation images")
    if refused:
        more = [f"… and {len(refused) - _MOST_TOLD} more"] if len(refused) > _MOST_TOLD else []
        raise ExportError(
            f"the export does not answer as the network does on {len(refused)} of {count} images "
            f"(largest difference of a probability {worst:.2g}; allowed {LARGEST_DIFFERENCE:g})",
            details=refused[:_MOST_TOLD] + more,
            fix="nothing was written; report it with the versions of torch and onnxruntime",
        )
    against = f"torch {torch.__version__} does, by ONNX Runtime {onnxruntime.__version__}"
    return Parity(count, worst, pixel, flips, against=against)


class _Both:
    """Both sides, ready to run; of each a list: planes (n, P, h, w), for a joint network classes (n, K)."""

    def __init__(self, network: SegmentationNetwork, graphs: Graphs) -> None:
        threads = checked_threads(None)
        self._torch, self._graphs = network, graphs
        self._preprocess = Graph(
            graphs.preprocess, name="preprocess.onnx", source="image", results=[INPUT], threads=threads
        )
        self._network = Graph(
            graphs.network,
            name="network.onnx",
            source=INPUT,
            results=mask_outputs_of(network),
            threads=threads,
        )

    @torch.no_grad()
    def __call__(self, images: list[Pixels]) -> tuple[list[Planes], list[Planes], float]:
        wanted = torch.cat([torch_preprocess(image, self._graphs) for image in images])
        pixels = np.concatenate([self._preprocess.run(image)[INPUT] for image in images])
        device = next(self._torch.parameters()).device
        masks, classes, _ = self._torch.forward_all(wanted.to(device))
        answered = self._network.run(pixels)
        expected = [_planes(masks.float().cpu().numpy())]
        got = [_planes(answered["mask_logits"])]
        if classes is not None:
            expected.append(softmax(classes.float().cpu().numpy()))
            got.append(softmax(answered["logits"]))
        off = np.abs((wanted.numpy() - pixels) * grey_levels(self._graphs, images)).max()
        return expected, got, float(off)


def _planes(logits: npt.NDArray[np.float32]) -> Planes:
    """Return the probabilities of background and classes (n, 1 + K, h, w)."""
    if logits.shape[1] == 1:
        marked = sigmoid(logits)
        return np.concatenate([1.0 - marked, marked], axis=1)
    return np.moveaxis(softmax(np.moveaxis(logits, 1, -1)), -1, 1)


def _compare(expected: list[Planes], got: list[Planes]) -> tuple[float, int, str]:
    """Return the largest difference, pixels that flip at a tie, and what is wrong with one image."""
    if any(one.shape != other.shape for one, other in zip(expected, got, strict=True)):
        raise ExportError(
            f"the export answers with shape {got[0].shape}; the network with {expected[0].shape}"
        )
    worst = max(float(np.abs(one - other).max()) for one, other in zip(expected, got, strict=True))
    if not np.isfinite(worst):
        return 0.0, 0, "the answer is not a number"
    ranked = np.sort(expected[0], axis=0)
    clear = ranked[-1] - ranked[-2] > DECIDED_MARGIN
    differs = expected[0].argmax(axis=0) != got[0].argmax(axis=0)
    wrong = int((differs & clear).sum())
    if wrong:
        return worst, 0, f"{wrong} pixels have another class"
    if worst > LARGEST_DIFFERENCE:
        return worst, 0, f"a probability differs by {worst:.2g}"
    return worst, int(differs.sum()), ""


def _batches(images: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    iterator = iter(images)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
