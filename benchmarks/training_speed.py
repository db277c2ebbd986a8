"""Claim: how near a training comes to what this machine can compute, stage by stage, and how soon it begins.

    python benchmarks/training_speed.py --out benchmarks/results/DATE_training_speed

- Ceiling: the best matrix product or convolution of a number format in any installed library (torch with
  oneDNN, ONNX Runtime, NumPy), in floating-point operations a second; several shapes, the fastest of turns.
- Images a second of each stage of `gyrus train` (from the seconds of its epochs in metrics.csv, validation in
  them): everything free; the head on cached features; the last block on cached features.
- The parts of a step, alone: fetching and augmenting a batch, forward, forward and backward.
- Operations an image of each (multiplications and additions; a training step counts as three forward passes),
  so that a speed times its operations is a share of the ceiling.
- The time from the start of the process until the first step is done, with an empty and with a warm cache.

Every measurement is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import shlex
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cheng_manifest import write_folds
from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, epochs_of, gyrus, told_machine
from keeping import first_step as first_step_of

FULL, TWO_STAGE = "full", "two-stage"
GEMM_SIDES = (1024, 2048)
# (batch, channels in, channels out, side, kernel): a ResNet's 3x3 and a MobileNet's 1x1
CONVOLUTIONS = ((16, 64, 64, 56, 3), (16, 256, 256, 14, 3), (16, 96, 384, 28, 1), (16, 512, 512, 14, 1))
TURNS = 5


def main() -> None:
    """Measure, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("training_speed"))
    parser.add_argument("--work", type=Path, default=WORK / "training_speed")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--weights", type=Path, default=MOBILENET)
    parser.add_argument("--architecture", default="mobilenetv2_100")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--options", default="", help="further options of every training")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--starts", type=int, default=3)
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "architecture": arguments.architecture,
        "image_size": arguments.image_size, "batch_size": arguments.batch_size,
        "options": arguments.options, "epochs": arguments.epochs,
    }  # fmt: skip
    kept = Kept(arguments.out, "images a second against the machine's ceiling", settings)
    write_folds(arguments.data, arguments.work / "manifest.csv")
    for format_ in ("float32", "bf16"):
        kept.once(f"ceiling {format_}", lambda f=format_: ceiling(f))
    for recipe in (FULL, TWO_STAGE):
        kept.once(recipe, lambda r=recipe: trained(arguments, r))
    used = kept.runs[FULL]["precision"]
    kept.once("parts", lambda: parts(arguments, used))
    kept.once("operations", lambda: operations(arguments))
    for start in range(arguments.starts):
        for cache in ("cold", "warm"):
            kept.once(f"start {cache} {start}", lambda c=cache, n=start: started(arguments, c, n))
    conclude(kept)


def ceiling(format_: str) -> dict:
    """Return the operations a second of every candidate of a number format."""
    import torch
    from torch.nn import functional

    dtype = {"float32": torch.float32, "bf16": torch.bfloat16}[format_]
    found = {}
    for side in GEMM_SIDES:
        a, b = (torch.rand(side, side, dtype=dtype) for _ in range(2))
        found[f"torch product {side}"] = _rate(lambda a=a, b=b: a @ b, 2 * side**3)
        if format_ == "float32":
            x, y = a.numpy(), b.numpy()
            found[f"NumPy product {side}"] = _rate(lambda x=x, y=y: x @ y, 2 * side**3)
    for shape in CONVOLUTIONS:
        batch, inside, outside, side, kernel = shape
        images = torch.rand(batch, inside, side, side, dtype=dtype).contiguous(
            memory_format=torch.channels_last
        )
        weights = torch.rand(outside, inside, kernel, kernel, dtype=dtype)
        weights = weights.contiguous(memory_format=torch.channels_last)
        count = 2 * batch * inside * outside * side * side * kernel * kernel
        with torch.inference_mode():
            found[f"torch convolution {shape}"] = _rate(
                lambda i=images, w=weights, k=kernel: functional.conv2d(i, w, padding=k // 2), count
            )
        if format_ == "float32":
            run = _onnx_convolution(weights.contiguous().numpy(), images.contiguous().numpy())
            found[f"ONNX Runtime convolution {shape}"] = _rate(run, count)
    return {"gflop_a_second": {name: rate / 1e9 for name, rate in found.items()}}


def _onnx_convolution(weights: np.ndarray, images: np.ndarray) -> Callable[[], object]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    pad = weights.shape[2] // 2
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[pad] * 4)
    graph = helper.make_graph(
        [node], "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, images.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": images})


