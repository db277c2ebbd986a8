"""What the two benchmarks of masks on Cheng share: a training and its figures, kept small enough to commit.

Not a benchmark: run by itself it does nothing.
"""

import csv
import gzip
import io
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
from keeping import MOBILENET, SHARED, epochs_of, gyrus, in_percent
from PIL import Image

from gyrus.evaluation.mask_predictions import read_mask_predictions

CHENG = SHARED / "data" / "cheng"
ENCODER = "unet-mobilenetv2_100"
DATA_OPTIONS = [
    CHENG, "--task", "segment", "--masks", CHENG / "masks", "--subjects", CHENG / "patients.csv",
    "--on", "file_number", "--subject-column", "patient_base_id", "--label-column", "class",
]  # fmt: skip
DISTANCES = (
    "Distances in pixels of 256; the mean HD95 leaves slices out in which nothing was drawn, the median "
    "(after the semicolon) counts them as infinite."
)
CASE_COLUMNS = (
    "true_px", "predicted_px", "both_px", "dice", "iou", "hd95", "average_distance", "surface_dice",
)  # fmt: skip


def network_options(architecture: str) -> list:
    """Return the options of a network; encoders of the shared weights' kind start with these."""
    given = ["--weights", MOBILENET] if architecture.endswith("-mobilenetv2_100") else []
    return ["--architecture", architecture, *given]


def train_once(architecture: str, options: str, run: Path) -> dict:
    """Train on all folds but 0, measure on fold 0; return time, epochs and the tested figures."""
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    ended = gyrus(
        "train", *DATA_OPTIONS, *network_options(architecture), *shlex.split(options), "--fold", 0, "--test",
        "--out", run, log=run.with_suffix(".log"),
    )  # fmt: skip
    evaluation = json.loads((run / "predictions" / "evaluation-test.json").read_text())
    return {
        "architecture": architecture, "options": options, "seconds": ended.seconds,
        "processor_s": ended.processor_s, "peak_mib": ended.peak_mib,
        "timings": json.loads((run / "timings.json").read_text()), "epochs": epochs_of(run),
        "figures": without_cases(evaluation),
    }  # fmt: skip


def without_cases(evaluation: dict) -> dict:
    """Return an evaluation's figures without its lines of single images."""
    return {name: value for name, value in evaluation.items() if name not in ("cases", "shown")}


def write_cases(evaluation: dict, path: Path) -> None:
    """Write the figures of each image as a table: what every interval and comparison is made of."""
    cases = evaluation["cases"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image_id", "subject_id", "fold", *CASE_COLUMNS])
        for number, image_id in enumerate(cases["image_id"]):
            told = [image_id, cases["subject_id"][number], cases["fold"][number]]
            writer.writerow([*told, *(_short(cases[name][number][0]) for name in CASE_COLUMNS)])


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def write_masks(predictions: Path, path: Path) -> None:
    """Write the drawn masks as run lengths: row by row, first background, then marked, and so on."""
    drawn = read_mask_predictions(predictions)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_id", "height", "width", "runs"])
    for image_id, file in zip(drawn.image_ids, drawn.masks, strict=True):
        with Image.open(file) as opened:
            mask = np.asarray(opened) > 0
        writer.writerow([image_id, *mask.shape, " ".join(map(str, run_lengths(mask.ravel())))])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def run_lengths(marked: np.ndarray) -> list[int]:
    """Return the lengths of the runs of equal values, the first of which is unmarked (it may be 0)."""
    changes = np.flatnonzero(np.diff(marked.astype(np.int8))) + 1
    bounds = np.concatenate([[0], changes, [marked.size]])
    lengths = np.diff(bounds).tolist()
    return [0, *lengths] if marked[0] else lengths


def lesion(figures: dict) -> dict:
    """Return the block of the only class."""
    return figures["per_class"]["lesion"]


def cells(figures: dict) -> list[str]:
    """Return Dice, IoU, HD95 with its median, and missed images of the tested images, as cells of a table."""
    block = lesion(figures)
    distance, median = block["hd95"], block["hd95_median"]
    middle = "infinite" if median is None else f"{median:.1f}"
    return [
        in_percent(block["dice"]), in_percent(block["iou"]),
        f"{distance['value']:.1f} ({distance['low']:.1f} to {distance['high']:.1f}); {middle}",
        f"{block['images']['missed']} of {block['images']['present']}",
    ]  # fmt: skip


def recall_by_size(figures: dict) -> list[str]:
    """Return the share of tumours found in each quarter of sizes, smallest first, as cells of a table."""
    return [in_percent(one["found"]) for one in lesion(figures)["by_object_size"]]


def size_heads(figures: dict) -> list[str]:
    """Return the quarters of sizes as heads of columns."""
    return [f"{one['low']:.0f} to {one['high']:.0f} px" for one in lesion(figures)["by_object_size"]]


def table(rows: list[list[str]]) -> list[str]:
    """Return a Markdown table; its first row is the head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]
