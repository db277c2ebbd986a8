"""Claim: the readers for DICOM and NIfTI leave the rate of PNG and JPEG as it was (at most 15 % less).

    git archive 558e3cb src | tar x -C BEFORE    # the commit before the readers
    python benchmarks/scan_rate.py BEFORE --out benchmarks/results/DATE_scan_rate

Scans Sartaj's 3264 JPEG files with an empty cache, on one core, by this source and by that of the folder
BEFORE, in processes of their own, in turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from keeping import PROJECT, SHARED, Kept, default_folder, told_machine

ONE_SCAN = """
import json, sys, tempfile, time
from pathlib import Path
from gyrus.config import DataOptions
from gyrus.data import load, scan
manifest = load(Path(sys.argv[1]), DataOptions()).manifest
with tempfile.TemporaryDirectory() as cache:
    wall, processor = time.perf_counter(), time.process_time()
    scan(manifest, cache_dir=Path(cache))
    print(json.dumps([time.perf_counter() - wall, time.process_time() - processor, len(manifest)]))
"""


def main() -> None:
    """Scan in turns, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "sartaj")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path, default=default_folder("scan_rate"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = Kept(arguments.out, "the scan's rate before and after the readers", {})
    sides = {"before": arguments.before / "src", "after": PROJECT / "src"}
    for turn in range(arguments.turns):
        for side, source in sides.items():
            kept.once(f"{side} {turn}", lambda source=source: scanned(source, arguments.data))
    medians = {
        side: statistics.median(run["wall_s"] for key, run in kept.runs.items() if key.startswith(side))
        for side in sides
    }
    images = kept.runs["after 0"]["images"]
    lines = [
        "# The scan of JPEG files before and after the readers for DICOM and NIfTI", "",
        "```", "python benchmarks/scan_rate.py BEFORE", "```", "", told_machine(kept), "",
        *(f"- {side}: {seconds:.2f} s for {images} files, {images / seconds:,.0f} a second (median of "
          f"{arguments.turns}, one core)" for side, seconds in medians.items()), "",
    ]  # fmt: skip
    kept.conclude(
        {"median_s": medians, "after_to_before": medians["after"] / medians["before"]}, "\n".join(lines)
    )


def scanned(source: Path, data: Path) -> dict:
    """Scan once, in a process of its own."""
    done = subprocess.run(
        ["taskset", "-c", "0", sys.executable, "-c", ONE_SCAN, str(data.resolve())],
        env={**os.environ, "PYTHONPATH": str(source.resolve()), "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wall, processor, images = json.loads(done.stdout)
    return {"wall_s": wall, "processor_s": processor, "images": images}


if __name__ == "__main__":
    main()