def _rate(call: Callable[[], object], operations: float) -> float:
    """Return operations a second: the fastest turn, a busy neighbour only slows one."""
    call()
    seconds = []
    for _ in range(TURNS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return operations / min(seconds)


def trained(arguments: argparse.Namespace, recipe: str) -> dict:
    """Train, and return images a second by stage."""
    from gyrus.bundles import read_bundle
    from gyrus.data import read_manifest

    run = arguments.work / recipe
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    ended = gyrus(*_command(arguments, recipe), "--epochs", arguments.epochs, "--out", run,
                  log=run.with_suffix(".log"))  # fmt: skip
    images = sum(row.split == "train" for row in read_manifest(run / "manifest.csv"))
    by_stage: dict[str, list[float]] = {}
    for row in epochs_of(run):
        by_stage.setdefault(row["stage"], []).append(row["seconds"])
    return {
        "train_images": images, "epoch_s": by_stage, "whole_s": ended.seconds, "peak_mib": ended.peak_mib,
        "parts_s": ended.told["seconds"],
        "precision": read_bundle(run / "model.gyrus").card["provenance"]["precision"],
        "images_a_second": {
            stage: images / statistics.median(seconds[1:] or seconds) for stage, seconds in by_stage.items()
        },
    }  # fmt: skip


def _command(arguments: argparse.Namespace, recipe: str) -> list:
    return [
        "train", arguments.work / "manifest.csv", "--fold", 0, "--architecture", arguments.architecture,
        "--weights", arguments.weights, "--recipe", recipe, "--image-size", arguments.image_size,
        "--batch-size", arguments.batch_size, "--patience", "None", *shlex.split(arguments.options),
    ]  # fmt: skip


def parts(arguments: argparse.Namespace, format_: str) -> dict:
    """Return images a second of the parts of a step, each alone, on random images."""
    import torch
    from torch.nn import functional

    from gyrus.models import build
    from gyrus.training.augmentation import POLICIES
    from gyrus.training.batches import Batch, Look, prepare

    network = build(arguments.architecture, num_classes=3, image_size=arguments.image_size)
    network = network.train().to(memory_format=torch.channels_last)
    count, side = arguments.batch_size, arguments.image_size
    look = Look(mean=network.mean, std=network.std, policy=POLICIES["brain-mri"], channels_last=True)
    pixels = torch.randint(0, 256, (count, side, side, 1), dtype=torch.uint8)
    batch = Batch(pixels, torch.arange(count) % 3, np.arange(count))
    images = prepare(batch, look, seed=0, epoch=0)

    def forward() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=format_ == "bf16"):
            return network(images)

    def answer() -> None:
        with torch.inference_mode():
            forward()

    def there_and_back() -> None:
        functional.cross_entropy(forward().float(), batch.labels).backward()
        network.zero_grad()

    calls = {
        "augment": lambda: prepare(batch, look, seed=0, epoch=0),
        "forward": answer,
        "forward and backward": there_and_back,
    }
    return {"images_a_second": {name: _rate(call, count) for name, call in calls.items()}, "format": format_}


