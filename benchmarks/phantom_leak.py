"""Claim: on the phantom, a split by slices flatters a network by 10 points or more over a split by subjects.

    python benchmarks/phantom_leak.py > benchmarks/results/DATE_phantom_leak/result.json

The same network (improved_cnn, 100 px, 12 epochs, AdamW with a one-cycle schedule, small turns and shifts) on
the same cohorts, a quarter held out: whole subjects, random slices, and whole subjects with the labels
shuffled among subjects (chance is 0.25). Prints JSON: the accuracy of every seed.
"""

import json
import os
import platform
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from gyrus.models import build
from gyrus.phantom import CLASSES, Phantom, generate

SUBJECTS, SLICES, SIZE, EPOCHS, BATCH, SEEDS = 64, 5, 100, 12, 16, (0, 1, 2, 3)


def cohort(seed):
    """Return images (n, 1, size, size), classes and subjects."""
    slices = list(generate(Phantom(subjects=SUBJECTS, slices_per_subject=SLICES, seed=seed)))
    pixels = [
        np.asarray(Image.fromarray(one.pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        for one in slices
    ]
    x = (torch.tensor(np.stack(pixels)).float()[:, None] / 255 - 0.2) / 0.2
    labels = np.array([CLASSES.index(one.label) for one in slices])
    return x, labels, np.array([int(one.subject_id[1:]) for one in slices])


def held_out(kind, labels, subjects, rng):
    """Return which images are the test set."""
    if kind == "slice-wise":
        return np.isin(np.arange(len(labels)), rng.permutation(len(labels))[: len(labels) // 4])
    chosen = []
    for number in range(len(CLASSES)):
        of_class = np.arange(number, SUBJECTS, len(CLASSES))
        chosen.extend(rng.permutation(of_class)[: len(of_class) // 4])
    return np.isin(subjects, chosen)


def turned(images):
    """Turn, scale and shift each image a little, and change its brightness."""
    count = len(images)
    angle = (torch.rand(count) - 0.5) * 2 * np.deg2rad(10)
    scale = 1 + (torch.rand(count) - 0.5) * 0.2
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * scale, -angle.sin() * scale
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin() * scale, angle.cos() * scale
    theta[:, :, 2] = (torch.rand(count, 2) - 0.5) * 0.1
    grid = functional.affine_grid(theta, images.shape, align_corners=False)
    moved = functional.grid_sample(images + 1, grid, align_corners=False) - 1
    return moved * (1 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.3) + (torch.rand(count, 1, 1, 1) - 0.5) * 0.3


def accuracy(x, labels, test, seed):
    """Train outside the test set, return the accuracy in it."""
    torch.manual_seed(seed)
    network = build("improved_cnn", num_classes=len(CLASSES), in_channels=1, image_size=SIZE, dropout=0.2)
    network = network.to(memory_format=torch.channels_last)
    y, train = torch.tensor(labels), torch.tensor(np.flatnonzero(~test))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    steps = EPOCHS * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    network.train()
    for _ in range(EPOCHS):
        for batch in train[torch.randperm(len(train))].split(BATCH):
            images = turned(x[batch]).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(images)
            loss = functional.cross_entropy(logits.float(), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        return float((network(x[test]).argmax(dim=1) == y[test]).float().mean())


def main():
    """Measure and print."""
    results = {"subject-wise": [], "slice-wise": [], "labels shuffled among subjects, subject-wise": []}
    begin = time.perf_counter()
    for seed in SEEDS:
        x, labels, subjects = cohort(seed)
        for kind, values in results.items():
            rng = np.random.default_rng(seed)
            test = held_out(kind, labels, subjects, rng)
            given = rng.permutation(labels[::SLICES])[subjects] if kind.startswith("labels") else labels
            values.append(round(accuracy(x, given, test, seed), 4))
    gaps = np.subtract(results["slice-wise"], results["subject-wise"])
    print(
        json.dumps(
            {
                "claim": "slice-wise minus subject-wise is at least 0.10",
                "mean_gap": round(float(gaps.mean()), 4),
                "standard_error_of_the_gap": round(float(gaps.std(ddof=1) / np.sqrt(len(gaps))), 4),
                "mean": {kind: round(float(np.mean(values)), 4) for kind, values in results.items()},
                "accuracy_by_seed": results,
                "seeds": SEEDS,
                "subjects": SUBJECTS,
                "images": SUBJECTS * SLICES,
                "test_images": SUBJECTS * SLICES // 4,
                "seconds": round(time.perf_counter() - begin, 1),
                "machine": {
                    "system": platform.platform(),
                    "cores": os.cpu_count(),
                    "python": platform.python_version(),
                    "torch": torch.__version__,
                },
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
