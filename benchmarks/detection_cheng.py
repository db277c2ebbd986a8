"""How well the classifier's heat maps find the tumours of Cheng, as a detector that was never shown a box.

    python benchmarks/detection_cheng.py --out benchmarks/results/DATE_detection_cheng

Every slice is answered by the model of the fold in which its patient was not trained on
(``benchmarks/cheng_folds.py`` makes the five; ``--folds``). The heat map of the most probable class is
brought to the image's size; a box is drawn around each connected part above a share of its highest value,
and scored by the class's probability times the part's share of the highest value. Another way to use the
map: a box of the mean size of the other folds' tumours around its highest place. True boxes are drawn
around the connected parts of Cheng's masks; a tumour of any class counts. Beside them what any detector has
to beat: for every slice the mean box of the other folds' tumours, and a box of mean size in the middle of
the image; and the model in the box, which was trained on these patients. ``--mask-folds`` adds a segmenter:
the folder of a ``gyrus crossval --task segment`` (``benchmarks/cheng_masks.py`` makes one), whose networks
were shown masks of other patients. Its boxes are drawn around the parts of the mask that it answers with,
or around what its probability is a tenth or more of; scored by the highest probability inside.
"""

import argparse
import csv
import logging
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from cheng_manifest import write_folds
from keeping import SHARED, WORK, default_folder, machine
from PIL import Image

from gyrus.box import path as box_path
from gyrus.data import read_manifest
from gyrus.data.box_files import BoxList, Listed, Marked, join_boxes
from gyrus.evaluation.detections import Measuring, evaluate_detections
from gyrus.evaluation.text import short_figure
from gyrus.inference import Predictor
from gyrus.inference.segmenting import MaskPredictor
from gyrus.metrics.detection import boxes_from_heat
from gyrus.pages.overlay import stretched
from gyrus.runs.atomic import write_json, write_text

LEVELS = (0.3, 0.5, 0.7, 0.8, 0.9)
MAIN_LEVEL = 0.5  # set before anything was measured
THRESHOLDS = (0.1, 0.3, 0.5)
BLIND = "mean box of the other folds' tumours"
SEGMENTER = "segmenter's masks, out of fold"
FAINT = 0.1  # probability from which on a pixel of the segmenter may belong to a box
SMALLEST_PX = 9  # parts of fewer pixels are crumbs of a border's rasterisation


