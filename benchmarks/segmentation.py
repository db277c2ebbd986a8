"""Claim: masks are trained 2.5 and drawn 2 times as fast on a CPU as by the same smp network in float32.

    python benchmarks/segmentation.py --out benchmarks/results/DATE_segmentation

Both sides in one run, each in processes of its own, in turns; both with OMP_WAIT_POLICY=PASSIVE.

- Training: a step of forward, loss, backward and AdamW. smp: its network of the same encoder and the same
  widths, float32, torch's usual memory format, smp's Dice loss and binary cross-entropy. gyrus: what
  `gyrus train` does: bf16 or float32, whichever is faster here, channels last, gradients of strided depthwise
  convolutions in float32, memory kept when freed, Dice and cross-entropy of its own.
- Inference, the network alone: smp eager float32 in evaluation and inference mode; gyrus's graph under each
  runtime that a bundle can be run with. Batch 1 (a frame) and --batch; p50 and p99 in ms a frame.
- The roof: how many operations a training step's image takes, and how many a second the processor does in
  a large float32 matrix product. Where bf16 gains nothing, no direct convolutions of the same network can be
  faster than the one divided by the other.
- Frames: a training for masks on the phantom with the default network, then its bundle, from uint8 frames to
  masks at their geometry, one at a time and streamed; ms a frame and frames a second.

The plain U-Net (unet) is raced against itself, since smp has none like it: plain, eager, float32.
Weights are random: speed does not depend on them.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from keeping import QUIET, WORK, Kept, default_folder, gyrus, told_machine

NETWORKS = ("unet", "unet-mobilenetv2_100", "unetplusplus-mobilenetv2_100", "deeplabv3plus-mobilenetv2_100")
SIZES = (256, 512)
RUNTIMES = ("onnxruntime", "openvino", "openvino-bf16")
SIDE, PRODUCTS = 2048, 30  # of the matrix product
TARGETS = {"training": 2.5, "inference": 2.0, "frames_a_second": 10.0}


def main() -> None:
    """Measure, and conclude."""
    if sys.argv[1:2] == ["--side"]:
        print(json.dumps(side(json.loads(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("segmentation"))
    parser.add_argument("--work", type=Path, default=WORK / "segmentation_speed")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument(
        "--batch", type=int, default=8, help="images of a training step, and of the larger batch"
    )
    parser.add_argument("--turns", type=int, default=3, help="processes of each side")
    parser.add_argument("--steps", type=int, default=6, help="timed training steps of a process")
    parser.add_argument("--frames", type=int, default=100, help="timed frames of a process")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--subjects", type=int, default=12, help="of the phantom that the frames' model learns"
    )
    parser.add_argument("--no-frames", action="store_true", help="race the networks alone")
    arguments = parser.parse_args()
    settings = {
        name: getattr(arguments, name)
        for name in ("batch", "turns", "steps", "frames", "threads", "subjects")
    }
    kept = Kept(arguments.out, "training and drawing masks against smp", settings)
    for network in arguments.networks:
        for size in arguments.sizes:
            plan = {**settings, "network": network, "size": size, "work_folder": str(arguments.work)}
            kept.once(f"training {network} {size}", lambda p=plan: raced(p, "training", ("smp", "gyrus")))
            for batch in (1, arguments.batch):
                key = f"inference {network} {size} batch {batch}"
                ways = ("smp", *runtimes())
                kept.once(key, lambda p=plan, b=batch, w=ways: raced({**p, "batch": b}, "inference", w))
    for size in () if arguments.no_frames else arguments.sizes:
        kept.once(f"frames {size}", lambda s=size: framed(arguments, s))
    for network in arguments.networks:
        for size in arguments.sizes:
            kept.once(f"roof {network} {size}", lambda n=network, s=size: roof(n, s, arguments.threads))
    conclude(kept)


def roof(network: str, size: int, threads: int) -> dict:
    """Return the operations of forward and backward for an image, and the rate of a matrix product."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from gyrus.models.segmentation import build_segmentation

    torch.set_num_threads(threads)
    ours = build_segmentation(network, mask_classes=1, image_size=size).train()
    images = torch.zeros(2, ours.in_channels, size, size)
    with FlopCounterMode(display=False) as counted:
        ours(images).sum().backward()
    one, other = torch.rand(2, SIDE, SIDE)
    seconds = [timed(lambda: one @ other) for _ in range(PRODUCTS)]
    return {
        "gflop_an_image": counted.get_total_flops() / len(images) / 1e9,
        "gflop_a_second": 2 * SIDE**3 / min(seconds) / 1e9,
    }


def runtimes() -> tuple[str, ...]:
    """Return the runtimes that this processor can compute with."""
    from gyrus.inference.openvino_network import shared_core

    known = shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(one for one in RUNTIMES if one != "openvino-bf16" or "BF16" in known)


