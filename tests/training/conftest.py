"""A data set that a small network learns in seconds: the class is the height of a bright bar."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest, Row
from gyrus.runs import RunFolder

CLASSES = ("low", "middle", "top")
SIDE = 32


@dataclass
class Arrays:
    """Pixels in memory, with the face of a pixel cache."""

    pixels: np.ndarray
    row_of: dict

    def rows_of(self, image_ids):
        return np.array([self.row_of[image_id] for image_id in image_ids], dtype=np.int64)


def bars(labels, seed=0, side=SIDE):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (len(labels), side, side, 1)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        top = 4 + 8 * (2 - label)
        image[top : top + 6, 8:24] += 150
    return pixels


@pytest.fixture
def bar_data():
    """Return (manifest, pixels): 48 training and 15 validation images of three classes."""
    labels = [number % 3 for number in range(63)]
    rows = tuple(
        Row(image_id=f"i{number}", path=f"i{number}.png", label=CLASSES[label],
            split="train" if number < 48 else "val")
        for number, label in enumerate(labels)
    )  # fmt: skip
    manifest = Manifest(rows=rows, root=Path())
    order = np.random.default_rng(5).permutation(63)  # the cache has an order of its own
    return manifest, Arrays(bars(labels)[order], {f"i{image}": row for row, image in enumerate(order)})


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run").create()


@pytest.fixture
def config():
    """Return a maker of training options for the bars."""

    def make(**options):
        options = {
            "source": Path("data"),
            "architecture": "improved_cnn",
            "image_size": SIDE,
            "epochs": 3,
            "batch_size": 16,
            "precision": "float32",
            "device": "cpu",
            **options,
        }
        return TrainConfig(**options)

    return make
