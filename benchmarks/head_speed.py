"""Claim: a head learns from cached features over 100 times the images a second of training through the trunk.

    python benchmarks/head_speed.py --out benchmarks/results/DATE_head_speed

Three ways to train the same network on the same images, each as ``gyrus train`` in a process of its own, in
turns:

- cached: ``--recipe head --views K``: the frozen trunk is computed once for each view, the head learns from
  that;
- frozen: ``--recipe head --views 0``: every epoch goes through the frozen trunk;
- full: ``--recipe full``: every epoch goes through the trunk and back.

Images a second are the training images by the seconds of an epoch in metrics.csv, the validation in it; of an
epoch after the first, where there are several. What the cache costs is told beside it: the whole training.
"""

import argparse
import shlex
import shutil
import statistics
from pathlib import Path

from cheng_manifest import write_folds
from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, epochs_of, gyrus, told_machine

from gyrus.data import read_manifest

CACHED, FROZEN, FULL = "cached", "frozen", "full"


def main() -> None:
    """Train in turns, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("head_speed"))
    parser.add_argument("--work", type=Path, default=WORK / "head_speed")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--weights", type=Path, default=MOBILENET)
    parser.add_argument("--architecture", default="mobilenetv2_100")
    parser.add_argument("--options", default="--image-size 224", help="options of every training")
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--head-epochs", type=int, default=40)
    parser.add_argument("--trunk-epochs", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "architecture": arguments.architecture,
        "options": arguments.options, "views": arguments.views,
        "head_epochs": arguments.head_epochs, "trunk_epochs": arguments.trunk_epochs,
    }  # fmt: skip
    kept = Kept(arguments.out, "a head on cached features against training through the trunk", settings)
    write_folds(arguments.data, arguments.work / "manifest.csv")
    ways = {
        CACHED: ["--recipe", "head", "--views", arguments.views, "--head-epochs", arguments.head_epochs],
        FROZEN: ["--recipe", "head", "--views", 0, "--head-epochs", arguments.trunk_epochs],
        FULL: ["--recipe", "full", "--epochs", arguments.trunk_epochs],
    }
    for turn in range(arguments.turns):
        for way, options in ways.items():
            kept.once(f"{way}, turn {turn}", lambda w=way, o=options, t=turn: trained(arguments, w, o, t))
    conclude(kept)


def trained(arguments: argparse.Namespace, way: str, options: list, turn: int) -> dict:
    """Train one way."""
    run = arguments.work / f"{way}-{turn}"
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    ended = gyrus(
        "train", arguments.work / "manifest.csv", "--fold", 0, "--architecture", arguments.architecture,
        "--weights", arguments.weights, *shlex.split(arguments.options), *options, "--patience", "None",
        "--out", run, log=run.with_suffix(".log"),
    )  # fmt: skip
    seconds = [row["seconds"] for row in epochs_of(run)]
    images = sum(row.split == "train" for row in read_manifest(run / "manifest.csv"))
    return {
        "way": way, "turn": turn, "train_images": images, "epoch_s": seconds,
        "images_a_second": images / statistics.median(seconds[1:] or seconds),
        "training_s": ended.told["seconds"]["training"], "whole_s": ended.seconds,
        "val_accuracy": ended.told["evaluations"]["val"]["accuracy"]["value"], "peak_mib": ended.peak_mib,
    }  # fmt: skip


def conclude(kept: Kept) -> None:
    """Compare the ways."""
    summary: dict = {}
    for way in (CACHED, FROZEN, FULL):
        runs = [run for run in kept.runs.values() if run["way"] == way]
        speeds = [run["images_a_second"] for run in runs]
        summary[way] = {
            "images_a_second": {
                "median": statistics.median(speeds), "least": min(speeds), "most": max(speeds),
            },
            "training_s": statistics.median(run["training_s"] for run in runs),
            "epochs": len(runs[0]["epoch_s"]),
            "val_accuracy": statistics.median(run["val_accuracy"] for run in runs),
        }  # fmt: skip
    cached = summary[CACHED]["images_a_second"]["median"]
    summary["times_faster"] = {
        way: cached / summary[way]["images_a_second"]["median"] for way in (FROZEN, FULL)
    }
    settings = kept.content["settings"]
    lines = [
        "# A head on cached features", "", "```", "python benchmarks/head_speed.py", "```", "",
        f"{told_machine(kept)} {settings['architecture']}, {settings['options']}, {settings['views']} views; "
        f"{next(iter(kept.runs.values()))['train_images']} training images of Cheng.", "",
        "| way | images a second, median (range) | epochs | training, s | validation accuracy, % |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for way in (CACHED, FROZEN, FULL):
        found, speed = summary[way], summary[way]["images_a_second"]
        lines.append(
            f"| {way} | {speed['median']:,.0f} ({speed['least']:,.0f} to {speed['most']:,.0f}) | "
            f"{found['epochs']} | {found['training_s']:.1f} | {100 * found['val_accuracy']:.1f} |"
        )
    times = summary["times_faster"]
    lines += [
        "",
        f"Cached features are {times[FROZEN]:,.0f} times faster than an epoch through the frozen trunk and "
        f"{times[FULL]:,.0f} times faster than one through the trunk and back.", "",
    ]  # fmt: skip
    kept.conclude(summary, "\n".join(lines))


if __name__ == "__main__":
    main()
