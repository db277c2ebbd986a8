"""Claim: on a GPU the data stay on the device, and a stage's images a second are a told share of its ceiling.

    python benchmarks/gpu_training.py --out benchmarks/results/DATE_gpu_training

Needs no data, no weights and no network: pictures are random, and so are the starting weights; neither
changes how long a step takes. Each training is `gyrus.training.fit`, all of `gyrus train` between the audit
and the export, in a process of its own. By architecture and batch size:

- full: everything trained through the trunk; also with --deterministic, and with the pixels copied batch by
  batch instead of lying on the GPU as a whole;
- frozen: the head alone, every epoch through the frozen trunk (--views 0);
- cached: the head alone on features that were computed once (--views 2), and how fast those were computed;
- parts of a step, each alone: augmentation, forward, forward and backward, with cuDNN's choice by timing and
  without.

Images a second are the training images by the median seconds of an epoch after the first, its validation
included. The ceiling is the best matrix product or convolution of the number format that torch gives here;
random numbers, for a GPU multiplies zeros faster. Operations an image: a forward pass as torch counts them, a
training step three times as many. The time to the first step is that of a process `gyrus train` on a folder
of PNG files, without and with the cache of decoded pixels.

`--device cpu` with small settings tries the script where there is no GPU.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from keeping import PROJECT, QUIET, WORK, Kept, default_folder, first_step

FORMATS = {"float32": "float32", "bf16": "bfloat16"}
# (channels in, channels out, side, kernel): a ResNet's 3x3 and a MobileNet's 1x1
CONVOLUTIONS = ((64, 64, 56, 3), (256, 256, 14, 3), (512, 512, 14, 3), (96, 384, 28, 1), (512, 512, 14, 1))
WAYS = {
    "full": {"recipe": "full"},
    "full, deterministic": {"recipe": "full", "deterministic": True},
    "full, pixels copied": {"recipe": "full", "copied": True},
    "frozen": {"recipe": "head", "views": 0},
    "cached": {"recipe": "head", "views": 2},
}
WORK_OF = {"full": "training", "frozen": "forward", "cached": "head"}


def main() -> None:
    """Measure, and conclude; or do the one thing that a process was started for."""
    arguments = read_arguments()
    if arguments.one:
        task = json.loads(arguments.one)
        print(json.dumps(TASKS[task.pop("task")](**task)))
        return
    settings = {
        name: getattr(arguments, name)
        for name in ("device", "image_size", "images", "epochs", "head_epochs", "gemm_side", "turns")
    }
    kept = Kept(arguments.out, "images a second by stage on a GPU against its ceiling", settings)
    once(kept, "device", task="device", device=arguments.device)
    for format_ in FORMATS:
        once(
            kept, f"ceiling {format_}", task="ceiling", format_=format_, device=arguments.device,
            side=arguments.gemm_side, batch=max(arguments.batch_sizes), turns=arguments.turns,
        )  # fmt: skip
    for architecture in arguments.architectures:
        shared = {"architecture": architecture, "image_size": arguments.image_size}
        once(kept, f"operations {architecture}", task="operations", **shared)
        for batch in arguments.batch_sizes:
            key = f"{architecture}, batch {batch}"
            used = "auto"  # what the first training measured, the others are asked for
            for way in WAYS:
                run = once(
                    kept, f"{key}: {way}", task="training", way=way, precision=used, batch=batch,
                    device=arguments.device, images=arguments.images, epochs=arguments.epochs,
                    head_epochs=arguments.head_epochs,
                    **shared,
                )  # fmt: skip
                used = run["precision"]["dtype"]
            once(
                kept, f"{key}: parts", task="parts", batch=batch, device=arguments.device, format_=used,
                turns=arguments.turns, **shared,
            )  # fmt: skip
    for number in range(arguments.starts):
        for cache in ("cold", "warm"):
            key = f"start {cache} {number}"
            kept.once(key, lambda c=cache, n=number: started(arguments, c, n))
    conclude(kept, arguments)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("gpu_training"))
    parser.add_argument("--work", type=Path, default=WORK / "gpu_training")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--architectures", nargs="+", default=["mobilenetv2_100", "resnet50"])
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32, 256])
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument(
        "--images", type=int, default=8192, help="training images; an eighth more to validate"
    )
    parser.add_argument("--epochs", type=int, default=3, help="through the trunk")
    parser.add_argument("--head-epochs", type=int, default=10, help="on cached features")
    parser.add_argument("--gemm-side", type=int, default=8192)
    parser.add_argument("--turns", type=int, default=20, help="of each timing of a part")
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--start-images", type=int, default=300)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def once(kept: Kept, key: str, **task: object) -> dict:
    """Do a task in a process of its own, if it is not done yet; a task that fails ends the benchmark."""

    def make() -> dict:
        command = [sys.executable, __file__, "--one", json.dumps(task)]
        done = subprocess.run(command, capture_output=True, text=True, env=QUIET, cwd=PROJECT, check=False)
        if done.returncode:
            sys.exit(f"{key} ended with {done.returncode}\n{done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    return kept.once(key, make)


def device_facts(device: str) -> dict:
    """Return what the device is."""
    import torch

    import gyrus

    facts = {"gyrus": gyrus.__version__, "torch": torch.__version__, "name": device}
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        facts |= {
            "name": properties.name, "memory_gib": properties.total_memory / 2**30,
            "multiprocessors": properties.multi_processor_count, "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "tf32_in_convolutions": torch.backends.cudnn.allow_tf32,
            "tf32_in_products": torch.backends.cuda.matmul.allow_tf32,
        }  # fmt: skip
    return facts


def ceiling(format_: str, device: str, side: int, batch: int, turns: int) -> dict:
    """Return the operations a second of matrix products and convolutions, under torch's own settings."""
    import torch
    from torch.nn import functional

    dtype, found = getattr(torch, FORMATS[format_]), {}
    a, b = (torch.randn(side, side, dtype=dtype, device=device) for _ in range(2))
    found[f"product {side}"] = 2 * side**3 / seconds_of(lambda: a @ b, device, turns)
    with torch.inference_mode():
        for inside, outside, place, kernel in CONVOLUTIONS:
            images = torch.randn(batch, inside, place, place, dtype=dtype, device=device)
            images = images.contiguous(memory_format=torch.channels_last)
            weights = torch.randn(outside, inside, kernel, kernel, dtype=dtype, device=device)
            weights = weights.contiguous(memory_format=torch.channels_last)
            count = 2 * batch * inside * outside * place**2 * kernel**2
            taken = seconds_of(
                lambda i=images, w=weights, k=kernel: functional.conv2d(i, w, padding=k // 2), device, turns
            )
            found[f"convolution {(batch, inside, outside, place, kernel)}"] = count / taken
    return {"tflop_a_second": {name: rate / 1e12 for name, rate in found.items()}}


def seconds_of(call: Callable[[], object], device: str, turns: int) -> float:
    """Return the median seconds of a call, by the device's own clock where it has one."""
    import torch

    for _ in range(3):
        call()
    taken = []
    for _ in range(turns):
        if device == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            call()
            end.record()
            end.synchronize()
            taken.append(begin.elapsed_time(end) / 1000)
        else:
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def operations(architecture: str, image_size: int) -> dict:
    """Return floating-point operations an image, in millions."""
    import training_speed

    made = training_speed.operations(argparse.Namespace(architecture=architecture, image_size=image_size))
    found = made["gflop_an_image"]
    return {
        "mflop_an_image": {
            "forward": 1000 * found["forward"],
            "training": 1000 * found["full"],
            "head": 1000 * found["head"],
        }
    }


class Random:
    """Random pixels, with the face of a pixel cache."""

    def __init__(self, count: int, side: int) -> None:
        self.pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 1), dtype=np.uint8)

    def rows_of(self, image_ids: list[str]) -> np.ndarray:
        """Return the rows: the names are numbers."""
        return np.array([int(name) for name in image_ids], dtype=np.int64)


