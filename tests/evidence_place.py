"""A folder with training images of two patients, a tiny bundle that brings them as cases, and new images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.data.manifest import Manifest, Row, write_manifest
from gyrus.imaging import byte_hash, pixel_hash, read_image
from gyrus.inference import Predictor
from gyrus.verbs.neighbours import Thumbnails, add_neighbours
from gyrus.verbs.training_outputs import training_outputs


def make_place(folder: Path) -> Path:
    """Write ``train-0.png`` to ``train-6.png`` (six of them cases), ``new-0.png``, ``new-1.png``,
    ``manifest.csv`` and ``model.gyrus``."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(7):
        path = folder / f"train-{number}.png"
        Image.fromarray(random.integers(0, 256, (40, 30 + number), dtype=np.uint8)).save(path)
        rows.append(
            Row(image_id=path.name, path=path.name, label=tiny_bundle.CLASSES[number % 4],
                subject_id=f"P{number % 2}", split="train", sha256=byte_hash(path.read_bytes()),
                pixel_hash=pixel_hash(read_image(path)))
        )  # fmt: skip
    for number in range(2):
        Image.fromarray(random.integers(0, 256, (50, 60), dtype=np.uint8)).save(folder / f"new-{number}.png")
    bundle, manifest, thumbnails = folder / "model.gyrus", Manifest(tuple(rows), folder), Thumbnails()
    write_manifest(manifest, folder / "manifest.csv")
    write_bundle(bundle, tiny_bundle.members(), tiny_bundle.card(name="tiny"))
    predictor = Predictor.load(bundle, threads=1)
    outputs = training_outputs(predictor, manifest, most=6, each=thumbnails.take, progress=False)
    add_neighbours(bundle, tiny_bundle.CLASSES, manifest, outputs, thumbnails)
    return folder
