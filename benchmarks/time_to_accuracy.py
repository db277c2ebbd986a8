"""Claim: gyrus reaches the accuracy of a plain script at least five times sooner, on patients it never saw.

    python benchmarks/time_to_accuracy.py --out benchmarks/results/DATE_time_to_accuracy

Cheng, three classes, folds 0, 1 and 2 of StratifiedGroupKFold(5, shuffle, seed 0) on patient_base_id, two
seeds; lengths are fixed beforehand and nothing looks at the test fold before the end. Both sides start from
the same weights, each in a process of its own (with OMP_WAIT_POLICY=PASSIVE), and take turns:

- plain: ``../shared/reference/plain_pipeline.py --epochs 3 --target 2 --budget-s 1e6``, as it is, with all
  images outside the fold. Its pass over the test images after each epoch is clocked (see
  ``launchers/clocked_test_pass.py``) and subtracted.
- gyrus: the command ``gyrus train MANIFEST --fold K --test``, once with an empty cache (the images are
  decoded, the number format is chosen by measurement) and once with the cache that this left. From the images
  outside the fold it takes its validation images, too.

All times are wall times from before the process starts. gyrus: until the weights are trained, and until the
process has ended, with bundle, test predictions and report; the first is the whole less export, measuring and
report (the end of the interpreter stays in it). Each run is written down when it ends; an interrupted
benchmark goes on where it was.
"""

import argparse
import json
import shlex
import shutil
import statistics
import sys
from pathlib import Path

from cheng_manifest import write_folds
from keeping import (
    MOBILENET,
    QUIET,
    SHARED,
    WORK,
    Kept,
    clocked,
    default_folder,
    epochs_of,
    gyrus,
    told_machine,
)

DEFAULT_RECIPE = (
    "--recipe upper --epochs 2 --image-size 224 --select last --val-fraction 0.05 --cal-fraction 0"
)
EPOCHS = 3  # of the plain script
MARGIN = 0.005  # half a point
SIDES = ("plain", "gyrus-cold", "gyrus-warm")


