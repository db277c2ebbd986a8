"""What skips, decoders, losses, size and deep supervision give on Cheng's fold 0; and a joint model's class.

    python benchmarks/cheng_mask_networks.py --out benchmarks/results/DATE_cheng_mask_networks

Each side is ``gyrus train --task segment --fold 0 --test``: the same patients, epochs and loss. U-Net and
U-Net without skips are trained from scratch, the others begin with ImageNet's weights in the encoder.
Compared in pairs over patients; recall by the size of the tumours, where smaller networks and inputs lose.
Milliseconds: the bundle's whole way from an image to its mask, one at a time, the sides in turns.

The joint model (``--with-class``) answers mask and class from one encoder; a classifier of the same encoder,
size and epochs answers the same slices, and both are compared in pairs.

Committed: figures of each slice (``cases-SIDE.csv``), the drawn masks as run lengths
(``masks-SIDE.csv.gz``), both sides' classes. An interrupted benchmark goes on where it was.
"""

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
from keeping import MOBILENET, WORK, Kept, default_folder, gyrus, in_percent, told_machine
from mask_runs import (
    CHENG,
    DISTANCES,
    ENCODER,
    cells,
    lesion,
    recall_by_size,
    size_heads,
    table,
    train_once,
    write_cases,
    write_masks,
)
from PIL import Image

from gyrus.evaluation import read_predictions
from gyrus.evaluation.aligning import Entry
from gyrus.evaluation.compare import compare_predictions
from gyrus.evaluation.segmentation_compare import compare_segmentations

PIXELS, LARGER = 96, 160
BATCH = 16  # twice the steps of the default: these trainings are short
SIDES = {
    "U-Net": ("unet", ""),
    "U-Net without skips": ("unet_noskips", ""),
    "U-Net, MobileNetV2": (ENCODER, ""),
    "U-Net++": ("unetplusplus-mobilenetv2_100", ""),
    "Attention U-Net": ("attention_unet-mobilenetv2_100", ""),
    "DeepLabV3+": ("deeplabv3plus-mobilenetv2_100", ""),
    "SegFormer": ("segformer-mobilenetv2_100", ""),
    "U-Net, MobileNetV2, deep supervision": (ENCODER, "--deep-supervision"),
    "U-Net, MobileNetV2, 160 px": (ENCODER, f"--image-size {LARGER}"),
    "U-Net, MobileNetV2, cross-entropy": (ENCODER, "--mask-loss ce"),
    "U-Net, MobileNetV2, focal Tversky": (ENCODER, "--mask-loss focal_tversky"),
    "joint: mask and class": (ENCODER, "--with-class"),
}
BASE, JOINT = "U-Net, MobileNetV2", "joint: mask and class"
CLASSIFIER = "classifier alone"
CLASSES = 3  # meningioma, glioma, pituitary
ROUNDS, FRAMES = 4, 25


