"""Claim: on two cores, two folds side by side are done sooner than one after the other with two threads.

    python benchmarks/crossval_jobs.py --out benchmarks/results/DATE_crossval_jobs

``gyrus crossval`` of two folds of Cheng, one epoch each, a classifier and a network for masks: as it is, and
with ``--jobs 2``. Wall time of the whole command, report included; the sides take turns.
"""

import argparse
import shutil
import statistics
from pathlib import Path

from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, gyrus, told_machine
from mask_runs import DATA_OPTIONS, ENCODER, network_options, table

CLASSES = [SHARED / "data" / "cheng" / "images", *DATA_OPTIONS[DATA_OPTIONS.index("--subjects") :]]
TASKS = {
    "classifier, MobileNetV2": [
        *CLASSES, "--architecture", "mobilenetv2_100", "--weights", MOBILENET, "--recipe", "full",
        "--image-size", 96,
    ],
    "masks, U-Net with MobileNetV2": [*DATA_OPTIONS, *network_options(ENCODER), "--image-size", 96],
}  # fmt: skip
SIDES = {"one after the other": [], "side by side": ["--jobs", 2]}


def main() -> None:
    """Time both sides in turns, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("crossval_jobs"))
    parser.add_argument("--work", type=Path, default=WORK / "crossval_jobs")
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    kept = Kept(arguments.out, "two folds side by side", {"epochs": 1, "folds": 2})
    for turn in range(arguments.turns):
        for task in TASKS:
            for side in SIDES:
                kept.once(f"{task}, {side}, turn {turn}", lambda t=task, s=side: timed(arguments, t, s))
    conclude(kept, arguments.turns)


def timed(arguments: argparse.Namespace, task: str, side: str) -> dict:
    """Return the wall and processor time of a side."""
    folder = arguments.work / "folds"
    shutil.rmtree(folder, ignore_errors=True)
    ended = gyrus(
        "crossval", *TASKS[task], "--folds", 2, "--epochs", 1, *SIDES[side], "--out", folder,
        log=arguments.work / "log",
    )  # fmt: skip
    return {"seconds": ended.seconds, "processor_s": ended.processor_s, "peak_mib": ended.peak_mib}


def conclude(kept: Kept, turns: int) -> None:
    """Write the medians."""
    rows = [["", *SIDES, "times as fast"]]
    summary = {}
    for task in TASKS:
        seconds = {}
        for side in SIDES:
            every = [kept.runs[f"{task}, {side}, turn {turn}"]["seconds"] for turn in range(turns)]
            seconds[side] = statistics.median(every)
        alone, together = seconds.values()
        summary[task] = {**seconds, "ratio": alone / together}
        rows.append([task, *(f"{one:.0f} s" for one in seconds.values()), f"{alone / together:.2f}"])
    lines = [
        "# Two folds side by side", "",
        "```", "python benchmarks/crossval_jobs.py", "```", "",
        f"{told_machine(kept)} Two folds of Cheng, one epoch each, 96 px; wall time of `gyrus crossval` "
        f"with scan, audit and report; medians of {turns} turns.", "",
        *table(rows), "",
    ]  # fmt: skip
    kept.conclude(summary, "\n".join(lines))


if __name__ == "__main__":
    main()
