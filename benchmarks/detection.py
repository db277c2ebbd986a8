"""Claim: 10,000 images with 100,000 boxes: mAP under 5 s, 3 times faster than pycocotools; FROC with 1,000
bootstrap samples of patients under 10 s.

    python benchmarks/detection.py --out benchmarks/results/DATE_detection

Both sides take turns in one process: mAP alone (pycocotools then told to leave the sizes out, which is to its
favour), and all figures of COCO. What is timed begins with boxes in memory, in the form that each side wants,
and ends with the figures; pycocotools' index of the data set is made before. The first turn warms up and is
left out. The figures of both sides are compared.
"""

import argparse
import contextlib
import io
import os
import statistics
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from keeping import default_folder, machine
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gyrus.metrics.detection import Cohort, coco_figures, froc_intervals, match
from gyrus.metrics.detection.average_precision import COCO_THRESHOLDS, best_boxes, precision_by_class
from gyrus.runs.atomic import write_json, write_text

IMAGES, BOXES, LESIONS, CLASSES, PATIENTS, SIDE = 10_000, 100_000, 30_000, 3, 2_500, 512
SAMPLES, TURNS = 1000, 3
PIXEL = np.array([0, 0, 1, 1])  # no box is empty after rounding


def main() -> None:
    """Measure, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("detection"))
    parser.add_argument("--turns", type=int, default=TURNS, help="timed turns of every side")
    arguments = parser.parse_args()
    cohort = drawn()
    truth, found = as_coco(cohort)
    sides = {
        "gyrus, mAP": lambda: our_mean(cohort),
        "pycocotools, mAP": lambda: theirs(truth, found, sizes=False)[0],
        "gyrus, mAP and recall by size": lambda: ours(cohort),
        "pycocotools, all its figures": lambda: theirs(truth, found, sizes=True),
        "gyrus, FROC with 1,000 samples": lambda: froc(cohort),
        "gyrus, FROC at IoU 0.1, 0.3, 0.5": lambda: [
            froc(cohort, threshold) for threshold in (0.1, 0.3, 0.5)
        ],
    }
    turns, answers = [], {}
    for number in range(arguments.turns + 1):
        turn = {}
        for name, call in sides.items():
            began, used = time.perf_counter(), time.process_time()
            answers[name] = call()
            turn[name] = {
                "seconds": round(time.perf_counter() - began, 4),
                "processor_s": round(time.process_time() - used, 4),
            }
        print(f"turn {number}{' (left out)' if not number else ''}: {turn}", flush=True)
        turns.append(turn)
    result = concluded(turns[1:], answers)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out / "result.json", {**result, "turns": turns[1:], "machine": machine()})
    page = readme(result, arguments)
    write_text(arguments.out / "README.md", page)
    print(page)


def drawn(images: int = IMAGES, boxes: int = BOXES, lesions: int = LESIONS) -> Cohort:
    """Return a fair detector: four fifths of the lesions are marked, the other boxes lie anywhere."""
    rng = np.random.default_rng(0)
    true_image = np.sort(rng.integers(0, images, lesions))
    true = boxes_at(rng, lesions, 8, 160)
    true_class = rng.integers(0, CLASSES, lesions)
    marked = rng.choice(lesions, size=int(0.8 * lesions), replace=False)
    near = true[marked] + rng.normal(0, 0.08, (marked.size, 4)) * np.tile(
        true[marked, 2:] - true[marked, :2], 2
    )
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    far = boxes - marked.size
    image = np.concatenate([true_image[marked], rng.integers(0, images, far)])
    label = np.concatenate([true_class[marked], rng.integers(0, CLASSES, far)])
    scores = np.concatenate([rng.beta(4, 2, marked.size), rng.beta(2, 4, far)])
    order = np.argsort(image, kind="stable")
    return Cohort(
        predicted=np.round(np.concatenate([near, boxes_at(rng, far, 6, 120)]))[order] + PIXEL,
        scores=scores[order], predicted_image=image[order], predicted_class=label[order],
        true=np.round(true) + PIXEL, true_image=true_image, true_class=true_class,
        scan=np.arange(images), subject=np.arange(images) % PATIENTS, n_classes=CLASSES,
    )  # fmt: skip


def boxes_at(rng: np.random.Generator, count: int, least: float, most: float) -> np.ndarray:
    """Return boxes anywhere, small ones as often as large ones."""
    sides = np.exp(rng.uniform(np.log(least), np.log(most), (count, 2)))
    corner = rng.uniform(0, SIDE - sides)
    return np.concatenate([corner, corner + sides], axis=1)


def as_coco(cohort: Cohort) -> tuple[COCO, COCO]:
    """Return the same boxes as pycocotools wants them, with their index."""
    common = {
        "images": [{"id": number + 1} for number in range(cohort.n_images)],
        "categories": [{"id": number + 1} for number in range(cohort.n_classes)],
    }
    sides = (
        (cohort.true, cohort.true_image, cohort.true_class, None),
        (cohort.predicted, cohort.predicted_image, cohort.predicted_class, cohort.scores),
    )
    made = []
    for corners, image, label, scores in sides:
        extent = corners[:, 2:] - corners[:, :2]
        annotations = [
            {
                "id": number + 1, "image_id": int(image[number]) + 1, "category_id": int(label[number]) + 1,
                "bbox": [*corners[number, :2].tolist(), *extent[number].tolist()],
                "area": float(extent[number].prod()), "iscrowd": 0,
                **({} if scores is None else {"score": float(scores[number])}),
            }
            for number in range(len(corners))
        ]  # fmt: skip
        one = COCO()
        one.dataset = {**common, "annotations": annotations}
        with contextlib.redirect_stdout(io.StringIO()):
            one.createIndex()
        made.append(one)
    return made[0], made[1]


def our_mean(cohort: Cohort) -> float:
    """Return mAP by gyrus."""
    few = best_boxes(fresh(cohort), 100)
    return float(np.nanmean(precision_by_class(few, match(few, COCO_THRESHOLDS))))


def ours(cohort: Cohort) -> list[float]:
    """Return mAP and recall by size by gyrus."""
    figures = coco_figures(fresh(cohort))
    return [figures.mean, *figures.recall_by_size.tolist()]


def theirs(truth: COCO, found: COCO, *, sizes: bool) -> list[float]:
    """Return mAP and recall by size by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, found, "bbox")
        if not sizes:
            evaluation.params.areaRng = evaluation.params.areaRng[:1]
            evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
            evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
        if not sizes:
            return [float(evaluation.eval["precision"].mean())]
        evaluation.summarize()
    return [float(evaluation.stats[number]) for number in (0, 9, 10, 11)]


