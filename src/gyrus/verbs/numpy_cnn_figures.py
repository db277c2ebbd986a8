"""What a trained NumPy network answers, and what it looks like inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.data import Manifest, PixelCache
from gyrus.evaluation import Predictions, evaluate_predictions, write_predictions
from gyrus.evaluation.joining import cluster_of
from gyrus.evaluation.predictions import read_predictions
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.numpy_nn.layers import Conv2d, ReLU
from gyrus.numpy_nn.losses import softmax
from gyrus.pages.examples import collect_examples
from gyrus.pages.numpy_cnn_plots import Looked
from gyrus.runs import RunFolder
from gyrus.runs.atomic import write_json
from gyrus.verbs.numpy_cnn_training import Trained, normalised, raw_pixels

MOST_ERRORS = 16


def measure_directly(
    run: RunFolder, manifest: Manifest, split: str, trained: Trained, pixels: PixelCache, seed: int
) -> dict[str, Any]:
    """Answer one split by the network itself; write predictions and figures; return the figures."""
    rows = manifest.select(split).rows
    x = normalised(raw_pixels(manifest, split, pixels), trained.mean, trained.std)
    predictions = Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=tuple(row.subject_id for row in rows),
        labels=tuple(row.label for row in rows),
        classes=manifest.classes,
        y_prob=softmax(trained.network.predict_logits(x).astype(np.float64)),
        group_ids=tuple(cluster_of(row) for row in rows),
    )
    write_predictions(predictions, run.predictions(split))
    evaluation = evaluate_predictions(predictions, seed=seed)
    write_json(run.evaluation(split), evaluation)
    return evaluation


def look_inside(
    run: RunFolder, manifest: Manifest, trained: Trained, pixels: PixelCache, color: Color
) -> Looked:
    """Return the first filters, what a test image becomes layer by layer, and the surest errors."""
    raw = raw_pixels(manifest, "test", pixels)[:1]
    steps, x = [], normalised(raw, trained.mean, trained.std)
    for layer in trained.network.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU):
            steps.append((f"after {layer.name}", x[0].copy()))
    first = next(layer for layer in trained.network.inside() if isinstance(layer, Conv2d))
    side = first.kernel_size
    examples = collect_examples(
        manifest, read_predictions(run.predictions("test")), color=color,
        geometry=Geometry(raw.shape[1]), errors=MOST_ERRORS, right=0,
    )  # fmt: skip
    return Looked(
        filters=first.parameters["weight"].reshape(side, side, -1, first.out_channels),
        image=raw[0],
        steps=tuple(steps),
        errors=tuple(example for example in examples if not example.right),
    )