def main() -> None:
    """Ask the models, measure, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("detection_cheng"))
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--folds", type=Path, default=WORK / "cheng_folds" / "crossval")
    parser.add_argument("--mask-folds", type=Path, help="folder of a segmenter's cross-validation")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--images", type=int, help="only so many, spread over the set, to try it")
    arguments = parser.parse_args()
    logging.getLogger("gyrus").setLevel(logging.WARNING)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_folds(arguments.data, WORK / "detection_cheng" / "manifest.csv")
    rows = list(read_manifest(WORK / "detection_cheng" / "manifest.csv"))
    rows = rows if arguments.images is None else rows[:: max(1, len(rows) // arguments.images)]
    truth = true_boxes(arguments.data, rows)
    write_boxes(truth, arguments.out / "truth.csv")
    began = time.perf_counter()
    maps = heat_maps(rows, arguments.data, lambda fold: arguments.folds / f"fold-{fold}" / "model.gyrus")
    print(f"{len(maps)} heat maps out of fold in {time.perf_counter() - began:.0f} s", flush=True)
    detectors = {f"heat map, out of fold, level {level:g}": from_maps(maps, level) for level in LEVELS}
    write_boxes(detectors[f"heat map, out of fold, level {MAIN_LEVEL:g}"], arguments.out / "found.csv")
    detectors["box of mean size at the map's highest place, out of fold"] = peak_boxes(maps, rows, truth)
    detectors[BLIND] = mean_boxes(rows, truth)
    detectors["box in the middle of the image"] = middle_boxes(rows, truth)
    known = heat_maps(rows, arguments.data, lambda fold: box_path())
    detectors[f"the model in the box (trained on these patients), level {MAIN_LEVEL:g}"] = from_maps(
        known, MAIN_LEVEL
    )
    if arguments.mask_folds is not None:
        detectors.update(from_segmenter(rows, arguments.data, arguments.mask_folds))
        write_boxes(detectors[SEGMENTER], arguments.out / "found-segmenter.csv")
    figures = {name: measured(found, truth, arguments.samples) for name, found in detectors.items()}
    lesions = figures[next(iter(figures))]["lesions"]
    result = {
        "claim": __doc__.splitlines()[0], "images": len(rows), "lesions": lesions,
        "patients": len({row.subject_id for row in rows}), "smallest_px": SMALLEST_PX,
        "main_level": MAIN_LEVEL, "machine": machine(), "figures": figures,
    }  # fmt: skip
    write_json(arguments.out / "result.json", result)
    page = readme(result, arguments)
    write_text(arguments.out / "README.md", page)
    print(page)


def true_boxes(data: Path, rows: list) -> BoxList:
    """Return the boxes around the parts of the masks."""
    from gyrus.metrics.detection import boxes_from_mask

    boxes, images = [], []
    for row in rows:
        mask = np.asarray(Image.open(data / "masks" / f"{Path(row.image_id).stem}.png"))
        height, width = mask.shape
        images.append(Listed(row.image_id, (Path(row.image_id).stem,), width, height, row.subject_id))
        boxes += [
            Marked(row.image_id, "", tuple(box.tolist()), None, row.image_id)
            for box in boxes_from_mask(mask, min_area_px=SMALLEST_PX)
        ]
    return BoxList(data / "masks", "masks", tuple(boxes), tuple(images))


def heat_maps(rows: list, data: Path, bundle_of) -> list[tuple[str, np.ndarray, float, int, int]]:
    """Return image, map of the most probable class, its probability, height and width, of every slice."""
    of_fold = defaultdict(list)
    for row in rows:
        of_fold[row.fold].append(row)
    found, predictors = [], {}
    for fold, members in sorted(of_fold.items()):
        path = bundle_of(fold)
        predictors.setdefault(path, None)
        predictor = predictors[path] = predictors[path] or Predictor.load(path)
        answers = predictor.stream([data / row.image_id for row in members])
        for row, answer in zip(members, answers, strict=True):
            number = answer.classes.index(answer.top)
            heat = np.asarray(answer.placement.over_image(answer.maps[number]))
            found.append(
                (row.image_id, heat, float(answer.probabilities[number]), answer.height_px, answer.width_px)
            )
    return found


def from_segmenter(rows: list, data: Path, folder: Path) -> dict[str, BoxList]:
    """Return the boxes around the drawn masks, and around what is faintly marked, of every slice."""
    fold_of = {row.image_id: row.fold for row in read_manifest(folder / "manifest.csv")}
    drawn, faint, predictors = [], [], {}
    for row in sorted(rows, key=lambda row: fold_of[row.image_id]):
        fold = fold_of[row.image_id]
        if fold not in predictors:
            predictors[fold] = MaskPredictor.load(folder / f"fold-{fold}" / "model.gyrus")
        segmented = next(iter(predictors[fold].stream([data / row.image_id]))).segmentation
        heat = segmented.probabilities[0]
        for boxes, kept, level in ((drawn, heat * (segmented.mask > 0), 1e-6), (faint, heat, FAINT)):
            for box, peak in zip(*boxes_from_heat(kept, level), strict=True):
                boxes.append(Marked(row.image_id, "", tuple(box.tolist()), float(peak), row.image_id))
    return {
        SEGMENTER: BoxList(folder, "CSV", tuple(drawn)),
        f"segmenter's probability from {FAINT:g} on, out of fold": BoxList(folder, "CSV", tuple(faint)),
    }


def from_maps(maps: list, level: float) -> BoxList:
    """Return the boxes around what lies above a share of each map's highest value."""
    boxes = []
    for image, heat, probability, height, width in maps:
        top = float(heat.max())
        if top <= 0:
            continue
        grown = stretched(np.maximum(heat, 0) / np.float32(top), height_px=height, width_px=width)
        for box, peak in zip(*boxes_from_heat(grown, level, relative=True), strict=True):
            boxes.append(Marked(image, "", tuple(box.tolist()), probability * float(peak), image))
    return BoxList(Path("heat-maps"), "CSV", tuple(boxes))


