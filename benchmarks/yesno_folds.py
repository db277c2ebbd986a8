"""Claim: yes/no (253 images): two-stage fine-tuning beats a CNN from scratch, on images that are not copies.

    python benchmarks/yesno_folds.py --out benchmarks/results/DATE_yesno_folds

Four sides answer the same images in the same 5 x 5 grouped folds (patients are not known: what looks alike
stays together): the majority class of the other folds, the baseline CNN from scratch, a head on a frozen
MobileNetV2, and two stages (head, then the last block). Each side's figure is the mean of the five repeats,
with an interval over groups; sides are compared in pairs, group by group, adjusted for their number (Holm).

Beside it the source's own way: images dealt at random into 70 % training, 15 % validation and 15 % test,
which are 38 images, copies and look-alikes on both sides; with several seeds, each with the figure without
twins.

Each cross-validation and training is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import shlex
import shutil
import statistics
from collections import Counter
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, gyrus, in_percent, told_machine
from sklearn.model_selection import train_test_split

from gyrus.config import DataOptions
from gyrus.data import load, write_manifest
from gyrus.evaluation import Predictions, read_predictions
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.repeats import in_common, mean_of_repeats, repeat_figures
from gyrus.metrics.comparison import holm, paired_difference
from gyrus.metrics.intervals import wilson_interval

SCRATCH, HEAD, TWO_STAGE, MAJORITY = "baseline CNN, from scratch", "head only", "two-stage", "majority class"
OPTIONS = {
    SCRATCH: "--architecture baseline_cnn --recipe scratch --epochs 40",
    HEAD: f"--architecture mobilenetv2_100 --weights {MOBILENET} --recipe head",
    TWO_STAGE: f"--architecture mobilenetv2_100 --weights {MOBILENET} --recipe two-stage",
}
REASON = "the source's own protocol: images dealt at random"
RIGHT_OF_38, OF_38 = 35, 38  # "over 92 %"


def main() -> None:
    """Cross-validate every side, compare, and do it the source's way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("yesno_folds"))
    parser.add_argument("--work", type=Path, default=WORK / "yesno_folds")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "yesno")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch-options", default=OPTIONS[SCRATCH])
    parser.add_argument("--head-options", default=OPTIONS[HEAD])
    parser.add_argument("--two-stage-options", default=OPTIONS[TWO_STAGE])
    parser.add_argument("--random-seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    arguments = parser.parse_args()
    options = {
        SCRATCH: arguments.scratch_options,
        HEAD: arguments.head_options,
        TWO_STAGE: arguments.two_stage_options,
    }
    settings = {"data": arguments.data.as_posix(), "folds": arguments.folds, "repeats": arguments.repeats,
                "options": options}  # fmt: skip
    kept = Kept(arguments.out, "yes/no: four sides on the same grouped folds", settings)
    for side, chosen in options.items():
        kept.once(side, lambda side=side, chosen=chosen: crossed(arguments, side, chosen))
    for seed in arguments.random_seeds:
        for side in (SCRATCH, TWO_STAGE):
            kept.once(
                f"{side}, 38 images at random, seed {seed}",
                lambda side=side, seed=seed: at_random(arguments, side, options[side], seed),
            )
    conclude(kept, arguments)


def crossed(arguments: argparse.Namespace, side: str, options: str) -> dict:
    """Cross-validate one side."""
    name = _file_name(side)
    folder = arguments.work / name
    print(f"progress: {arguments.work / name}.log", flush=True)
    seconds, told, *_ = gyrus(
        "crossval", arguments.data, "--folds", arguments.folds, "--repeats", arguments.repeats,
        *shlex.split(options), "--out", folder, log=arguments.work / f"{name}.log",
    )  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    for repeat in range(arguments.repeats):
        one = f"predictions-repeat-{repeat}.csv" if arguments.repeats > 1 else "predictions-pooled.csv"
        shutil.copy(folder / one, arguments.out / f"{name}-repeat-{repeat}.csv")
    return {
        "seconds": seconds, "verdict": told["verdict"], "sentence": told["sentence"],
        "repeats": told["repeats"], "worst_fold_of_first_repeat": told["evaluation"]["folds"]["worst"],
    }  # fmt: skip


def at_random(arguments: argparse.Namespace, side: str, options: str, seed: int) -> dict:
    """Train and test with images dealt at random, as the source did."""
    manifest = load(arguments.data, DataOptions()).manifest
    labels = [row.label for row in manifest]
    numbers = list(range(len(manifest)))
    rest, test = train_test_split(numbers, test_size=0.15, stratify=labels, random_state=seed)
    train, val = train_test_split(
        rest, test_size=len(test), stratify=[labels[number] for number in rest], random_state=seed
    )
    split = {**dict.fromkeys(train, "train"), **dict.fromkeys(val, "val"), **dict.fromkeys(test, "test")}
    name = f"random-{_file_name(side)}-{seed}"
    path, run = arguments.work / f"{name}.csv", arguments.work / name
    write_manifest(manifest.with_rows(row.with_(split=split[n]) for n, row in enumerate(manifest)), path)
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    seconds, told, *_ = gyrus(
        "train", path, "--split", "auto", "--cal-fraction", 0, "--allow-leak", REASON, "--seed", seed,
        "--test", *shlex.split(options), "--out", run, log=arguments.work / f"{name}.log",
    )  # fmt: skip
    figures = told["evaluations"]["test"]
    return {
        "seconds": seconds, "verdict": told["verdict"], "sentence": told["sentence"],
        "n_images": figures["n_images"], "accuracy": figures["accuracy"],
        "twin_free": {name: figures["twin_free"].get(name) for name in
                      ("sentence", "n_twins", "n_left", "without_twins")},
    }  # fmt: skip


def conclude(kept: Kept, arguments: argparse.Namespace) -> None:
    """Compare the sides, and write the page."""
    sides = {side: _repeats(arguments, side) for side in OPTIONS}
    sides[MAJORITY] = _majority(arguments, sides[SCRATCH])
    common = in_common([repeat for repeats in sides.values() for repeat in repeats])
    figures, linear = {}, {}
    for place, side in enumerate(sides):
        own = common[place * arguments.repeats : (place + 1) * arguments.repeats]
        linear[side] = mean_of_repeats([Figures(repeat, 0.95).linear("accuracy") for repeat in own])
        figures[side] = _figures(own)
    pairs = []
    for one, other in combinations(sorted(sides, key=lambda side: -linear[side].value), 2):
        found = paired_difference(linear[other], linear[one], n_images=len(common[0]))
        pairs.append({"better": one, "worse": other, **asdict(found)})
    for pair, p_holm in zip(pairs, holm([pair["p"] for pair in pairs]).tolist(), strict=True):
        pair["p_holm"] = p_holm
    random = {}
    for side in (SCRATCH, TWO_STAGE):
        runs = [run for key, run in kept.runs.items() if key.startswith(f"{side}, 38")]
        if runs:
            random[side] = _spread(runs)
    summary = {"sides": figures, "pairs": pairs, "at_random": random}
    kept.conclude(summary, _readme(kept, summary, arguments))


def _repeats(arguments: argparse.Namespace, side: str) -> list[Predictions]:
    name = _file_name(side)
    return [
        read_predictions(arguments.out / f"{name}-repeat-{repeat}.csv") for repeat in range(arguments.repeats)
    ]


def _majority(arguments: argparse.Namespace, like: list[Predictions]) -> list[Predictions]:
    """Answer each image by the shares of the classes in the other folds."""
    found = []
    for repeat in like:
        answers = np.empty_like(repeat.y_prob)
        for fold in set(repeat.folds):
            inside = np.array([name == fold for name in repeat.folds])
            shares = Counter(label for label, tested in zip(repeat.labels, inside, strict=True) if not tested)
            answers[inside] = [shares[name] / sum(shares.values()) for name in repeat.classes]
        found.append(
            Predictions(repeat.image_ids, repeat.subject_ids, repeat.labels, repeat.classes, answers,
                        group_ids=repeat.group_ids, folds=repeat.folds)
        )  # fmt: skip
    return found


def _figures(repeats: list[Predictions]) -> dict:
    """Return the figures of a side, and its worst fold of all repeats."""
    several = repeats if len(repeats) > 1 else repeats * 2
    worst = min(
        float(np.mean(part.y_true == part.y_pred))
        for repeat in repeats
        for fold in set(repeat.folds)
        for part in [repeat.take(np.flatnonzero([name == fold for name in repeat.folds]))]
    )
    return {**repeat_figures(several), "worst_fold": worst}


def _spread(runs: list[dict]) -> dict:
    values = [run["accuracy"]["value"] for run in runs]
    without = [run["twin_free"]["without_twins"] for run in runs]
    clean = [one["accuracy"]["value"] for one in without if one]
    return {
        "runs": len(runs), "n_images": runs[0]["n_images"], "mean": statistics.mean(values),
        "least": min(values), "most": max(values),
        "mean_without_twins": statistics.mean(clean) if clean else None,
        "images_with_twins": [run["twin_free"]["n_twins"] for run in runs],
    }  # fmt: skip


def _readme(kept: Kept, summary: dict, arguments: argparse.Namespace) -> str:
    figures = summary["sides"][TWO_STAGE]
    images, clusters = figures["n_images"], figures["mean"]["accuracy"]["clusters"]
    lines = [
        "# yes/no: four sides on the same grouped folds",
        "",
        "```",
        f"python benchmarks/yesno_folds.py --repeats {arguments.repeats} --random-seeds "
        f"{' '.join(map(str, arguments.random_seeds))} \\",
        f'    --scratch-options "{arguments.scratch_options}"',
        "```",
        "",
        f"{told_machine(kept)} {images} images, {clusters} groups of look-alikes; {arguments.repeats} "
        f"repeats (seeds 0 to {arguments.repeats - 1}) of {arguments.folds} folds. Intervals: 95 %, over "
        "groups. Options of each side: `result.json`; its answers: `SIDE-repeat-N.csv`.",
        "",
        "| side | accuracy, mean of the repeats | SD of the repeats | balanced | ROC-AUC | worst fold |",
        "|---|---|---|---|---|---|",
    ]
    order = sorted(summary["sides"].items(), key=lambda item: -item[1]["mean"]["accuracy"]["value"])
    for side, found in order:
        mean = found["mean"]
        accuracy, balanced = (in_percent(mean[name]) for name in ("accuracy", "balanced_accuracy"))
        lines.append(
            f"| {side} | {accuracy} | {100 * found['sd']['accuracy']:.1f} | {balanced} | "
            f"{mean['macro_roc_auc']['value']:.3f} | {100 * found['worst_fold']:.1f} |"
        )
    lines += ["", "| pair | difference, points | p (Holm) |", "|---|---|---|"]
    for pair in summary["pairs"]:
        lines.append(f"| {pair['better']} less {pair['worse']} | {in_percent(pair)} | {pair['p_holm']:.2g} |")
    low, high = wilson_interval(RIGHT_OF_38, OF_38)
    lines += ["", "## The source's own way: 38 test images, dealt at random", ""]
    for side, found in summary["at_random"].items():
        clean = found["mean_without_twins"]
        without = "" if clean is None else f"; without twins {100 * clean:.1f} % on average"
        least, mean, most = (100 * found[name] for name in ("least", "mean", "most"))
        twins = found["images_with_twins"]
        lines.append(
            f"- {side}: {found['runs']} deals gave {least:.1f} to {most:.1f} %, {mean:.1f} % on average, "
            f"with {min(twins)} to {max(twins)} test images that have a twin in training{without}."
        )
    lines += [
        "",
        f'{RIGHT_OF_38} of {OF_38} images right, the source\'s "over 92 %", has an interval (Wilson, 95 %) '
        f"from {100 * low:.0f} to {100 * high:.0f} %.",
        "",
    ]
    return "\n".join(lines)


def _file_name(side: str) -> str:
    return side.replace(",", "").replace(" ", "_")


if __name__ == "__main__":
    main()
