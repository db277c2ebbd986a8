"""Pack a trained network into its bundle, with its card and its self-test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles import make_card, write_bundle
from gyrus.imaging import READING_POLICIES
from gyrus.inference import make_self_test
from gyrus.phantom import Phantom, generate_subject
from gyrus.runs import environment

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gyrus.auditing import Audit
    from gyrus.config import TrainConfig
    from gyrus.data import Manifest
    from gyrus.exporting import Graphs, Parity
    from gyrus.training import FitResult
    from gyrus.training.segmentation import MaskFit


def pack(
    path: Path,
    graphs: Graphs,
    fitted: FitResult,
    manifest: Manifest,
    audit: Audit,
    config: TrainConfig,
    parity: Parity,
) -> str:
    """Write the bundle of a run and return its digest; its figures are entered once they are measured."""
    network = fitted.network
    card = make_card(
        task=fitted.task,
        classes=fitted.classes,
        dynamic_size=network.fixed_size is None,
        maps=network.maps_kind,
        name=path.parent.name,
        **card_facts(graphs, fitted, manifest, audit, config, parity),
    )
    return write_with_self_test(path, graphs, card, config.color)


def card_facts(
    graphs: Graphs, fitted: FitResult | MaskFit, manifest: Manifest, audit: Audit, config: TrainConfig,
    parity: Parity,
) -> dict[str, Any]:  # fmt: skip
    """Return what the card of every trained network tells of its input, its data and how it came to be."""
    return {
        "architecture": fitted.network.architecture,
        "reading_policy": READING_POLICIES[config.color],
        "color": config.color,
        "image_size_px": config.image_size,
        "resize": config.resize,
        "brain_crop": config.brain_crop,
        "normalize": config.normalize,
        "mean": graphs.mean,
        "std": graphs.std,
        "private": config.private,
        "data": {"fingerprint": manifest.fingerprint, "splits": splits_of(manifest)},
        "leakage": {"verdict": audit.verdict, "sentence": audit.sentence, "allow_leak": config.allow_leak},
        "seeds": {"seed": config.seed},
        "provenance": provenance_of(fitted, config, parity),
    }


def write_with_self_test(path: Path, graphs: Graphs, card: dict[str, Any], color: str) -> str:
    """Write a bundle with the answers of its graphs to phantom slices, and return its digest."""
    members = {"preprocess.onnx": graphs.preprocess, "network.onnx": graphs.network}
    members |= make_self_test(card, graphs.preprocess, graphs.network, self_test_images(color))
    return write_bundle(path, members, card)


def splits_of(manifest: Manifest) -> dict[str, Any]:
    """Return images, patients and classes by split, as the card tells them."""
    table, sizes = {}, manifest.sizes()
    for split, counts in manifest.counts().items():
        if not split:
            continue
        subjects = {row.subject_id for row in manifest if row.split == split and row.subject_id}
        table[split] = {"images": sizes[split], "subjects": len(subjects) or None, "classes": counts}
    return table


def provenance_of(fitted: FitResult | MaskFit, config: TrainConfig, parity: Parity) -> dict[str, Any]:
    """Return what the card tells of how the model came to be."""
    surroundings = environment()
    return {
        "packages": surroundings["packages"],
        "git": surroundings["git"],
        "time_utc": surroundings["time_utc"],
        "starting_weights": None if fitted.weights is None else fitted.weights.source,
        "starting_weights_sha256": None if fitted.weights is None else fitted.weights.sha256,
        "pretrained": config.pretrained,
        "best_epoch": fitted.best_epoch,
        "precision": fitted.precision.dtype,
        "training": fitted.course,
        "optimisation": fitted.optimisation,
        "parity": parity.to_card(),
    }


def self_test_images(color: str) -> dict[str, npt.NDArray[np.uint8]]:
    """Return one phantom slice per class, of different sizes, in the channels that the bundle reads."""
    images = {}
    for number, size in enumerate((96, 131, 160, 224)):
        phantom = Phantom(subjects=4, slices_per_subject=1, image_size=size)  # its classes take turns
        pixels = next(iter(generate_subject(phantom, number))).pixels[:, :, None]
        images[f"phantom-{number}"] = pixels if color == "grey" else pixels.repeat(3, axis=2)
    return images