def by_other_folds(rows: list, truth: BoxList) -> dict[str, np.ndarray]:
    """Return for every slice the mean corners of the boxes in the other folds."""
    fold_of = {row.image_id: row.fold for row in rows}
    corners = np.array([box.corners for box in truth.boxes])
    folds = np.array([fold_of[box.image] for box in truth.boxes])
    mean = {fold: corners[folds != fold].mean(axis=0) for fold in np.unique(folds)}
    return {row.image_id: mean[row.fold] for row in rows}


def mean_boxes(rows: list, truth: BoxList) -> BoxList:
    """Return for every slice the mean of the boxes in the other folds."""
    boxes = [
        Marked(name, "", tuple(mean.tolist()), 0.5, name)
        for name, mean in by_other_folds(rows, truth).items()
    ]
    return BoxList(Path("mean"), "CSV", tuple(boxes))


def peak_boxes(maps: list, rows: list, truth: BoxList) -> BoxList:
    """Return a box of the other folds' mean size around the highest place of each map."""
    means, boxes = by_other_folds(rows, truth), []
    for image, heat, probability, height, width in maps:
        grown = stretched(np.maximum(heat, 0) / max(heat.max(), 1e-9), height_px=height, width_px=width)
        y, x = np.unravel_index(int(grown.argmax()), grown.shape)
        half = (means[image][2:] - means[image][:2]) / 2
        low, high = np.array([x, y]) + 0.5 - half, np.array([x, y]) + 0.5 + half
        corners = np.clip([*low, *high], 0, [width, height, width, height])
        boxes.append(Marked(image, "", tuple(corners.tolist()), probability, image))
    return BoxList(Path("peaks"), "CSV", tuple(boxes))


def middle_boxes(rows: list, truth: BoxList) -> BoxList:
    """Return for every slice a box of the mean size in the middle of the image."""
    corners = np.array([box.corners for box in truth.boxes])
    half = (corners[:, 2:] - corners[:, :2]).mean(axis=0) / 2
    size = {image.image_id: np.array([image.width_px, image.height_px]) / 2 for image in truth.images}
    boxes = [
        Marked(name, "", (*(middle - half).tolist(), *(middle + half).tolist()), 0.5, name)
        for name, middle in size.items()
    ]
    return BoxList(Path("middle"), "CSV", tuple(boxes))


def measured(found: BoxList, truth: BoxList, samples: int) -> dict:
    """Return all figures of ``gyrus froc``."""
    joined = join_boxes(found, truth, any_class=True)
    how = Measuring(
        thresholds=THRESHOLDS, criterion="iou", duplicates="ignore", bootstrap_samples=samples,
        confidence=0.95, seed=0,
    )  # fmt: skip
    by_overlap = evaluate_detections(joined.cohort, joined.classes, how)
    centre = evaluate_detections(
        joined.cohort, joined.classes,
        Measuring(thresholds=THRESHOLDS, criterion="centre", duplicates="ignore", bootstrap_samples=samples,
                  confidence=0.95, seed=0),
    )  # fmt: skip
    for block in (
        *by_overlap["thresholds"],
        *centre["thresholds"],
    ):  # found.csv and truth.csv give them again
        del block["froc"]["curve"], block["froc"]["band"], block["precision_recall"]
    return {**by_overlap, "centre": centre["thresholds"][0]}


