"""What computes the two graphs of a bundle: chosen once, by name, never replaced in silence."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from gyrus.bundles import Bundle
from gyrus.bundles.members import NETWORK, PREPROCESS
from gyrus.config.runtime import OPENVINO, Device, Runtime, check_runtime
from gyrus.imaging.geometry import geometry_of_card
from gyrus.inference.openvino_network import PRECISIONS, OpenVinoNetwork
from gyrus.inference.runtime import Graph, Runnable, checked_threads, output_names

logger = logging.getLogger("gyrus")


_MOST_KEPT_BYTES = 4 * 2**20
"""Pixels of an image after which the memory of preparing it is given back; scans are far below."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A bundle's graphs, ready to run.

    Attributes
    ----------
    preprocess : Graph
        From pixels to the network's input; ONNX Runtime on the processor, one thread, whatever runs the
        network: images are prepared side by side, and all runtimes see the same pixels.
    network : Runnable
        From there to the answers.
    runtime : str
        ``onnxruntime``, ``openvino`` or ``openvino-bf16``.
    device : str
        ``cpu`` or ``cuda``.
    threads : int
        Threads inside the network.
    """

    preprocess: Graph
    network: Runnable
    runtime: str
    device: str
    threads: int


def make_engine(
    bundle: Bundle, *, threads: int | None = None, runtime: Runtime = "auto", device: Device = "auto"
) -> Engine:
    """Load a bundle's graphs; options as in :class:`gyrus.config.runtime.RuntimeOptions`.

    Raises
    ------
    UsageError
        For a runtime or device that does not exist, or is not there.
    MissingDependencyError
        For OpenVINO without its extra.
    BundleError
        When the runtime cannot load a graph.
    """
    check_runtime(runtime, device)
    count = checked_threads(threads)
    on: Literal["cpu", "cuda"] = "cuda" if device == "cuda" else "cpu"
    preprocess = Graph(
        bundle.members[PREPROCESS], name=PREPROCESS, source="image", results=["pixels"], threads=1,
        most_kept_bytes=_MOST_KEPT_BYTES,
    )  # fmt: skip
    if runtime == "openvino-bf16":
        logger.info(
            "note: openvino-bf16 computes with 8 significant bits: these are nearly the answers that the "
            "card's figures and thresholds are about, not quite."
        )
    name: Runtime = runtime if runtime in OPENVINO else "onnxruntime"
    return Engine(preprocess, make_network(bundle, threads=count, runtime=name, device=on), name, on, count)


def make_network(
    bundle: Bundle, *, threads: int, runtime: Runtime, device: Literal["cpu", "cuda"], callers: int = 1
) -> Runnable:
    """Load a bundle's network.

    Parameters
    ----------
    bundle : Bundle
    threads : int
        Threads inside the network, for each caller.
    runtime, device : str
        Neither of them ``auto``.
    callers : int
        So many are computed side by side; further ones wait.

    Raises
    ------
    UsageError, MissingDependencyError, BundleError
        As :func:`make_engine`.
    """
    data, results = bundle.members[NETWORK], output_names(bundle.card)
    if runtime in OPENVINO:
        return OpenVinoNetwork(
            data, name=NETWORK, source="pixels", results=results, threads=threads, callers=callers,
            precision=PRECISIONS[runtime], size_px=geometry_of_card(bundle.card).size_px,
        )  # fmt: skip
    # a session of ONNX Runtime computes in the threads of its callers, however many there are
    return Graph(data, name=NETWORK, source="pixels", results=results, threads=threads, device=device)
