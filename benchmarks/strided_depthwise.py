"""Claim: oneDNN takes long for the bfloat16 gradient of strided depthwise convolutions on a CPU.

    python benchmarks/strided_depthwise.py > benchmarks/results/DATE_strided_depthwise/result.json

Each layer's backward pass in bfloat16, in float32, and (as training does it) in float32 with the conversions;
then whole training steps with and without. Processor time of all threads, which a busy neighbour disturbs
less than wall time; the least of several repeats, in turns.
"""

import argparse
import json
import os
import platform
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from gyrus.models import build
from gyrus.training.strided_depthwise import quicken, restore

LAYERS = ((96, 112, 3), (144, 56, 3), (192, 28, 3), (576, 14, 3), (240, 28, 5), (672, 14, 5))
NETWORKS = ("mobilenetv2_100", "mobilenetv3_large_100", "efficientnet_b0")


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    answer = {
        "machine": {
            "processor": platform.processor(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        },
        "batch": arguments.batch,
        "layers": [layer(*sizes, arguments) for sizes in LAYERS],
        "steps": [step(name, arguments) for name in NETWORKS],
    }
    print(json.dumps(answer, indent=1))


def layer(channels: int, side: int, kernel: int, arguments: argparse.Namespace) -> dict:
    """Return processor milliseconds a batch of one layer's backward pass."""
    images = torch.randn(arguments.batch, channels, side, side).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, 1, kernel, kernel).contiguous(memory_format=torch.channels_last)
    options = ([2, 2], [kernel // 2] * 2, [1, 1], False, [0, 0], channels, [True, True, False])
    back = torch.ops.aten.convolution_backward
    towards = torch.randn_like(torch.nn.functional.conv2d(images, weight, None, 2, kernel // 2, 1, channels))
    half = [tensor.bfloat16() for tensor in (towards, images, weight)]
    ways = {
        "bfloat16": lambda: back(*half, None, *options),
        "float32": lambda: back(towards, images, weight, None, *options),
        "float32, converted": lambda: [
            tensor.bfloat16()
            for tensor in back(*(tensor.float() for tensor in half), None, *options)
            if tensor is not None
        ],
    }
    times = least(ways, arguments.repeats)
    return {"channels": channels, "side_px": side, "kernel": kernel, "backward_ms": times}


def step(name: str, arguments: argparse.Namespace) -> dict:
    """Return processor milliseconds an image of a training step at 224 pixels."""
    network = build(name, num_classes=3, image_size=224).to(memory_format=torch.channels_last).train()
    images = torch.randn(arguments.batch, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(arguments.batch) % 3
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def train() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images)
        torch.autograd.backward(torch.nn.functional.cross_entropy(logits.float(), labels))
        optimizer.step()
        optimizer.zero_grad()

    def quick() -> None:
        quicken(network)
        train()
        restore(network)

    times = least({"plain": train, "quickened": quick}, arguments.repeats)
    return {"network": name, "step_ms_an_image": {way: ms / arguments.batch for way, ms in times.items()}}


def least(ways: dict, repeats: int) -> dict:
    """Return the least processor time of each way in milliseconds; they take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, work in ways.items():
            began = time.process_time()
            work()
            best[name] = min(best[name], 1000 * (time.process_time() - began))
    return {name: round(ms, 3) for name, ms in best.items()}


if __name__ == "__main__":
    main()