def main() -> None:
    """Race, side by side, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("time_to_accuracy"))
    parser.add_argument("--work", type=Path, default=WORK / "time_to_accuracy")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--weights", type=Path, default=MOBILENET)
    parser.add_argument("--architecture", default="mobilenetv2_100")
    parser.add_argument("--recipe-options", default=DEFAULT_RECIPE)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    arguments = parser.parse_args()
    settings = {
        "data": arguments.data.as_posix(), "weights": arguments.weights.name,
        "architecture": arguments.architecture, "recipe_options": arguments.recipe_options,
        "epochs_of_plain": EPOCHS,
        "variables": {name: QUIET.get(name) for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")},
    }  # fmt: skip
    kept = Kept(arguments.out, "time to the accuracy of a plain script", settings)
    manifest = arguments.work / "manifest.csv"
    write_folds(arguments.data, manifest)
    for seed in arguments.seeds:
        for fold in arguments.folds:
            for side in _order(arguments.sides, fold + seed):
                make = plain if side == "plain" else trained
                kept.once(
                    f"{side}, fold {fold}, seed {seed}",
                    lambda make=make, side=side, fold=fold, seed=seed: make(arguments, side, fold, seed),
                )
                conclude(kept)


def _order(sides: list[str], turn: int) -> list[str]:
    """Return the sides, the plain one first and last in turns; a warm cache comes after a cold one."""
    own = [side for side in SIDES if side in sides and side != "plain"]
    other = [side for side in sides if side == "plain"]
    return other + own if turn % 2 == 0 else own + other


def plain(arguments: argparse.Namespace, side: str, fold: int, seed: int) -> dict:
    """Run the plain script."""
    here = Path(__file__).parent
    command = [
        sys.executable, here / "launchers" / "clocked_test_pass.py",
        SHARED / "reference" / "plain_pipeline.py", arguments.data, "--weights", arguments.weights,
        "--fold", fold, "--seed", seed, "--epochs", EPOCHS, "--target", 2, "--budget-s", 1e6,
    ]  # fmt: skip
    seconds, lines, peak_mib, _ = clocked(command, log=arguments.work / f"plain-{fold}-{seed}.log")
    told = [(when, json.loads(line)) for when, line in lines]
    passes = [line["test_pass_s"] for _, line in told if "test_pass_s" in line]
    epochs = [(when, line) for when, line in told if "epoch" in line]
    if len(passes) != EPOCHS or len(epochs) != EPOCHS:
        sys.exit(f"{len(epochs)} epochs and {len(passes)} test passes were told; expected {EPOCHS} of each")
    return {
        "side": side, "fold": fold, "seed": seed,
        "seconds_to_weights": epochs[-1][0] - sum(passes),
        "seconds_to_end": seconds,
        "peak_mib": peak_mib,
        "test_accuracy": epochs[-1][1]["accuracy"],
        "test_accuracies_by_epoch": [line["accuracy"] for _, line in epochs],
        "seconds_of_test_passes": passes,
        "seconds_by_epoch_with_test_passes": [when for when, _ in epochs],
    }  # fmt: skip


def trained(arguments: argparse.Namespace, side: str, fold: int, seed: int) -> dict:
    """Run ``gyrus train`` with an empty cache, or with the one that such a run left."""
    name = f"{side}-{fold}-{seed}"
    cache, run = arguments.work / f"cache-{fold}-{seed}", arguments.work / name
    if side == "gyrus-cold":
        shutil.rmtree(cache, ignore_errors=True)
    elif not cache.is_dir():
        sys.exit(f"{side} needs the cache of a cold run; take its line out of result.json and run again")
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    seconds, told, peak_mib, _ = gyrus(
        "train", arguments.work / "manifest.csv", "--fold", fold, "--seed", seed, "--test",
        "--architecture", arguments.architecture, "--weights", arguments.weights,
        *shlex.split(arguments.recipe_options), "--out", run, "--cache-dir", cache,
        log=arguments.work / f"{name}.log",
    )  # fmt: skip
    parts = told["seconds"]
    after = sum(parts[part] for part in ("export", "measuring", "report"))
    predictions = run / "predictions" / "predictions-test.csv"
    (arguments.out / "predictions").mkdir(parents=True, exist_ok=True)
    shutil.copy(predictions, arguments.out / "predictions" / f"{name}.csv")
    return {
        "side": side, "fold": fold, "seed": seed,
        "seconds_to_weights": seconds - after,
        "seconds_to_end": seconds,
        "peak_mib": peak_mib,
        "test_accuracy": told["evaluations"]["test"]["accuracy"]["value"],
        "parts_s": {"start and end of the process": seconds - sum(parts.values()), **parts},
        "epochs": epochs_of(run),
        "precision": json.loads((run / "config.json").read_text())["precision"],
        "verdict": told["verdict"],
    }  # fmt: skip


def conclude(kept: Kept) -> None:
    """Compare what is there so far."""
    by_side = {side: [run for run in kept.runs.values() if run["side"] == side] for side in SIDES}
    summary: dict = {"sides": {side: _side(runs) for side, runs in by_side.items() if runs}}
    rivals = {(run["fold"], run["seed"]): run for run in by_side["plain"]}
    summary["against_plain"] = {
        side: _against(
            [(run, rivals[run["fold"], run["seed"]]) for run in by_side[side]
             if (run["fold"], run["seed"]) in rivals]
        )
        for side in SIDES[1:] if any((run["fold"], run["seed"]) in rivals for run in by_side[side])
    }  # fmt: skip
    kept.conclude(summary, _readme(kept, summary))


def _side(runs: list[dict]) -> dict:
    found = {"runs": len(runs), "mean_test_accuracy": statistics.mean(run["test_accuracy"] for run in runs)}
    for what in ("seconds_to_weights", "seconds_to_end"):
        values = [run[what] for run in runs]
        found[what] = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    if "parts_s" in runs[0]:
        found["median_parts_s"] = {
            part: statistics.median(run["parts_s"][part] for run in runs) for part in runs[0]["parts_s"]
        }
    return found


def _against(pairs: list[tuple[dict, dict]]) -> dict:
    """Compare runs with the plain runs of the same fold and seed."""
    points = [100 * (own["test_accuracy"] - other["test_accuracy"]) for own, other in pairs]
    plain_s = [other["seconds_to_weights"] for _, other in pairs]
    times = {}
    for what in ("seconds_to_weights", "seconds_to_end"):
        own_s = [own[what] for own, _ in pairs]
        ratios = [theirs / ours for theirs, ours in zip(plain_s, own_s, strict=True)]
        times[what] = {
            "ratio_of_medians": statistics.median(plain_s) / statistics.median(own_s),
            "pairs_from": min(ratios),
            "pairs_to": max(ratios),
        }
    mean = statistics.mean(points)
    return {
        "pairs": len(pairs),
        "points_of_accuracy": {"mean": mean, "each": points,
                               "sd": statistics.stdev(points) if len(points) > 1 else None},
        "not_more_than_half_a_point_below": mean >= -100 * MARGIN,
        "times_faster": times,
        "at_least_five_times_faster": times["seconds_to_weights"]["ratio_of_medians"] >= 5,
    }  # fmt: skip


def _readme(kept: Kept, summary: dict) -> str:
    recipe = kept.content["settings"]["recipe_options"]
    lines = [
        "# Time to the accuracy of a plain script",
        "",
        "```",
        f"python benchmarks/time_to_accuracy.py --recipe-options '{recipe}'",
        "```",
        "",
        f"{told_machine(kept)} Folds and seeds: see `result.json`; predictions of gyrus on each test fold: "
        "`predictions/`.",
        "",
        "| side | runs | test accuracy, mean | s to weights, median (range) | s to the end, median |",
        "|---|---|---|---|---|",
    ]
    for side, found in summary["sides"].items():
        time = found["seconds_to_weights"]
        lines.append(
            f"| {side} | {found['runs']} | {100 * found['mean_test_accuracy']:.1f} % | {time['median']:.1f} "
            f"({time['least']:.1f} to {time['most']:.1f}) | {found['seconds_to_end']['median']:.1f} |"
        )
    lines.append("")
    for side, found in summary["against_plain"].items():
        points, times = found["points_of_accuracy"], found["times_faster"]
        spread = "" if points["sd"] is None else f" (SD of the pairs {points['sd']:.1f})"
        weights, end = times["seconds_to_weights"], times["seconds_to_end"]
        lines.append(
            f"- {side}: {weights['ratio_of_medians']:.1f} times faster to the weights (pairs "
            f"{weights['pairs_from']:.1f} to {weights['pairs_to']:.1f}), {end['ratio_of_medians']:.1f} times "
            f"with bundle, test predictions and report; {points['mean']:+.1f} points of accuracy{spread}."
        )
    for side, found in summary["sides"].items():
        if "median_parts_s" in found:
            parts = ", ".join(f"{name} {value:.1f}" for name, value in found["median_parts_s"].items())
            lines.append(f"- Where the time of {side} goes, median s: {parts}.")
    lines += [
        "",
        "The plain script's test passes are clocked and not counted; its time ends with its last epoch.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