def training(
    way: str, architecture: str, image_size: int, batch: int, device: str, precision: str, images: int,
    epochs: int, head_epochs: int,
) -> dict:  # fmt: skip
    """Train one way; return the seconds of its epochs."""
    import torch

    from gyrus.config import TrainConfig
    from gyrus.data.manifest import Manifest, Row
    from gyrus.models import build
    from gyrus.runs import RunFolder
    from gyrus.training import device_pixels, fit, on_features

    options = dict(WAYS[way])
    if options.pop("copied", False):
        device_pixels._SHARE_OF_MEMORY = 0.0
    caching: list[float] = []
    cached = on_features._cached

    def clocked(*given: object) -> object:
        for _ in range(2):  # the first pass loads the kernels, too
            began = time.perf_counter()
            made = cached(*given)
            wait(device)
            caching.append(time.perf_counter() - began)
        return made

    on_features._cached = clocked
    judged = images // 8
    rows = tuple(
        Row(image_id=str(n), path=f"{n}.png", label=f"class{n % 3}", split="train" if n < images else "val")
        for n in range(images + judged)
    )
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.pt"
        torch.save(build(architecture, num_classes=3, image_size=image_size).state_dict(), weights)
        config = TrainConfig(
            source=Path("random"), architecture=architecture, image_size=image_size, batch_size=batch,
            device=device, precision=precision, weights=weights, patience=None, select="last",
            epochs=epochs, head_epochs=epochs if way == "frozen" else head_epochs,
            cache_dir=Path(folder) / "cache", **options,
        )  # fmt: skip
        run = RunFolder(Path(folder) / "run").create()
        began = time.perf_counter()
        result = fit(
            Manifest(rows=rows, root=Path()), Random(len(rows), image_size), config, run, progress=False
        )
        whole = time.perf_counter() - began
    seconds = [row["seconds"] for row in result.history]
    found = {
        "way": way, "epoch_s": seconds, "images": images, "val_images": judged, "fit_s": whole,
        "images_a_second": images / statistics.median(seconds[1:] or seconds),
        "precision": {"dtype": result.precision.dtype, "channels_last": result.precision.channels_last,
                      "images_per_s": result.precision.images_per_s},
        "device": result.device,
    }  # fmt: skip
    if caching:
        views = options["views"]
        found |= {
            "caching_s": caching, "caching_images_a_second": (views * images + judged) / caching[-1],
        }  # fmt: skip
    if device == "cuda":
        found["peak_gpu_gib"] = torch.cuda.max_memory_reserved() / 2**30
    return found


