"""One training of ``gyrus learn leakage``, and its answers on the test images."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gyrus.config import TrainConfig
from gyrus.data import Manifest, PixelCache
from gyrus.evaluation import Predictions
from gyrus.models import Network
from gyrus.runs import RunFolder
from gyrus.training import fit
from gyrus.training.batches import Look, SplitPixels, prepare

_BATCH = 64
_THREADS = 2  # more do not help networks this small, and the answer is to be the same on larger machines


def train_and_predict(
    manifest: Manifest, pixels: PixelCache, recipe: TrainConfig, folder: Path
) -> tuple[Predictions, int]:
    """Train on the split ``train``, keep the best epoch on ``val``, answer ``test``.

    Parameters
    ----------
    manifest : Manifest
        With splits and labels.
    pixels : PixelCache
        At the recipe's image size.
    recipe : TrainConfig
        Its source is not read.
    folder : Path
        Gets ``metrics.csv``; the weights are not kept.

    Returns
    -------
    predictions : Predictions
        Of the test images.
    best_epoch : int
    """
    run = RunFolder(folder)
    run.checkpoints.mkdir(parents=True, exist_ok=True)
    try:
        with _few_threads():
            fitted = fit(manifest, pixels, recipe, run)
            probabilities = _answers(fitted.network, SplitPixels(manifest, "test", pixels))
    finally:
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    rows = manifest.select("test").rows
    predictions = Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=tuple(row.subject_id for row in rows),
        labels=tuple(row.label for row in rows),
        classes=fitted.classes,
        y_prob=probabilities,
    )
    return predictions, fitted.best_epoch


def _answers(network: Network, images: SplitPixels) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return probabilities (n, n_classes)."""
    look = Look(network.mean, network.std, policy=None, channels_last=False)
    answers = []
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            numbers = np.arange(start, min(start + _BATCH, len(images)))
            logits = network(prepare(images[numbers], look, seed=0, epoch=None))
            answers.append(torch.softmax(logits.double(), dim=1).numpy())
    return np.concatenate(answers)


@contextmanager
def _few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, _THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before)
