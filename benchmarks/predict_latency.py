"""Claim: from file to evidence several times as fast as a torch script from file to probabilities.

    python benchmarks/predict_latency.py --out benchmarks/results/DATE_predict_latency

Both sides in one run, each in a process of its own, in turns; both with OMP_WAIT_POLICY=PASSIVE. gyrus reads
the file, hashes it, preprocesses, runs the network, decides, and makes the heat map over the image. The torch
script decodes with Pillow, prepares with torchvision's transforms, runs the same weights eagerly in
channels_last and stops at the softmax. Weights are random: speed does not depend on them; the probabilities
of both sides are compared. Batch 1 is one file a call, batch 16 sixteen; times are per file.

The floor is what the network's operations take at the highest rate that any installed library reaches on this
machine with a product or a convolution, in the number format of the side, plus the time of decoding the file.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from keeping import PROJECT, QUIET, SHARED, WORK, Kept, default_folder, told_machine

ARCHITECTURES = ("mobilenetv3_large_100", "resnet50")
TORCH = "torch"
RUNTIMES = ("onnxruntime", "openvino", "openvino-bf16")
FORMATS = {TORCH: "float32", "onnxruntime": "float32", "openvino": "float32", "openvino-bf16": "bf16"}
TARGETS = {
    ("mobilenetv3_large_100", "onnxruntime"): 4.0,
    ("resnet50", "onnxruntime"): 1.5,
    ("resnet50", "openvino-bf16"): 3.0,
}
SIZE_PX = 224
BATCHES = (1, 16)


def main() -> None:
    """Measure, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("predict_latency"))
    parser.add_argument("--work", type=Path, default=WORK / "predict_latency")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng" / "images")
    parser.add_argument("--turns", type=int, default=12, help="of each side")
    parser.add_argument(
        "--per-turn", type=int, default=16, help="files of a turn at batch 1; one batch of 16"
    )
    parser.add_argument(
        "--groups", type=int, nargs="*", default=[],
        help="also: so many of a batch of 16 go through the network together (gyrus's default: BATCH_SIZE)",
    )  # fmt: skip
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "turns": arguments.turns, "per_turn": arguments.per_turn,
        "size_px": SIZE_PX, "groups": arguments.groups,
    }  # fmt: skip
    kept = Kept(arguments.out, "seconds from file to evidence, against torch", settings)
    arguments.work.mkdir(parents=True, exist_ok=True)
    for format_ in ("float32", "bf16"):
        kept.once(f"ceiling {format_}", lambda f=format_: ceiling(f))
    kept.once("decoding", lambda: decoding(arguments.data))
    for architecture in ARCHITECTURES:
        kept.once(architecture, lambda a=architecture: raced(a, arguments))
    conclude(kept)


def ceiling(format_: str) -> dict:
    """Return the best rates of products and convolutions; see training_speed.py."""
    from training_speed import ceiling as measured

    return measured(format_)


def decoding(data: Path) -> dict:
    """Return the seconds of reading and decoding one file, the fastest way that gyrus has."""
    from gyrus.imaging import read_image

    files = chosen(data, 64)
    rounds = [[timed(lambda f=file: read_image(f)) for file in files] for _ in range(5)]
    return {"seconds_p50": float(np.median(np.min(rounds, axis=0)))}


def timed(call) -> float:
    """Return the seconds of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def chosen(data: Path, count: int) -> list[Path]:
    """Return files of the set, spread over it."""
    files = sorted(data.glob("*.jpg"))
    return [files[index] for index in np.linspace(0, len(files) - 1, count).astype(int)]


class Side:
    """A worker process of one side."""

    def __init__(self, *arguments: object) -> None:
        launcher = Path(__file__).parent / "launchers" / "predict_side.py"
        self._process = subprocess.Popen(
            [sys.executable, str(launcher), *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=QUIET, cwd=PROJECT,
        )  # fmt: skip
        json.loads(self._process.stdout.readline())

    def turn(self, batches: list[list[Path]]) -> dict:
        """Let it answer batches of files."""
        self._process.stdin.write(json.dumps([[str(file) for file in files] for files in batches]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let it end."""
        self._process.stdin.write("null\n")
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def raced(architecture: str, arguments: argparse.Namespace) -> dict:
    """Let all sides answer the same files in turns."""
    bundle, state, operations = built(architecture, arguments.work)
    files = chosen(arguments.data, arguments.per_turn * arguments.turns)
    sides = {TORCH: Side(TORCH, architecture, state)}
    sides |= {runtime: Side("gyrus", runtime, bundle) for runtime in RUNTIMES}
    grouped = {
        f"{runtime}, groups of {size}": (runtime, size) for runtime in RUNTIMES for size in arguments.groups
    }
    sides |= {name: Side("gyrus", runtime, bundle, size) for name, (runtime, size) in grouped.items()}
    seconds = {name: {batch: [] for batch in BATCHES} for name in sides}
    first, peak = {}, {}
    for side in sides.values():  # warm-up: memory, compiled operators, for both sizes of a batch
        side.turn([[file] for file in files[:4]] + [(files * 16)[:16]] * 2)
    for turn in range(arguments.turns):
        mine = files[turn * arguments.per_turn : (turn + 1) * arguments.per_turn]
        names = list(sides)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:  # no one is always the first
            one = sides[name].turn([[file] for file in mine])
            many = sides[name].turn([(mine * 16)[:16]])
            seconds[name][1] += one["seconds"]
            seconds[name][16] += [whole / 16 for whole in many["seconds"]]
            first.setdefault(name, []).extend(one["first"])
            peak[name] = many["peak_mib"]
    for side in sides.values():
        side.end()
    expected = np.array(first[TORCH])
    return {
        "operations": operations,
        "peak_mib": peak,
        "largest_difference_of_a_probability": {
            name: float(np.abs(np.array(values) - expected).max()) for name, values in first.items()
        },
        "seconds": {
            name: {str(batch): quantiles(values) for batch, values in by_batch.items()}
            for name, by_batch in seconds.items()
        },
    }