def froc(cohort: Cohort, threshold: float = 0.3) -> float:
    """Return the FROC score, with the intervals of it and of the curve over patients."""
    cohort = fresh(cohort)
    (matched,) = match(cohort, [threshold])
    return froc_intervals(cohort, matched, n_samples=SAMPLES).score.value


def fresh(cohort: Cohort) -> Cohort:
    """Return a copy that remembers nothing."""
    return cohort.only(np.arange(len(cohort.scores)))


def concluded(turns: list[dict], answers: dict) -> dict:
    """Return medians, ratios, and how far the two sides' figures are apart."""
    median = {
        name: {
            kind: round(statistics.median(turn[name][kind] for turn in turns), 3)
            for kind in ("seconds", "processor_s")
        }
        for name in turns[0]
    }
    apart = [abs(answers["gyrus, mAP"] - answers["pycocotools, mAP"])]
    pairs = (answers["gyrus, mAP and recall by size"], answers["pycocotools, all its figures"])
    apart += [abs(one - other) for one, other in zip(*pairs, strict=True)]
    seconds = {name: of["seconds"] for name, of in median.items()}
    return {
        "claim": "mAP under 5 s and 3 times faster than pycocotools; FROC with 1,000 samples under 10 s",
        "images": IMAGES, "boxes": BOXES, "lesions": LESIONS, "classes": CLASSES, "patients": PATIENTS,
        "turns": len(turns), "median": median,
        "times_faster": {
            "mAP": round(seconds["pycocotools, mAP"] / seconds["gyrus, mAP"], 1),
            "with sizes": round(
                seconds["pycocotools, all its figures"] / seconds["gyrus, mAP and recall by size"], 1
            ),
        },
        "largest_difference": max(apart),
        "figures": answers,
        "pycocotools": version("pycocotools"),
    }  # fmt: skip


def readme(result: dict, arguments: argparse.Namespace) -> str:
    """Return the page for people."""
    lines = [
        "# Speed of detection metrics", "",
        f"    python benchmarks/detection.py --out {arguments.out.as_posix()}", "",
        f"{result['images']:,} images of {result['patients']:,} patients, {result['boxes']:,} predicted "
        f"boxes, {result['lesions']:,} lesions, {result['classes']} classes. Median of {result['turns']} "
        f"turns in one process, all sides in each; {os.cpu_count()} cores; pycocotools "
        f"{result['pycocotools']}.", "",
        "| | seconds | processor, s |", "|---|---:|---:|",
    ]  # fmt: skip
    for name, of in result["median"].items():
        lines.append(f"| {name} | {of['seconds']:.2f} | {of['processor_s']:.2f} |")
    faster = result["times_faster"]
    lines += [
        "",
        f"mAP alone {faster['mAP']} times, with the sizes {faster['with sizes']} times as fast as "
        f"pycocotools; the largest difference between their figures is {result['largest_difference']:.1e}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