def operations(arguments: argparse.Namespace) -> dict:
    """Return floating-point operations an image.

    Those of a forward pass as torch counts them; a training step counts as three: the gradients of a product
    by its two factors are two products of the same size. (Torch's own count of the way back leaves the groups
    of a depthwise convolution out, and is twenty times too high for a MobileNet.)
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from gyrus.models import build, parts_of

    network = build(arguments.architecture, num_classes=3, image_size=arguments.image_size).train()
    images = torch.rand(2, network.in_channels, arguments.image_size, arguments.image_size)

    def counted(call: Callable[[], object]) -> float:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            call()
        return counter.get_total_flops() / len(images)

    pieces = parts_of(network)
    with torch.no_grad():
        before = images
        for piece in pieces[:-1]:
            before = piece.module(before)
        behind = pieces[-1].module(before)
    whole = counted(lambda: network(images))
    head = counted(lambda: network.logits_of(behind))
    block = counted(lambda: pieces[-1].module(before))
    found = {"forward": whole, "full": 3 * whole, "last-block": 3 * (block + head), "head": 3 * head}
    return {"gflop_an_image": {name: value / 1e9 for name, value in found.items()}}


def started(arguments: argparse.Namespace, cache: str, number: int) -> dict:
    """Return the seconds from the start of the process until the first step is done."""
    folder, run = arguments.work / f"cache-{number}", arguments.work / f"start-{cache}-{number}"
    if cache == "cold":
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(run, ignore_errors=True)
    command = [*_command(arguments, FULL), "--epochs", 1, "--cache-dir", folder, "--out", run]
    return {"cache": cache, "seconds": first_step_of(command, log=run.with_suffix(".log"))}


def conclude(kept: Kept) -> None:
    """Set the speeds against the ceiling, and write the page."""
    runs = kept.runs
    best = {
        name: max(runs[f"ceiling {name}"]["gflop_a_second"].items(), key=lambda item: item[1])
        for name in ("float32", "bf16")
    }
    used = runs[FULL]["precision"]
    top = best[used][1]
    work = runs["operations"]["gflop_an_image"]
    alone, stages = runs["parts"]["images_a_second"], {}
    for recipe in (FULL, TWO_STAGE):
        for stage, speed in runs[recipe]["images_a_second"].items():
            stages[stage] = {
                "images_a_second": speed,
                "share_of_ceiling": _share(speed, work.get(stage), top),
            }
    pieces = {
        "augment": {"images_a_second": alone["augment"], "share_of_ceiling": None},
        "forward": {"images_a_second": alone["forward"],
                    "share_of_ceiling": _share(alone["forward"], work["forward"], top)},
        "forward and backward": {
            "images_a_second": alone["forward and backward"],
            "share_of_ceiling": _share(alone["forward and backward"], work["full"], top),
        },
    }  # fmt: skip
    starts = {
        cache: [run["seconds"] for key, run in runs.items() if key.startswith(f"start {cache}")]
        for cache in ("cold", "warm")
    }
    summary = {"format": used, "ceiling_gflop_a_second": best, "stages": stages, "parts": pieces,
               "first_step_s": starts}  # fmt: skip
    settings = kept.content["settings"]
    lines = [
        "# Images a second, stage by stage, against the machine's ceiling", "",
        "```", "python benchmarks/training_speed.py", "```", "",
        f"{told_machine(kept)} {settings['architecture']} at {settings['image_size']} px, batches of "
        f"{settings['batch_size']}, trained in {used}. Ceiling: "
        + "; ".join(f"{name} {rate:.0f} GFLOP/s ({what})" for name, (what, rate) in best.items()) + ".", "",
        "| stage of `gyrus train` | images a second | share of the ceiling |", "|---|---|---|",
        *(_line(name, found) for name, found in stages.items()), "",
        "| part of a step, alone | images a second | share of the ceiling |", "|---|---|---|",
        *(_line(name, found) for name, found in pieces.items()), "",
    ]  # fmt: skip
    for cache, seconds in starts.items():
        if seconds:
            lines.append(
                f"From the start of the process to the first step, {cache} cache: "
                f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})."
            )
    kept.conclude(summary, "\n".join([*lines, ""]))


def _share(speed: float, gflop: float | None, top: float) -> float | None:
    return None if gflop is None else speed * gflop / top


def _line(name: str, found: dict) -> str:
    share = found["share_of_ceiling"]
    return f"| {name} | {found['images_a_second']:,.0f} | {'' if share is None else f'{100 * share:.1f} %'} |"


if __name__ == "__main__":
    main()
