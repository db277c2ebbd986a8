"""Claims: nets compared on CIFAR-10; chest X-rays by patient. (MNIST has a benchmark of its own, mnist.py.)

    python benchmarks/other_sets.py --out benchmarks/results/DATE_other_sets

Each is one ``gyrus train … --test`` in a process of its own, timed from its start to its end: audit,
training, export, measuring through the bundle and report included. CIFAR-10 is the subset of 500 images
a class. The chest X-rays are divided by patient, and trained with and without mirrored draws on the same
division.

Each training is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import shlex
import shutil
from pathlib import Path

from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, gyrus, in_percent, told_machine

CHEST = (
    f"--architecture mobilenetv2_100 --weights {MOBILENET} --in-channels 1 --recipe head --resize pad "
    "--split new --seed 0"
)
RUNS = {
    "CIFAR-10 subset, resnet9": (
        "cifar10",
        "--color rgb --architecture resnet9 --image-size 32 --augmentation natural --normalize dataset "
        "--epochs 20 --select last --patience None",
    ),
    "CIFAR-10 subset, improved_cnn": (
        "cifar10",
        "--color rgb --architecture improved_cnn --image-size 32 --augmentation natural --normalize dataset "
        "--epochs 20 --select last --patience None",
    ),
    "chest X-rays, frozen trunk, no mirror": ("chest_xray", f"{CHEST} --augmentation chest-xray"),
    "chest X-rays, frozen trunk, mirrored": ("chest_xray", f"{CHEST} --augmentation chest-xray --flips"),
}
LARGEST_KEPT = 5000  # rows of predictions that are committed


def main() -> None:
    """Train each, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("other_sets"))
    parser.add_argument("--work", type=Path, default=WORK / "other_sets")
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS))
    arguments = parser.parse_args()
    kept = Kept(arguments.out, "CIFAR-10 subset, chest X-rays by one command each", {"runs": RUNS})
    for name in arguments.only:
        kept.once(name, lambda name=name: trained(arguments, name))
    summary = {
        name: {"seconds": run["seconds"], "accuracy": run["test"]["accuracy"], "auc": run["test"]["auc"]}
        for name, run in kept.runs.items()
    }
    kept.conclude(summary, readme(kept))


def trained(arguments: argparse.Namespace, name: str) -> dict:
    """Train and test; the predictions are kept where they are few."""
    folder, options = RUNS[name]
    slug = "".join(letter if letter.isalnum() else "-" for letter in name).replace("--", "-").lower()
    run = arguments.work / slug
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    ended = gyrus(
        "train", arguments.data / folder, *shlex.split(options), "--test", "--out", run,
        log=arguments.work / f"{slug}.log",
    )  # fmt: skip
    test = ended.told["evaluations"]["test"]
    if test["n_images"] <= LARGEST_KEPT:
        (arguments.out / "predictions").mkdir(parents=True, exist_ok=True)
        shutil.copy(
            run / "predictions" / "predictions-test.csv", arguments.out / "predictions" / f"{slug}.csv"
        )
    shown = {key: test[key] for key in ("accuracy", "balanced_accuracy", "n_images", "n_subjects")}
    return {
        "seconds": ended.seconds, "parts_s": ended.told["seconds"], "peak_mib": ended.peak_mib,
        "verdict": ended.told["verdict"], "sentence": ended.told["sentence"],
        "test": {**shown, "auc": test["macro"]["roc_auc"]},
    }  # fmt: skip


def readme(kept: Kept) -> str:
    """Return the page for people."""
    lines = [
        "# CIFAR-10 subset, chest X-rays",
        "",
        "```",
        "python benchmarks/other_sets.py",
        "```",
        "",
        f"{told_machine(kept)} One seed, one division each; figures of the test images, through the bundle.",
        "",
        "| run | accuracy, % | macro ROC-AUC | images | patients | process, s | training, s | audit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, run in kept.runs.items():
        test = run["test"]
        lines.append(
            f"| {name} | {in_percent(test['accuracy'])} | {in_percent(test['auc'])} | {test['n_images']} | "
            f"{test['n_subjects'] or 'unknown'} | {run['seconds']:.0f} | {run['parts_s']['training']:.0f} | "
            f"{run['verdict']} |"
        )
    lines += ["", "The commands stand in `result.json` under `settings`."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
