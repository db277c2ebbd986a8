"""Both sides of a comparison that need no torch: a bundle's two graphs, and the one graph made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from gyrus.bundles import Bundle
from gyrus.bundles.members import NETWORK, PREPROCESS
from gyrus.decision import Decision
from gyrus.exporting.agreement import Both, Pixels, Probabilities
from gyrus.exporting.merged_graph import IMAGE, PROBABILITIES
from gyrus.inference.runtime import Graph, checked_threads

Side = Callable[[list[Pixels]], Probabilities]
"""Images, uint8 (height, width, channels) each -> probabilities (n, K)."""


def pair(expected: Side, got: Side) -> Both:
    """Return both sides as :func:`gyrus.exporting.agreement.check_agreement` takes them."""
    return lambda images: (expected(images), got(images), None)


def by_bundle(bundle: Bundle) -> Side:
    """Return what a bundle's graphs answer, calibrated as its card says; its gate is not asked."""
    threads = checked_threads(None)
    preprocess = Graph(
        bundle.members[PREPROCESS], name=PREPROCESS, source=IMAGE, results=["pixels"], threads=threads
    )
    network = Graph(
        bundle.members[NETWORK], name=NETWORK, source="pixels", results=["logits"], threads=threads
    )
    decision = Decision.from_card(bundle.card)

    def answer(images: list[Pixels]) -> Probabilities:
        pixels = np.concatenate([preprocess.run(image)["pixels"] for image in images])
        return decision.probabilities(network.run(pixels)["logits"])

    return answer


def by_merged_graph(data: bytes) -> Side:
    """Return what the one graph answers, image by image."""
    graph = Graph(
        data, name="the merged graph", source=IMAGE, results=[PROBABILITIES], threads=checked_threads(None)
    )

    def answer(images: list[Pixels]) -> Probabilities:
        rows = [graph.run(image)[PROBABILITIES] for image in images]
        return np.concatenate(rows).astype(np.float64)

    return answer


def runtime() -> str:
    """Return the name and version of the runtime in which these answer."""
    return f"ONNX Runtime {onnxruntime.__version__}"