def wait(device: str) -> None:
    """Wait for what is queued on a GPU."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def parts(architecture: str, image_size: int, batch: int, device: str, format_: str, turns: int) -> dict:
    """Return images a second of the parts of a step, each alone."""
    import torch
    from torch.nn import functional

    from gyrus.models import build
    from gyrus.training.augmentation import POLICIES
    from gyrus.training.batches import Batch, Look, prepare

    network = build(architecture, num_classes=3, image_size=image_size).train()
    network = network.to(device, memory_format=torch.channels_last)
    look = Look(mean=network.mean, std=network.std, policy=POLICIES["brain-mri"], channels_last=True)
    pixels = torch.randint(0, 256, (batch, image_size, image_size, 1), dtype=torch.uint8, device=device)
    given = Batch(pixels, torch.arange(batch, device=device) % 3, np.arange(batch))
    images = prepare(given, look, seed=0, epoch=0)

    def forward() -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=format_ == "bf16"):
            return network(images)

    def answer() -> None:
        with torch.inference_mode():
            forward()

    def there_and_back() -> None:
        functional.cross_entropy(forward().float(), given.labels).backward()
        network.zero_grad()

    found = {"augmentation": batch / seconds_of(lambda: prepare(given, look, seed=0, epoch=0), device, turns)}
    for chosen, name in ((False, ""), (True, ", cuDNN's choice by timing")):
        torch.backends.cudnn.benchmark = chosen
        found[f"forward{name}"] = batch / seconds_of(answer, device, turns)
        began = time.perf_counter()
        there_and_back()
        wait(device)
        found[f"forward and backward{name}"] = batch / seconds_of(there_and_back, device, turns)
        found[f"first step{name}, s"] = time.perf_counter() - began
    return {"format": format_, "found": found}


def started(arguments: argparse.Namespace, cache: str, number: int) -> dict:
    """Return the seconds from the start of a process ``gyrus train`` until its first step is done."""
    folder = arguments.work / f"cache-{number}"
    run = arguments.work / f"start-{cache}-{number}"
    data = write_pictures(arguments.work / "pictures", arguments.start_images)
    if cache == "cold":
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(run, ignore_errors=True)
    command = [
        "train", data, "--subject-folder", "--architecture", arguments.architectures[0], "--epochs", 1,
        "--image-size", arguments.image_size, "--device", arguments.device, "--cache-dir", folder,
        "--out", run,
    ]  # fmt: skip
    return {"cache": cache, "seconds": first_step(command, log=run.with_suffix(".log"))}


def write_pictures(folder: Path, count: int) -> Path:
    """Write random smooth pictures as CLASS/PATIENT/PICTURE.png, unlike each other; return the folder."""
    from PIL import Image

    rng = np.random.default_rng(1)
    for number in range(count):
        path = folder / f"class{number % 3}" / f"patient{number // 3 % 30}-{number % 3}" / f"{number}.png"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8))
            coarse.resize((256, 256), Image.Resampling.BICUBIC).save(path)
    return folder


TASKS = {
    "device": device_facts,
    "ceiling": ceiling,
    "operations": operations,
    "training": training,
    "parts": parts,
}


def conclude(kept: Kept, arguments: argparse.Namespace) -> None:
    """Set the speeds against the ceiling, and write the page."""
    runs, facts = kept.runs, kept.runs["device"]
    tops = {
        name: max(runs[f"ceiling {name}"]["tflop_a_second"].items(), key=lambda item: item[1])
        for name in FORMATS
    }
    stages, pieces = {}, {}
    for architecture in arguments.architectures:
        work = runs[f"operations {architecture}"]["mflop_an_image"]
        for batch in arguments.batch_sizes:
            key = f"{architecture}, batch {batch}"
            for way in WAYS:
                stages[f"{key}: {way}"] = stage_of(runs[f"{key}: {way}"], way, work, tops)
            pieces[key] = runs[f"{key}: parts"]
    starts = {
        cache: [run["seconds"] for name, run in runs.items() if name.startswith(f"start {cache}")]
        for cache in ("cold", "warm")
    }
    summary = {"device": facts, "ceiling": tops, "stages": stages, "parts": pieces, "first_step_s": starts}
    kept.conclude(summary, page(kept, facts, tops, stages, pieces, starts))


def stage_of(run: dict, way: str, work: dict, tops: dict) -> dict:
    """Return a run's speed and its share of the ceiling."""
    kind = run["precision"]["dtype"]
    mflop = work[WORK_OF[way.partition(",")[0]]]
    if way == "cached":
        kind = "float32"  # a head alone is not autocast
    return {
        "images_a_second": run["images_a_second"], "format": kind,
        "share_of_ceiling": run["images_a_second"] * mflop * 1e6 / (tops[kind][1] * 1e12),
        "caching_images_a_second": run.get("caching_images_a_second"), "fit_s": run["fit_s"],
        "peak_gpu_gib": run.get("peak_gpu_gib"),
    }  # fmt: skip