def write_boxes(boxes: BoxList, path: Path) -> None:
    """Write boxes as a table that ``gyrus froc`` reads."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        marks = defaultdict(list)
        for box in boxes.boxes:
            marks[box.image].append(box)
        if boxes.images:
            writer.writerow(["image_id", "subject_id", "width_px", "height_px", "x0", "y0", "x1", "y1"])
            for image in boxes.images:
                facts = [image.image_id, image.subject_id, image.width_px, image.height_px]
                corners = [box.corners for box in marks[image.image_id]] or [("", "", "", "")]
                writer.writerows([*facts, *(short(value) for value in four)] for four in corners)
        else:
            writer.writerow(["image_id", "x0", "y0", "x1", "y1", "score"])
            writer.writerows(
                [box.image, *(short(value) for value in box.corners), f"{box.score:.5f}"]
                for box in boxes.boxes
            )


def short(value) -> str:
    """Return a number without needless digits."""
    return value if isinstance(value, str) else f"{value:.6g}"


def readme(result: dict, arguments: argparse.Namespace) -> str:
    """Return the page for people."""
    lines = [
        "# Heat maps and masks as detectors on Cheng", "",
        f"    python benchmarks/detection_cheng.py --out {arguments.out.as_posix()}", "",
        f"{result['lesions']} tumour boxes (connected parts of the masks of at least {result['smallest_px']} "
        f"pixels) in {result['images']} slices of {result['patients']} patients. Every slice has a tumour: "
        "what a detector does on healthy slices is not seen here. Found at 1: share of the tumours found at "
        "one false alarm a slice; in brackets 95 % intervals over patients. The level is the share of a "
        "map's highest value from which on a pixel belongs to a box; "
        f"{result['main_level']:g} was set beforehand, the others are shown beside it. The networks were "
        "trained on classes of slices alone; no box and no mask was shown to them, but for the segmenter's, "
        "which were trained on masks. Rows out of fold: no slice of the patient was trained on.", "",
        "| detector | boxes | found at 1, IoU 0.1 | IoU 0.3 | IoU 0.5 | centre inside | FROC score, "
        "IoU 0.3 | AP, IoU 0.5 | mAP |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, of in result["figures"].items():
        at = [
            short_figure(block["froc"]["at"][3]["sensitivity"]) for block in (*of["thresholds"], of["centre"])
        ]
        middle, last = of["thresholds"][1], of["thresholds"][2]
        rest = (middle["froc"]["score"], last["average_precision"], of["coco"]["mean_average_precision"])
        cells = [name, str(of["predicted_boxes"]), *at, *(short_figure(figure) for figure in rest)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        *conclusion(result),
        "",
        "`gyrus froc found.csv truth.csv --any-class` gives the row of the level "
        f"{result['main_level']:g} from the files here, `found-segmenter.csv` that of the segmenter.",
        "",
    ]
    return "\n".join(lines)


def conclusion(result: dict) -> list[str]:
    """Return what the table says about maps against a box that looks at no image."""
    found = {
        name: of["thresholds"][1]["froc"]["at"][3]["sensitivity"] for name, of in result["figures"].items()
    }
    main = found[f"heat map, out of fold, level {result['main_level']:g}"]
    blind = found[BLIND]
    levels = {name: figure for name, figure in found.items() if name.startswith("heat map, out of fold")}
    best = max(levels, key=lambda name: levels[name]["value"])
    told = []
    if SEGMENTER in found:
        told.append(
            "A segmenter, which was shown the masks of other patients, finds "
            f"{short_figure(found[SEGMENTER])} %."
        )
    return [
        f"At IoU 0.3 the level set beforehand finds {short_figure(main)} %, the {BLIND}, which looks at no "
        f"image, {short_figure(blind)} %, the best of the levels ({best.rpartition(' ')[2]}, chosen on these "
        f"very slices) {short_figure(levels[best])} %.",
        *told,
    ]


if __name__ == "__main__":
    main()
