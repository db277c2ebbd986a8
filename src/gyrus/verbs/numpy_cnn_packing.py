"""A network of :mod:`gyrus.numpy_nn` as a bundle, held against ONNX Runtime on the way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from gyrus.auditing import Audit
from gyrus.bundles import make_card, write_bundle
from gyrus.data import Manifest
from gyrus.imaging import READING_POLICIES
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.inference import make_self_test
from gyrus.inference.runtime import Graph, checked_threads
from gyrus.numpy_nn.losses import softmax
from gyrus.runs import environment
from gyrus.verbs.numpy_cnn_training import Trained
from gyrus.verbs.packing import self_test_images, splits_of

if TYPE_CHECKING:
    from gyrus.exporting import Parity

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float64]


def pack_numpy(
    path: Path,
    trained: Trained,
    manifest: Manifest,
    audit: Audit,
    images: Iterable[Pixels],
    *,
    color: Color,
    seed: int,
) -> Parity:
    """Write the bundle, after its graph has answered as the network does on every one of ``images``.

    Returns
    -------
    Parity
        How far the two are apart.

    Raises
    ------
    ExportError
        When they differ by more than every export may.
    """
    from gyrus.exporting.numpy_graph import maps_of, numpy_graph
    from gyrus.exporting.preprocess_graph import preprocess_graph

    size, _, channels = trained.network.input_shape
    preprocess = preprocess_graph(
        geometry=Geometry(size), channels_in=channels, mean=trained.mean, std=trained.std
    )
    network = numpy_graph(trained.network)
    parity = numpy_parity(trained, preprocess, network, images)
    surroundings = environment()
    card = make_card(
        task="classify",
        classes=manifest.classes,
        architecture="numpy_cnn",
        reading_policy=READING_POLICIES[color],
        color=color,
        image_size_px=size,
        normalize="dataset",
        mean=trained.mean,
        std=trained.std,
        dynamic_size=False,
        maps=maps_of(trained.network),
        data={"fingerprint": manifest.fingerprint, "splits": splits_of(manifest)},
        leakage={"verdict": audit.verdict, "sentence": audit.sentence},
        seeds={"seed": seed},
        provenance={
            "packages": surroundings["packages"],
            "git": surroundings["git"],
            "time_utc": surroundings["time_utc"],
            "starting_weights": None,
            "pretrained": False,
            "epochs": len(trained.course),
            "parity": parity.to_card(),
        },
        notes=["Trained in plain NumPy by gyrus learn numpy-cnn, to show how it is done."],
        name=path.parent.resolve().name,
    )
    members = {"preprocess.onnx": preprocess, "network.onnx": network}
    write_bundle(path, members | make_self_test(card, preprocess, network, self_test_images(color)), card)
    return parity


def numpy_parity(trained: Trained, preprocess: bytes, network: bytes, images: Iterable[Pixels]) -> Parity:
    """Compare NumPy's answers with ONNX Runtime's, both from the bundle's own preprocessing."""
    from gyrus.exporting.agreement import check_agreement

    threads = checked_threads(None)
    first = Graph(preprocess, name="preprocess.onnx", source="image", results=["pixels"], threads=threads)
    second = Graph(network, name="network.onnx", source="pixels", results=["logits"], threads=threads)

    def both(batch: list[Pixels]) -> tuple[Probabilities, Probabilities, None]:
        pixels = np.concatenate([first.run(image)["pixels"] for image in batch])
        own = trained.network.predict_logits(np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)))
        return _probabilities(own), _probabilities(second.run(pixels)["logits"]), None

    against = f"NumPy {np.__version__} does, by ONNX Runtime {onnxruntime.__version__}"
    return check_agreement(both, images, against=against)


def _probabilities(logits: npt.NDArray[Any]) -> Probabilities:
    return softmax(logits.astype(np.float64))