def quantiles(seconds: list[float]) -> dict:
    """Return p50, p95, p99 and how many they are of."""
    middle, high, highest = np.quantile(seconds, [0.5, 0.95, 0.99]).tolist()
    return {"p50": middle, "p95": high, "p99": highest, "fastest": min(seconds), "n": len(seconds)}


def built(architecture: str, work: Path) -> tuple[Path, Path, int]:
    """Write one network as a bundle and as a state dict; return both and its operations."""
    import torch

    from gyrus.bundles import make_card, write_bundle
    from gyrus.exporting import make_graphs
    from gyrus.models import build
    from gyrus.models.costs import flops

    torch.manual_seed(0)
    network = build(architecture, num_classes=3, image_size=SIZE_PX)
    state, bundle = work / f"{architecture}.pt", work / f"{architecture}.gyrus"
    torch.save(network.state_dict(), state)
    graphs = make_graphs(network, image_size=SIZE_PX, channels_in=1)
    card = make_card(
        classes=("glioma", "meningioma", "pituitary"), architecture=architecture, reading_policy="grey8/1",
        color="grey", image_size_px=SIZE_PX, mean=graphs.mean, std=graphs.std,
        maps="exact" if network.facts.maps_exact else "gradient",
    )  # fmt: skip
    write_bundle(bundle, {"preprocess.onnx": graphs.preprocess, "network.onnx": graphs.network}, card)
    return bundle, state, flops(network, SIZE_PX)


def conclude(kept: Kept) -> None:
    """Compare, and write the page."""
    rates = {
        format_: max(kept.runs[f"ceiling {format_}"]["gflop_a_second"].values()) * 1e9
        for format_ in ("float32", "bf16")
    }
    decode = kept.runs["decoding"]["seconds_p50"]
    summary = {"rates_gflop_a_second": {name: rate / 1e9 for name, rate in rates.items()}, "decode_s": decode}
    lines = [
        "# From file to evidence, against torch",
        "",
        "```",
        f"python benchmarks/predict_latency.py --turns {kept.content['settings']['turns']}",
        "```",
        "",
        told_machine(kept),
        "",
        "torch: eager, channels_last, torchvision's transforms, only the probabilities. gyrus: hash, "
        "probabilities, decision, heat map.",
        "",
    ]
    for architecture in ARCHITECTURES:
        run = kept.runs[architecture]
        lines += [
            f"## {architecture}, {SIZE_PX} px, {run['operations'] / 1e9:.2f} GFLOP",
            "",
            "| | batch | p50, ms | p95 | p99 | times as fast (p50) | share of the floor | peak, MiB |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for name, by_batch in run["seconds"].items():
            floor = run["operations"] / rates[FORMATS[name.partition(",")[0]]] + decode
            for batch, told in by_batch.items():
                ratio = run["seconds"][TORCH][batch]["p50"] / told["p50"]
                share = floor / told["p50"]
                summary[f"{architecture} {name} batch {batch}"] = {
                    "times_as_fast": ratio, "share_of_floor": share, "floor_s": floor,
                    "target": TARGETS.get((architecture, name)),
                }  # fmt: skip
                numbers = " | ".join(f"{1e3 * told[which]:.2f}" for which in ("p50", "p95", "p99"))
                lines.append(
                    f"| {name} | {batch} | {numbers} | {ratio:.1f} | {100 * share:.0f} % | "
                    f"{run['peak_mib'][name]:.0f} |"
                )
        apart = run["largest_difference_of_a_probability"]
        told_apart = ", ".join(f"{name} {value:.1g}" for name, value in apart.items() if name != TORCH)
        lines += ["", f"Largest difference of a probability from torch's: {told_apart}.", ""]
    lines += [
        "Milliseconds per file. Pillow's resize, which torchvision calls, rounds to whole grey levels, the "
        "bundle's does not: the probabilities differ by that, and with bf16 by its rounding.",
        "",
    ]
    kept.conclude(summary, "\n".join(lines))


if __name__ == "__main__":
    main()