def page(kept: Kept, facts: dict, tops: dict, stages: dict, pieces: dict, starts: dict) -> str:
    """Return the page for people."""
    settings, told = kept.content["settings"], kept.content["machine"]
    lines = [
        "# Training on a GPU: images a second, stage by stage, against its ceiling", "",
        "```", "python benchmarks/gpu_training.py", "```", "",
        f"{facts['name']}; {told['processor']}, {told['cores']} cores; Python {told['python']}, torch "
        f"{facts['torch']}, gyrus {facts['gyrus']}. {settings['images']:,} random training images of "
        f"{settings['image_size']} px, random weights. Ceiling: "
        + "; ".join(f"{name} {rate:.0f} TFLOP/s ({what})" for name, (what, rate) in tops.items())
        + ". float32 convolutions are torch's default for them"
        + (" (TF32 allowed)." if facts.get("tf32_in_convolutions") else "."), "",
        "| training | format | images a second | share of the ceiling | features computed, images a second |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for key, found in stages.items():
        caching = found["caching_images_a_second"]
        lines.append(
            f"| {key} | {found['format']} | {found['images_a_second']:,.0f} | "
            f"{100 * found['share_of_ceiling']:.2g} % | {'' if caching is None else f'{caching:,.0f}'} |"
        )
    lines += ["", "| part of a step, alone | images a second |", "|---|---|"]
    for key, piece in pieces.items():
        lines += [
            f"| {key}: {name} ({piece['format']}) | {value:,.0f} |"
            for name, value in piece["found"].items()
            if not name.endswith(", s")
        ]
    lines.append("")
    for key in (name.removesuffix(": full") for name in stages if name.endswith(": full")):
        lines.append(cost_line(key, stages))
    for cache, seconds in starts.items():
        if seconds:
            lines.append(
                f"- From the start of the process to the first step, {cache} cache, "
                f"{settings['image_size']} px: {statistics.median(seconds):.1f} s "
                f"({min(seconds):.1f} to {max(seconds):.1f})."
            )
    return "\n".join([*lines, ""])


def cost_line(key: str, stages: dict) -> str:
    """Return what --deterministic and copied pixels cost, and what cached features give."""
    speed = {way: stages[f"{key}: {way}"]["images_a_second"] for way in WAYS}
    return (
        f"- {key}: --deterministic takes {speed['full'] / speed['full, deterministic']:.2f} times the time, "
        f"copied pixels {speed['full'] / speed['full, pixels copied']:.2f} times; an epoch on cached "
        f"features is {speed['cached'] / speed['full']:,.0f} times faster than one through the trunk and "
        f"back, {speed['cached'] / speed['frozen']:,.0f} times faster than one through the frozen trunk."
    )


if __name__ == "__main__":
    main()
