"""Claim: on Cheng, the masks of unseen patients' tumours have a mean Dice of at least 0.75.

    python benchmarks/cheng_masks.py --out benchmarks/results/DATE_cheng_masks

``gyrus crossval --task segment`` over five folds of whole patients, once for each loss: the default (Dice
and cross-entropy), cross-entropy alone, and losses made for small objects. Pooled: every slice is answered
by a network that never saw its patient. The same networks again as --mirrored asks them: the mean over the
slice and its mirror image, the rule from probabilities to masks chosen anew on the fold's validation
patients. The sides are compared in pairs over patients, and by the size of the tumours. Committed: figures
of each slice (``cases-LOSS.csv``) and the drawn masks as run lengths (``masks-LOSS.csv.gz``). An interrupted
benchmark goes on where it was, fold by fold.
"""

import argparse
import json
import shlex
import time
from pathlib import Path

from keeping import WORK, Kept, default_folder, gyrus, in_percent, told_machine
from mask_runs import (
    DATA_OPTIONS,
    DISTANCES,
    ENCODER,
    cells,
    lesion,
    network_options,
    recall_by_size,
    size_heads,
    table,
    without_cases,
    write_cases,
    write_masks,
)

from gyrus.bundles import read_bundle
from gyrus.data import read_manifest
from gyrus.evaluation.mask_predictions import pool_masks, read_mask_predictions, write_mask_predictions
from gyrus.evaluation.segmentation_compare import compare_segmentations
from gyrus.inference.mask_choosing import choose_rule
from gyrus.inference.mask_rows import predict_masks
from gyrus.inference.segmenting import MaskPredictor
from gyrus.runs.atomic import write_json
from gyrus.verbs.segment_measure import evaluate_masks
from gyrus.verbs.segment_report import classes_of_card

MIRRORED = "_mirrored"
LOSSES = ("dice_ce", "ce", "focal_tversky")
OPTIONS = "--image-size 160 --epochs 12 --batch-size 16 --flips"


def main() -> None:
    """Cross-validate each side, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("cheng_masks"))
    parser.add_argument("--work", type=Path, default=WORK / "cheng_masks")
    parser.add_argument("--architecture", default=ENCODER)
    parser.add_argument("--options", default=OPTIONS, help="of every side's gyrus crossval, as one string")
    parser.add_argument("--jobs", type=int, default=1, help="folds that are trained at once")
    parser.add_argument("--losses", nargs="+", default=list(LOSSES))
    arguments = parser.parse_args()
    settings = {"architecture": arguments.architecture, "options": arguments.options}
    kept = Kept(arguments.out, "masks on Cheng, every patient unseen once", settings)
    for loss in arguments.losses:
        kept.once(loss, lambda name=loss: crossvalidated(arguments, name))
        kept.once(loss + MIRRORED, lambda name=loss: mirrored(arguments, name))
    conclude(kept, arguments)


def crossvalidated(arguments: argparse.Namespace, loss: str) -> dict:
    """Return the pooled figures of a loss."""
    folder = arguments.work / loss
    print(f"progress: {folder}.log", flush=True)
    ended = gyrus(
        "crossval", *DATA_OPTIONS, *network_options(arguments.architecture), "--mask-loss", loss,
        *shlex.split(arguments.options), "--jobs", arguments.jobs, "--out", folder,
        log=arguments.work / f"{loss}.log",
    )  # fmt: skip
    told = ended.told
    return {
        "sentence": told["sentence"],
        "seconds": {name: one["seconds"] for name, one in told["finished"].items()},
        "figures": committed(told["evaluation"], Path(told["predictions"]), arguments.out, loss),
    }  # fmt: skip


def committed(evaluation: dict, predictions: Path, out: Path, side: str) -> dict:
    """Write the tables of single slices; return the figures without them."""
    write_cases(evaluation, out / f"cases-{side}.csv")
    write_masks(predictions, out / f"masks-{side}.csv.gz")
    return without_cases(evaluation)


def mirrored(arguments: argparse.Namespace, loss: str) -> dict:
    """Return the pooled figures of a loss's networks when they see each slice from both sides."""
    trained, folder = arguments.work / loss, arguments.work / (loss + MIRRORED)
    parts, dice = [], {}
    began = time.perf_counter()
    runs = sorted(path.parent for path in trained.glob("fold-*/model.gyrus"))
    for run in runs:
        predictor = MaskPredictor(read_bundle(run / "model.gyrus"), mirrored=True)
        manifest, classes = read_manifest(run / "manifest.csv"), classes_of_card(predictor.card)
        former = predictor.rule.chosen_on["dice"]
        predictor.rule = choose_rule(predictor, manifest, classes, "val")
        dice[run.name] = {"once": former, "mirrored": predictor.rule.chosen_on["dice"]}
        parts.append(read_mask_predictions(predict_masks(predictor, manifest, folder / run.name, "test")))
    pooled = pool_masks(parts, [run.name.removeprefix("fold-") for run in runs])
    write_mask_predictions(pooled, folder / "predictions-pooled.csv")
    evaluation = evaluate_masks(pooled, read_manifest(trained / "manifest.csv"), classes)
    write_json(folder / "evaluation.json", evaluation)
    return {
        "validation_dice": dice,
        "seconds": {"answering": time.perf_counter() - began},
        "figures": committed(evaluation, folder / "predictions-pooled.csv", arguments.out, loss + MIRRORED),
    }