def raced(plan: dict, work: str, ways: tuple[str, ...]) -> dict:
    """Return the seconds of every repeat by side; the sides take turns, each in a new process."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(plan["turns"]):
        for way in ways:
            task = json.dumps({**plan, "work": work, "way": way})
            ended = subprocess.run(
                [sys.executable, __file__, "--side", task],
                capture_output=True,
                text=True,
                env=QUIET,
                check=False,
            )
            if ended.returncode:
                sys.exit(f"{work} {way} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
            seconds[way] += json.loads(ended.stdout.splitlines()[-1])
    return {"batch": plan["batch"], "seconds": seconds}


def side(plan: dict) -> list[float]:
    """Return the seconds of each repeat of one side, in this process."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(plan["threads"])
    make = {"training": training, "inference": inference}[plan["work"]]
    call = make(plan)
    count = plan["steps"] if plan["work"] == "training" else -(-plan["frames"] // plan["batch"])
    for _ in range(2):
        call()
    return [timed(call) for _ in range(count)]


def timed(call: Callable[[], object]) -> float:
    """Return the seconds of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def smp_network(plan: dict):
    """Return smp's own network of the design, encoder and widths of a network of ours."""
    import segmentation_models_pytorch as smp

    from gyrus.models.segmentation import build_segmentation
    from gyrus.models.segmentation.pretrained import DESIGNS
    from gyrus.models.segmentation.registry import parse

    design, encoder = parse(plan["network"])
    if encoder is None:
        return build_segmentation(plan["network"], mask_classes=1, image_size=plan["size"])
    told = DESIGNS[design]
    return getattr(smp, told.smp_name)(f"tu-{encoder}", encoder_weights=None, in_channels=3, **told.options)


def training(plan: dict) -> Callable[[], None]:
    """Return one training step of a side."""
    import segmentation_models_pytorch as smp
    import torch

    from gyrus.config.mask_losses import MaskLossOptions
    from gyrus.models.segmentation import build_segmentation
    from gyrus.training.allocator import keep_freed_memory
    from gyrus.training.precision import choose
    from gyrus.training.segmentation.losses import DeepSupervision, make_mask_loss
    from gyrus.training.strided_depthwise import quicken

    size, batch = plan["size"], plan["batch"]
    images = torch.randn(batch, 3, size, size)
    masks = torch.zeros(batch, size, size, dtype=torch.uint8)
    masks[:, size // 3 : size // 2, size // 3 : size // 2] = 1
    if plan["way"] == "smp":
        network = smp_network(plan).train()
        optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
        dice, entropy, truth = (
            smp.losses.DiceLoss("binary"),
            torch.nn.BCEWithLogitsLoss(),
            masks[:, None].float(),
        )

        def plain() -> None:
            logits = network(images)
            torch.autograd.backward(dice(logits, truth) + entropy(logits, truth))
            optimizer.step()
            optimizer.zero_grad()

        return plain
    keep_freed_memory()
    ours = build_segmentation(plan["network"], mask_classes=1, image_size=size).train()
    quicken(ours)
    precision = choose(
        "auto", ours, key=plan["network"], input_shape=(batch, 3, size, size), device=torch.device("cpu"),
        cache_folder=Path(plan["work_folder"]),
    )  # fmt: skip
    layout = torch.channels_last if precision.channels_last else torch.contiguous_format
    ours = ours.to(memory_format=layout)
    images = images.contiguous(memory_format=layout)
    fused = torch.optim.AdamW(ours.parameters(), 1e-4, fused=True)
    loss = DeepSupervision(make_mask_loss(MaskLossOptions()))

    def quick() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision.dtype == "bf16"):
            logits, _ = ours.forward_deep(images)
        torch.autograd.backward(loss(logits, masks))
        fused.step()
        fused.zero_grad()

    return quick


def inference(plan: dict) -> Callable[[], object]:
    """Return one forward pass of a side."""
    import torch

    size, batch = plan["size"], plan["batch"]
    if plan["way"] == "smp":
        network, images = smp_network(plan).eval(), torch.randn(batch, 3, size, size)

        def plain() -> object:
            with torch.inference_mode():
                return network(images)

        return plain
    from gyrus.exporting import make_mask_graphs
    from gyrus.imaging.geometry import Geometry
    from gyrus.inference.runtime import Graph
    from gyrus.models.segmentation import build_segmentation

    ours = build_segmentation(plan["network"], mask_classes=1, image_size=size).eval()
    data = make_mask_graphs(ours, geometry=Geometry(size), channels_in=1).network
    pixels = np.random.default_rng(0).standard_normal((batch, 3, size, size), np.float32)
    named = {
        "name": "network.onnx", "source": "pixels", "results": ("mask_logits", "embedding"),
        "threads": plan["threads"],
    }  # fmt: skip
    if plan["way"] == "onnxruntime":
        graph = Graph(data, **named)
    else:
        from gyrus.inference.openvino_network import PRECISIONS, OpenVinoNetwork

        graph = OpenVinoNetwork(data, precision=PRECISIONS[plan["way"]], size_px=size, **named)
    return lambda: graph.run(pixels)


def framed(arguments: argparse.Namespace, size: int) -> dict:
    """Train the default network on a phantom, then time frames through its bundle, by runtime."""
    from gyrus.inference.segmenting import MaskPredictor
    from gyrus.phantom import Phantom, write_cohort

    cohort, run = arguments.work / "phantom", arguments.work / f"run-{size}"
    if not (cohort / "manifest.csv").is_file():
        write_cohort(cohort, Phantom(subjects=arguments.subjects))
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    gyrus("train", cohort, "--task", "segment", "--image-size", size, "--epochs", 1, "--out", run,
          log=run.with_suffix(".log"))  # fmt: skip
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (size, size, 1), dtype=np.uint8) for _ in range(16)]
    told = {}
    for runtime in runtimes():
        predictor = MaskPredictor.load(run / "model.gyrus", arguments.threads, runtime=runtime)
        for frame in frames[:3]:
            predictor.predict([frame])
        seconds = [
            timed(lambda f=frames[i % 16], p=predictor: p.predict([f])) for i in range(arguments.frames)
        ]
        film = [frames[i % 16] for i in range(arguments.frames)]
        whole = timed(lambda p=predictor, f=film: list(p.stream(f)))
        told[runtime] = {"seconds": seconds, "streamed_a_second": arguments.frames / whole}
    return {"by_runtime": told}


