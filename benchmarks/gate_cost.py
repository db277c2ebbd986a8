"""Claim: gate and decision together add less than 15 % to the time of a prediction.

    python benchmarks/gate_cost.py BUNDLE [--out benchmarks/results/DATE_gate_cost]

BUNDLE: with a gate and a decision. The same images are answered by the bundle as it is, and by one that lacks
gate, calibration, sets and thresholds, in turns; the ratio is that of each turn's pair. Images are phantom
slices as PNG files of 256 x 256: in batches as `gyrus predict` makes them, and one by one.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from keeping import Kept, default_folder, told_machine

from gyrus.bundles import rewrite_bundle
from gyrus.bundles.members import GATE
from gyrus.inference import Predictor
from gyrus.phantom import Phantom, write_cohort

TURNS = 40
IMAGES = 48
_NOTHING = {"gate": None, "calibration": None, "conformal": None, "operating_points": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, default=default_folder("gate_cost"))
    parser.add_argument("--threads", type=int, default=None)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    whole = Predictor.load(given.bundle, given.threads)
    settings = {
        "model": whole.model_digest,
        "gate": whole.card["gate"],
        "threads": whole.threads,
        "turns": TURNS,
    }
    kept = Kept(given.out, __doc__.splitlines()[0], settings)
    with tempfile.TemporaryDirectory() as folder:
        bare_path = Path(folder) / "bare.gyrus"
        rewrite_bundle(given.bundle, to=bare_path, members={GATE: None}, **_NOTHING)
        bare = Predictor.load(bare_path, given.threads)
        write_cohort(Path(folder) / "images", Phantom(subjects=IMAGES, slices_per_subject=1, image_size=256))
        files = sorted((Path(folder) / "images").rglob("*.png"))[:IMAGES]
        kept.once("batches", lambda: compared(bare, whole, files, batch_size=4))
        kept.once("single images", lambda: compared(bare, whole, files, batch_size=1))
    summary = {name: run["added"] for name, run in kept.runs.items()}
    lines = [
        f"| {name} | {1e3 * run['bare_s']:.2f} | {1e3 * run['whole_s']:.2f} | {100 * run['added']:.1f} % "
        f"[{100 * run['low']:.1f}, {100 * run['high']:.1f}] |"
        for name, run in kept.runs.items()
    ]
    readme = [
        "# What gate and decision cost", "", told_machine(kept), "",
        "Milliseconds an image, medians of the turns; in brackets the central half of the turns' ratios.", "",
        "| | without | with | added |", "|---|---|---|---|", *lines, "",
    ]  # fmt: skip
    kept.conclude(summary, "\n".join(readme))


def compared(bare: Predictor, whole: Predictor, files: list[Path], *, batch_size: int) -> dict:
    """Return seconds an image of both, turn about, and what the second adds."""
    sides = (bare, whole)
    times = np.zeros((TURNS, 2))
    for predictor in sides:
        seconds(predictor, files, batch_size)
    for turn in range(TURNS):
        for side in (0, 1) if turn % 2 else (1, 0):
            times[turn, side] = seconds(sides[side], files, batch_size) / len(files)
    added = times[:, 1] / times[:, 0] - 1.0
    low, high = np.quantile(added, [0.25, 0.75])
    return {
        "bare_s": float(np.median(times[:, 0])), "whole_s": float(np.median(times[:, 1])),
        "added": float(np.median(added)), "low": float(low), "high": float(high), "times": times.tolist(),
    }  # fmt: skip


def seconds(predictor: Predictor, files: list[Path], batch_size: int) -> float:
    """Return the wall time of answering all files."""
    began = time.perf_counter()
    if batch_size == 1:
        for file in files:
            predictor.predict([file])
    else:
        predictor.predict(files, batch_size)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
