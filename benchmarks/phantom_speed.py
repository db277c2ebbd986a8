"""Claim: the phantom draws at least 200 images a second on one core at its default size, PNG encoding aside.

    python benchmarks/phantom_speed.py > benchmarks/results/DATE_phantom_speed/result.json

Prints JSON: images a second of every repeat, at several sizes, and the machine. One warm-up repeat is left
out.
"""

import json
import os
import platform
import time
from pathlib import Path

os.environ.update(
    OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1"
)  # before NumPy: one core

import numpy as np

from gyrus.phantom import Phantom, generate

SUBJECTS, REPEATS, SIZES = 40, 7, (128, 192, 256)


def images_per_second(phantom: Phantom) -> float:
    """Return the speed of drawing one whole cohort."""
    begin = time.perf_counter()
    count = sum(1 for _ in generate(phantom))
    return count / (time.perf_counter() - begin)


def main() -> None:
    """Measure and print."""
    speeds = {}
    for size in SIZES:
        repeats = [images_per_second(Phantom(subjects=SUBJECTS, image_size=size)) for _ in range(REPEATS + 1)]
        speeds[str(size)] = [round(speed, 1) for speed in repeats[1:]]
    default = str(Phantom().image_size)
    print(
        json.dumps(
            {
                "claim": "at least 200 images a second on one core at the default size",
                "default_size_px": int(default),
                "median_images_per_second": float(np.median(speeds[default])),
                "images_per_second": speeds,
                "images_per_repeat": SUBJECTS * Phantom().slices_per_subject,
                "machine": {
                    "cpu": _cpu(),
                    "cores": os.cpu_count(),
                    "system": platform.platform(),
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                },
            },
            indent=2,
        )
    )


def _cpu() -> str:
    """Return the name of the processor, where the system tells it."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
