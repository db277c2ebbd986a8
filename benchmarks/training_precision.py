"""Claim: bf16 with channels_last trains faster than float32 on a CPU that has bf16.

    python benchmarks/training_precision.py > benchmarks/results/DATE_training_precision/result.json

Prints JSON: images a second of every turn and candidate at 224 pixels, batch 16. The candidates take turns,
so that a busy neighbour slows all of them alike; the first turn is left out.
"""

import json
import os
import platform
import statistics

import gyrus

# isort: split
import torch

from gyrus.models import build
from gyrus.training import precision

NETWORKS, SHAPE, TURNS = ("improved_cnn", "mobilenetv2_100", "resnet18"), (16, 3, 224, 224), 3


def main() -> None:
    """Measure and print."""
    speeds: dict[str, dict[str, list[float]]] = {}
    for name in NETWORKS:
        network = build(name, num_classes=4)
        turns = [precision.measure(network, SHAPE, torch.device("cpu")) for _ in range(TURNS + 1)][1:]
        speeds[name] = {
            candidate: [round(turn[candidate], 1) for turn in turns] for candidate in precision.CANDIDATES
        }
    medians = {
        name: {candidate: statistics.median(values) for candidate, values in of_network.items()}
        for name, of_network in speeds.items()
    }
    result = {
        "claim": "bf16 with channels_last against float32, training",
        "batch": SHAPE[0],
        "image_size_px": SHAPE[-1],
        "median_images_per_second": medians,
        "images_per_second": speeds,
        "machine": {
            "cpu": precision.machine(torch.device("cpu")),
            "load_average": os.getloadavg(),
            "system": platform.platform(),
            "torch": torch.__version__,
            "gyrus": gyrus.__version__,
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