def conclude(kept: Kept) -> None:
    """Set the sides against each other, and write the page."""
    summary: dict[str, dict] = {}
    lines = [
        "| work | network | px | batch | smp, ms an image | gyrus, ms an image | times as fast |",
        "|" + "---|" * 7,
    ]
    for key, run in kept.runs.items():
        if key.startswith(("frames", "roof")):
            continue
        work, network, size, *_ = key.split()
        each = {way: per_image(found, run["batch"]) for way, found in run["seconds"].items()}
        for way, found in each.items():
            if way == "smp":
                continue
            ratio = each["smp"]["p50_ms"] / found["p50_ms"]
            summary[f"{key} {way}"] = {**found, "smp": each["smp"], "times_as_fast": ratio}
            lines.append(
                f"| {work} ({way}) | {network} | {size} | {run['batch']} | {told_ms(each['smp'])} "
                f"| {told_ms(found)} | {ratio:.1f} |"
            )
    if any(key.startswith("frames") for key in kept.runs):
        lines += [
            "",
            "| frames, bundle | px | ms a frame, p50 (p99) | frames a second, streamed |",
            "|---|---|---|---|",
        ]
    for key, run in kept.runs.items():
        if key.startswith("frames"):
            for runtime, found in run["by_runtime"].items():
                figures = per_image(found["seconds"], 1)
                summary[f"{key} {runtime}"] = {**figures, "streamed_a_second": found["streamed_a_second"]}
                streamed = f"{found['streamed_a_second']:.1f}"
                lines.append(f"| {runtime} | {key.split()[1]} | {told_ms(figures)} | {streamed} |")
    lines += [""] if any(key.startswith("roof") for key in kept.runs) else []
    for key, run in kept.runs.items():
        if key.startswith("roof"):
            _, network, size = key.split()
            least = 1e3 * run["gflop_an_image"] / run["gflop_a_second"]
            smp = summary[f"training {network} {size} gyrus"]["smp"]["p50_ms"]
            summary[key] = {**run, "least_ms": least, "most_times_as_fast": smp / least}
            lines.append(
                f"- {network}, {size} px, float32: {run['gflop_an_image']:.1f} GFLOP an image in training; "
                f"this processor does {run['gflop_a_second']:.0f} a second in a matrix product. Direct "
                f"convolutions cannot take less than {least:.0f} ms: at the most {smp / least:.1f} times as "
                f"fast as smp."
            )
    page = [
        "# Masks: training and inference against smp, and frames", "",
        "```", "python benchmarks/segmentation.py", "```", "",
        f"{told_machine(kept)} {kept.content['settings']['threads']} threads. Targets: "
        f"{TARGETS['training']} times in training, {TARGETS['inference']} in inference, "
        f"{TARGETS['frames_a_second']:.0f} frames a second at 256 px. p50 (p99) of every repeat of "
        f"{kept.content['settings']['turns']} processes.", "", *lines, "",
    ]  # fmt: skip
    kept.conclude(summary, "\n".join(page))


def per_image(seconds: list[float], batch: int) -> dict:
    """Return median and 99th percentile in ms an image."""
    p50, p99 = (1e3 * float(np.percentile(seconds, q)) / batch for q in (50, 99))
    return {"p50_ms": p50, "p99_ms": p99, "repeats": len(seconds)}


def told_ms(found: dict) -> str:
    """Return ``12.3 (14.0)``."""
    return f"{found['p50_ms']:.1f} ({found['p99_ms']:.1f})"


if __name__ == "__main__":
    main()
