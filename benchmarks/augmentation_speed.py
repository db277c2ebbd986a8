"""What the augmentation of a batch costs an image: by policy, number format and threads, side by side.

    python benchmarks/augmentation_speed.py [--smoke]

Question: does the policy brain-mri on grey images of 224 px, noise and bias field included, cost more than
``affine_grid`` and ``grid_sample`` alone, which only move the picture, or more than moves image by image
with torchvision's transforms v2? Each thread count runs in a process of its own; the sides take turns,
so that a busy neighbour meets all. ``--smoke`` runs each once and writes nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

SIDE_PX, BATCH, ROUNDS, THREADS = 224, 32, 15, (1, 2)

PROCESS = """
import json, sys, time
import gyrus  # sets OMP_WAIT_POLICY
import numpy as np, torch
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import v2
from gyrus.training.allocator import keep_freed_memory
from gyrus.config.augmenting import AugmentationOptions
from gyrus.training.augmentation import POLICIES, apply, draw, mix, soft_targets
threads, rounds, side, batch = map(int, sys.argv[1:])
torch.set_num_threads(threads)
keep_freed_memory()
numbers = np.arange(batch)
targets = soft_targets(torch.arange(batch) % 3, 3)
bilinear = v2.InterpolationMode.BILINEAR
one_by_one = v2.Compose([v2.RandomAffine(12, (0.05, 0.05), (0.9, 1.1), interpolation=bilinear),
                         v2.ColorJitter(brightness=0.1, contrast=0.15)])

def alone(images):
    theta = torch.eye(2, 3).repeat(batch, 1, 1) + 0.05 * torch.randn(batch, 2, 3)
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)

sides = {}
for channels in (1, 3):
    images = torch.rand(batch, channels, side, side)
    kind = "grey" if channels == 1 else "rgb"
    for name, policy in POLICIES.items():
        for dtype in (torch.float32, torch.bfloat16):
            given = images.to(dtype)
            sides[f"{name}, {kind}, {str(dtype)[6:]}"] = (
                lambda policy=policy, given=given, **now:
                    apply(given, draw(0, now["epoch"], numbers, policy)))
    sides[f"affine_grid + grid_sample alone, {kind}, float32"] = lambda images=images, **now: alone(images)
    sides[f"transforms v2 image by image, {kind}, float32"] = (
        lambda images=images, **now: torch.stack([one_by_one(image) for image in images]))
    for name in ("mixup", "cutmix"):
        options = AugmentationOptions(**{name: 1.0})
        sides[f"{name}, {kind}, float32"] = (
            lambda images=images, options=options, **now: mix(images, targets, 0, now["epoch"], 0, options))
sides["draw alone, brain-mri"] = lambda **now: draw(0, now["epoch"], numbers, POLICIES["brain-mri"])
times = {name: [] for name in sides}
for epoch in range(rounds + 1):  # the first is a warm-up
    for name, side_ in sides.items():
        start = time.perf_counter()
        side_(epoch=epoch)
        times[name].append(1e3 * (time.perf_counter() - start) / batch)
print(json.dumps({name: values[1:] for name, values in times.items()}))
"""


def main() -> None:
    from gyrus.runs import environment

    smoke = "--smoke" in sys.argv[1:]
    raw: dict[str, dict[str, list[float]]] = {}
    for threads in THREADS:
        arguments = (threads, 1 if smoke else ROUNDS, SIDE_PX, BATCH)
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, *map(str, arguments)], capture_output=True, text=True, check=True
        )
        raw[str(threads)] = json.loads(done.stdout)
    medians = {
        threads: {name: round(statistics.median(values), 4) for name, values in sides.items()}
        for threads, sides in raw.items()
    }
    print(json.dumps(medians, indent=1))
    if smoke:
        return
    folder = Path(__file__).parent / "results" / "2026-11-20_augmentation_speed"
    folder.mkdir(parents=True, exist_ok=True)
    result = {"unit": "ms an image", "side_px": SIDE_PX, "batch": BATCH, "rounds": ROUNDS,
              "medians_by_threads": medians, "raw_by_threads": raw, "environment": environment()}  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
