"""Claim: from the start of ``gyrus train`` to the end of its first training step in under 8 s, caches warm.

    python benchmarks/startup.py --out benchmarks/results/DATE_startup

Trains on the Cheng set (one epoch, stopped after its first step) and on MNIST's 70,000 images, each in
processes of their own: once to fill the caches, then measured. Reports the wall time and the processor time
of the process and its children up to the end of the first step, and what the imports take of it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from keeping import PROJECT, QUIET, SHARED, WORK, Kept, default_folder, told_machine

RUNS = {
    "Cheng, 3064 slices, mobilenetv2_100, 224 px": (
        "cheng",
        ["--subjects", "{data}/cheng/patients.csv", "--on", "file_number",
         "--subject-column", "patient_base_id", "--label-column", "class",
         "--architecture", "mobilenetv2_100", "--split", "new"],
    ),
    "Sartaj, 3264 slices, improved_cnn, 224 px": ("sartaj", ["--split", "repair"]),
    "MNIST, 70,000 digits, lenet, 28 px": (
        "mnist",
        ["--architecture", "lenet", "--in-channels", "1", "--image-size", "28", "--augmentation", "digits",
         "--normalize", "half", "--batch-size", "128"],
    ),
}  # fmt: skip
ROUNDS = 5
LAUNCHER = Path(__file__).parent / "launchers" / "first_step_and_stop.py"


def main() -> None:
    """Measure each, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("startup"))
    parser.add_argument("--work", type=Path, default=WORK / "startup")
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS))
    arguments = parser.parse_args()
    settings = {"runs": RUNS, "rounds": arguments.rounds}
    kept = Kept(arguments.out, "process start to first step under 8 s with warm caches", settings)
    for name in arguments.only:
        kept.once(name, lambda name=name: measured(arguments, name))
    told = ("wall_s", "imported_s", "processor_s")
    kept.conclude(
        {name: {key: run[key] for key in told} for name, run in kept.runs.items()},
        readme(kept),
    )


def measured(arguments: argparse.Namespace, name: str) -> dict:
    """Fill the caches, then start and stop a few times."""
    folder, options = RUNS[name]
    options = [part.format(data=arguments.data) for part in options]
    begin(arguments, folder, options)
    rounds = [begin(arguments, folder, options) for _ in range(arguments.rounds)]
    medians = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
    return {**medians, "rounds": rounds}


def begin(arguments: argparse.Namespace, folder: str, options: list[str]) -> dict:
    """Start a training, stop it after its first step; return the seconds from its start."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    told, run = arguments.work / "told.json", arguments.work / f"run-{folder}"
    command = [
        sys.executable, LAUNCHER, told, "train", arguments.data / folder, *options,
        "--out", f"{run}-{time.time_ns()}",
    ]  # fmt: skip
    began = time.perf_counter()
    with (arguments.work / f"{folder}.log").open("w") as log:
        subprocess.run(
            [str(part) for part in command], check=True, cwd=PROJECT, env=QUIET, stdout=log, stderr=log
        )
    found = json.loads(told.read_text())
    return {
        "wall_s": found["step"] - began,
        "imported_s": found["imported"] - began,
        "processor_s": found["processor_s"],
    }


def readme(kept: Kept) -> str:
    """Return the page for people."""
    lines = [
        "# From process start to the first training step",
        "",
        "```",
        "python benchmarks/startup.py",
        "```",
        "",
        f"{told_machine(kept)} Caches warm (facts, looks, pixels, precision, files in memory); medians of "
        f"{kept.content['settings']['rounds']} processes. Processor seconds are of all cores together.",
        "",
        "| training | first step done, s | slowest, s | until all is imported, s | processor, s |",
        "|---|---|---|---|---|",
    ]
    for name, run in kept.runs.items():
        slowest = max(each["wall_s"] for each in run["rounds"])
        lines.append(
            f"| {name} | {run['wall_s']:.1f} | {slowest:.1f} | {run['imported_s']:.1f} | "
            f"{run['processor_s']:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
