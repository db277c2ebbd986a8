"""A made-up run with everything a report can show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from gyrus.evaluation import Predictions, evaluate_predictions
from gyrus.pages import Example, ReportContext
from gyrus.runs.atomic import to_json

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")


def pair(
    image_id: str, split: str, other_id: str, other_split: str, why: str = "identical pixels"
) -> dict[str, str]:
    return {
        "image_id": image_id,
        "split": split,
        "other_id": other_id,
        "other_split": other_split,
        "why": why,
    }


def predictions(
    classes: Sequence[str] = CLASSES, n: int = 480, seed: int = 0, noise: float = 1.35
) -> Predictions:
    """A classifier that is mostly right, on ten images each of n / 10 patients of one class."""
    random = np.random.default_rng(seed)
    k = len(classes)
    patients = np.arange(n) // 10
    y = patients % k
    difficulty = random.normal(scale=noise, size=(patients.max() + 1, k))[patients]
    logits = difficulty + random.normal(scale=noise / 2, size=(n, k)) + 4.2 * np.eye(k)[y]
    exponentials = np.exp(logits)
    return Predictions(
        image_ids=tuple(f"{classes[y[i]]}/{i:04d}.png" for i in range(n)),
        subject_ids=tuple(f"P{patient:03d}" for patient in patients),
        labels=tuple(classes[c] for c in y),
        classes=tuple(classes),
        y_prob=exponentials / exponentials.sum(axis=1, keepdims=True),
    )


def evaluation(
    classes: Sequence[str] = CLASSES, n: int = 480, seed: int = 0, noise: float = 1.35
) -> dict[str, Any]:
    """Figures of :func:`predictions`, as they stand in a run folder."""
    figures = evaluate_predictions(predictions(classes, n, seed, noise), n_bootstrap=200)
    read_back: dict[str, Any] = json.loads(to_json(figures))
    return read_back


def history(epochs: int = 12) -> list[dict[str, Any]]:
    random = np.random.default_rng(1)
    rows = []
    for epoch in range(1, epochs + 1):
        fall = np.exp(-epoch / 3)
        rows.append(
            {
                "epoch": float(epoch),
                "train_loss": 1.3 * fall + 0.05,
                "train_accuracy": 1 - 0.7 * fall,
                "val_loss": 1.3 * fall + 0.15 + 0.02 * max(0, epoch - 8) + 0.02 * random.normal(),
                "val_accuracy": 0.95 - 0.6 * fall + 0.01 * random.normal(),
                "learning_rate": 1e-3 * (1 - epoch / 13),
                "seconds": 11.3,
            }
        )
    return rows


def examples(count: int = 12, side: int = 200) -> list[Example]:
    """Discs with a bright spot, some answered wrongly."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    found = []
    for i in range(count):
        random = np.random.default_rng(i)
        spot = random.uniform(-0.22, 0.22, size=2)
        brain = 90 * (x**2 / 0.15 + y**2 / 0.19 < 1) + 150 * ((x - spot[0]) ** 2 + (y - spot[1]) ** 2 < 0.004)
        pixels = np.clip(brain + random.normal(scale=6, size=brain.shape), 0, 255).astype(np.uint8)
        rows, columns = np.mgrid[0:7, 0:7] / 7 - 0.43
        heat = np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / 0.02) * 5 - 0.4
        wrong = i < count // 3
        label = CLASSES[i % 4]
        found.append(
            Example(
                image_id=f"{label}/{'Tr' if wrong else 'Te'}-{i:04d}.jpg",
                subject_id=f"P{i:03d}",
                label=label,
                prediction=CLASSES[(i + 1) % 4] if wrong else label,
                probability=0.995 - 0.02 * i,
                label_probability=0.004 if wrong else 0.995 - 0.02 * i,
                pixels=pixels[:, :, None],
                heat=heat.astype(np.float32),
            )
        )
    return found


def context(**changes: Any) -> ReportContext:
    """A complete context; keywords replace parts of it."""
    per_split = {"train": 420, "val": 90, "cal": 90, "test": 120}
    values: dict[str, Any] = {
        "title": "mobilenetv2_100-3",
        "config": {
            "source": "data/brain-mri",
            "architecture": "mobilenetv2_100",
            "image_size": 160,
            "epochs": 12,
            "learning_rate": None,
            "join_classes": [],
            "seed": 0,
        },
        "environment": {
            "time_utc": "2026-11-20T08:12:31+00:00",
            "command": ["gyrus", "train", "data/brain mri", "--architecture", "mobilenetv2_100", "--test"],
            "python": "3.11.7",
            "system": "Linux 6.1.0",
            "processor": "AMD EPYC 9V45",
            "cores": 2,
            "packages": {"gyrus": "0.1.0", "numpy": "2.4.6", "torch": "2.15.0", "onnxruntime": "1.31.1"},
            "git": {"commit": "5c57aca" * 5 + "abcde", "changed": True},
        },
        "audit": {
            "verdict": "clean",
            "sentence": "No patient and no identical image stands on two sides of the split.",
            "findings": [
                {
                    "kind": "copies_within_split",
                    "severity": "info",
                    "message": "7 images of the training set are copies of others there.",
                    "counts": {"images": 2, "train": 2},
                    "rows": [],
                    "pairs": [
                        pair("glioma/a.jpg", "train", "glioma/b.jpg", "train"),
                        pair("glioma/c.jpg", "train", "glioma/d.jpg", "train"),
                    ],
                },
                {
                    "kind": "copies_with_different_labels",
                    "severity": "warning",
                    "message": "1 image stands under two labels.",
                    "counts": {"pairs": 1},
                    "rows": [],
                    "pairs": [pair("glioma/x.jpg", "test", "meningioma/y.jpg", "test")],
                },
            ],
        },
        "counts": {
            split: {name: n - 11 * i for i, name in enumerate(CLASSES)} for split, n in per_split.items()
        },
        "subjects": {"train": 150, "val": 22, "cal": 23, "test": 46},
        "fingerprint": "9f" * 32,
        "history": history(),
        "evaluations": {"val": evaluation(n=300, seed=1), "test": evaluation()},
        "test_looks": 1,
        "bundle": {"digest": "ab" * 32, "model_digest": "cd" * 32, "size_bytes": 9_012_345, "card": {}},
        "examples": examples(),
        "examples_split": "test",
        "skipped": [{"path": "glioma/broken.jpg", "reason": "is empty (0 bytes)"}],
        "notes": [
            "Joined class spellings: no_tumor = notumor, No Tumor.",
            "Patients come from the column patient_base_id.",
        ],
        "seconds": {"audit": 3.2, "training": 143.9, "export": 6.1, "measuring": 9.0},
    }
    return ReportContext(**{**values, **changes})
