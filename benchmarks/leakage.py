"""Claim: a network divided by slices seems much better than it is, and predicts labels that mean nothing.

    python benchmarks/leakage.py --out benchmarks/results/DATE_leakage

Runs `gyrus learn leakage` on the phantom and, where ../shared/data is there, on the Cheng set (all 3064
slices) and on Sartaj's slices with recovered patients; each with several seeds (of cohort, splits and
training). Writes result.json (every arm of every run), and the picture of the first seed of each set.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import gyrus
from gyrus.runs.atomic import write_json

DATA = Path("..") / "shared" / "data"  # relative to the project: results hold no path of a machine
CHENG = {
    "subjects": DATA / "cheng" / "patients.csv",
    "on": "file_number",
    "subject_column": "patient_base_id",
    "label_column": "class",
}
SETS = {"phantom": (None, {}), "cheng": (DATA / "cheng", CHENG), "sartaj": (DATA / "sartaj", {})}
PICTURES = ("leakage.svg", "leakage.png")


def main() -> None:
    """Run every set with every seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs") / "benchmark-leakage")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    arguments = parser.parse_args()
    results = []
    for name in arguments.sets:
        source, options = SETS[name]
        if source is not None and not source.is_dir():
            print(f"{name}: no {source} beside the project, left out")
            continue
        for seed in arguments.seeds:
            results.append({"set": name, "seed": seed, **one(source, options, seed, name, arguments)})
            write_json(arguments.out / "result.json", results)
            accuracies = {
                arm: round(found["accuracy"]["value"], 3) for arm, found in results[-1]["arms"].items()
            }
            print(name, seed, json.dumps(accuracies), flush=True)


def one(source: Path | None, options: dict, seed: int, name: str, arguments: argparse.Namespace) -> dict:
    """Run one experiment; keep its numbers, and its picture when it is the first of its set."""
    with tempfile.TemporaryDirectory() as folder:
        lesson = gyrus.learn("leakage", source, seed=seed, out=Path(folder) / "lesson", **options)
        if seed == arguments.seeds[0]:
            arguments.out.mkdir(parents=True, exist_ok=True)
            for picture in PICTURES:
                shutil.copy(lesson.folder / picture, arguments.out / f"{name}-{picture}")
    return lesson.shown


if __name__ == "__main__":
    main()