def main() -> None:
    """Train each side, time them, and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("cheng_mask_networks"))
    parser.add_argument("--work", type=Path, default=WORK / "cheng_mask_networks")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--threads", type=int, default=2, help="of the timed answers")
    parser.add_argument(
        "--no-times", action="store_true", help="train only; give the command again without it to conclude"
    )
    arguments = parser.parse_args()
    kept = Kept(arguments.out, "networks for masks on fold 0 of Cheng", {"epochs": arguments.epochs})
    for side in arguments.sides:
        kept.once(side, lambda name=side: trained(arguments, name))
        if side == JOINT:
            kept.once(CLASSIFIER, lambda: classified(arguments))
    if arguments.no_times:
        return
    kept.once("times", lambda: timed(arguments))
    conclude(kept, arguments)


def place(arguments: argparse.Namespace, side: str) -> Path:
    """Return the run folder of a side."""
    return arguments.work / file_name(side)


def file_name(side: str) -> str:
    """Return a side's name as part of a file's."""
    return side.lower().replace("+", "p").replace(",", "").replace(":", "").replace(" ", "_")


def trained(arguments: argparse.Namespace, side: str) -> dict:
    """Train and measure a side; keep what its figures are made of."""
    architecture, more = SIDES[side]
    size = "" if "--image-size" in more else f"--image-size {PIXELS}"
    run = place(arguments, side)
    print(f"progress: {run.with_suffix('.log')}", flush=True)
    found = train_once(
        architecture, f"{size} --epochs {arguments.epochs} --batch-size {BATCH} --flips {more}".strip(), run
    )
    write_cases(_evaluation(run), arguments.out / f"cases-{file_name(side)}.csv")
    write_masks(
        run / "predictions" / "predictions-test.csv", arguments.out / f"masks-{file_name(side)}.csv.gz"
    )
    if side == JOINT:
        shutil.copy(run / "predictions" / "class-predictions-test.csv", arguments.out / "classes-joint.csv")
    return {**found, "parameters": parameters(architecture, with_class=side == JOINT)}


def _evaluation(run: Path) -> dict:
    return json.loads((run / "predictions" / "evaluation-test.json").read_text())


def parameters(architecture: str, *, with_class: bool) -> int:
    """Return how many parameters a network has; those that help in training alone are not counted."""
    from gyrus.models.segmentation import build_segmentation

    network = build_segmentation(
        architecture, mask_classes=1, image_classes=CLASSES if with_class else None, image_size=PIXELS
    )
    return sum(one.numel() for one in network.parameters())


def classified(arguments: argparse.Namespace) -> dict:
    """Train the classifier of the same encoder on the same split, as the joint run wrote it down."""
    run = arguments.work / "classifier"
    shutil.rmtree(run, ignore_errors=True)
    ended = gyrus(
        "train", place(arguments, JOINT) / "manifest.csv", "--task", "classify", "--architecture",
        "mobilenetv2_100", "--weights", MOBILENET, "--recipe", "full", "--image-size", PIXELS,
        "--epochs", arguments.epochs, "--batch-size", BATCH, "--flips", "--test", "--out", run,
        log=arguments.work / "classifier.log",
    )  # fmt: skip
    shutil.copy(run / "predictions" / "predictions-test.csv", arguments.out / "classes-classifier.csv")
    figures = ended.told["evaluations"]["test"]
    return {"seconds": ended.seconds, "accuracy": figures["accuracy"],
            "balanced_accuracy": figures["balanced_accuracy"]}  # fmt: skip


def timed(arguments: argparse.Namespace) -> dict:
    """Return the milliseconds of each answer by side; the sides take turns."""
    from gyrus.inference.segmenting import MaskPredictor

    names = sorted(path for path in (CHENG / "images").iterdir())[:FRAMES]
    frames = [np.asarray(Image.open(path).convert("L"))[..., None] for path in names]
    predictors = {
        side: MaskPredictor.load(place(arguments, side) / "model.gyrus", arguments.threads)
        for side in arguments.sides
    }
    found: dict[str, list[float]] = {side: [] for side in predictors}
    for _ in range(ROUNDS):
        for side, predictor in predictors.items():
            predictor.predict([frames[0]])
            for frame in frames:
                began = time.perf_counter()
                predictor.predict([frame])
                found[side].append(1e3 * (time.perf_counter() - began))
    return {"threads": arguments.threads, "milliseconds": found}


def conclude(kept: Kept, arguments: argparse.Namespace) -> None:
    """Compare in pairs, and write the page."""
    masks = {side: kept.runs[side] for side in SIDES if side in kept.runs}
    compared = compare_segmentations({side: _evaluation(place(arguments, side)) for side in masks})
    times = kept.runs["times"]["milliseconds"]
    first = next(iter(masks.values()))["figures"]
    rows = [["network", "px", "mean Dice, %", "IoU, %", "HD95, px; median", "nothing drawn",
             "parameters, millions", "ms a slice"]]  # fmt: skip
    sizes = [["network", *size_heads(first), "false parts an image"]]
    for side, run in masks.items():
        pixels = LARGER if str(LARGER) in run["options"] else PIXELS
        figures = run["figures"]
        rows.append([side, str(pixels), *cells(figures), f"{run['parameters'] / 1e6:.2f}",
                     f"{statistics.median(times[side]):.1f}"])  # fmt: skip
        sizes.append([side, *recall_by_size(figures),
                      f"{lesion(figures)['objects']['false_per_image']['value']:.2f}"])  # fmt: skip
    told = {tuple(sorted((pair["better"], pair["worse"]))): pair["sentence"] for pair in compared["pairs"]}
    of_base = [told[tuple(sorted((BASE, side)))] for side in masks if side != BASE]
    skips = told.get(tuple(sorted(("U-Net", "U-Net without skips"))))
    lines = [
        "# Cheng, fold 0: networks for masks", "",
        "```", f"python benchmarks/cheng_mask_networks.py --epochs {arguments.epochs}", "```", "",
        f"{told_machine(kept)} {first['n_images']} slices of {first['n_clusters']} patients, none of them in "
        f"training; {arguments.epochs} epochs with mirrored images, the loss Dice and cross-entropy where no "
        f"other is named. Intervals: 95 %, over patients. {DISTANCES} One training each: a seed alone moves "
        "figures, too.", "",
        *table(rows), "",
        "Tumours found (half of their pixels or more), by size, %:", "", *table(sizes), "",
        "Against the base, in pairs over patients (p adjusted for all pairs):", "",
        *(f"- {sentence}" for sentence in [*of_base, *filter(None, [skips])]), "",
    ]  # fmt: skip
    summary = {
        "sides": {side: {**lesion(run["figures"])["dice"], "ms": statistics.median(times[side])}
                  for side, run in masks.items()},
        "pairs": compared["pairs"],
    }  # fmt: skip
    if JOINT in masks:
        classes = compared_classes(arguments)
        summary["classes"] = classes
        told = ", ".join(f"{name} {told_accuracy(classes, name)} %" for name in ("joint", CLASSIFIER))
        lines += [
            "## The joint model's class", "",
            f"On the same slices: {told}.",
            "", *(f"- {pair['sentence']}" for pair in classes["pairs"]), "",
        ]  # fmt: skip
    kept.conclude(summary, "\n".join(lines))


def told_accuracy(classes: dict, name: str) -> str:
    """Return a side's accuracy in per cent with its interval."""
    return next(in_percent(line["accuracy"]) for line in classes["leaderboard"] if line["name"] == name)


def compared_classes(arguments: argparse.Namespace) -> dict:
    """Compare the joint model's class with the classifier's, in pairs over patients."""
    files = {"joint": "classes-joint.csv", CLASSIFIER: "classes-classifier.csv"}
    entries = [Entry(name, read_predictions(arguments.out / file)) for name, file in files.items()]
    return compare_predictions(entries)


if __name__ == "__main__":
    main()