def conclude(kept: Kept, arguments: argparse.Namespace) -> None:
    """Compare the sides in pairs, and write the page."""
    whole = {loss: json.loads((arguments.work / loss / "evaluation.json").read_text()) for loss in kept.runs}
    compared = compare_segmentations(whole) if len(whole) > 1 else None
    figures = {loss: run["figures"] for loss, run in kept.runs.items()}
    first = next(iter(figures.values()))
    trained = " ".join(loss for loss in figures if not loss.endswith(MIRRORED))
    lines = [
        "# Cheng: masks of tumours, every patient unseen once", "",
        "```",
        f"python benchmarks/cheng_masks.py --options '{arguments.options}' --losses {trained}",
        "```", "",
        f"{told_machine(kept)} {arguments.architecture}, encoder from ImageNet's weights. "
        f"{next(iter(kept.runs.values()))['sentence']} {first['n_images']} slices, {first['n_clusters']} "
        f"patients; intervals: 95 %, over patients. Every slice has a tumour. {DISTANCES}", "",
        *table([
            ["loss", "mean Dice, %", "IoU, %", "HD95, px; median", "nothing drawn", "worst fold, Dice"],
            *([loss, *cells(one), worst_fold(one)] for loss, one in figures.items()),
        ]), "",
        "Tumours found (half of their pixels or more), by size, %:", "",
        *table([
            ["loss", *size_heads(first), "false parts an image"],
            *([loss, *recall_by_size(one), f"{lesion(one)['objects']['false_per_image']['value']:.2f}"]
              for loss, one in figures.items()),
        ]), "",
    ]  # fmt: skip
    if compared:
        lines += ["In pairs, mean Dice:", "", *(f"- {pair['sentence']}" for pair in compared["pairs"]), ""]
    hours = sum(sum(run["seconds"].values()) for run in kept.runs.values() if "sentence" in run) / 3600
    lines += [f"Trainings took {hours:.1f} h together, beside other work.", ""]
    summary = {
        loss: {"dice": lesion(one)["dice"], "iou": lesion(one)["iou"], "hd95": lesion(one)["hd95"],
               "folds": one["folds"]}
        for loss, one in figures.items()
    }  # fmt: skip
    pairs = compared["pairs"] if compared else []
    kept.conclude({"losses": summary, "pairs": pairs}, "\n".join(lines))


def worst_fold(figures: dict) -> str:
    """Return the lowest fold's mean Dice in per cent, with its interval."""
    folds = figures["folds"]
    return in_percent(min((one["dice"] for one in folds["each"]), key=lambda dice: dice["value"]))


if __name__ == "__main__":
    main()
