"""Claim: gyrus audits at 1.8 times the rate of imagededup's pHash, and at 75 % of decoding alone.

    pip install --no-deps --target OPPONENT imagededup PyWavelets
    python benchmarks/audit_speed.py --opponent OPPONENT --data ../shared/data

Three sides on the same files in one run, each in processes of its own, in turns:

- ``gyrus``: the scan with an empty cache: reading, three hashes, the look, nuisance facts of every image;
- ``gyrus audit``: the whole verb with an empty cache, from the folder to the findings (also the search for
  pairs in eight orientations, recovered patients, shortcuts);
- ``imagededup``: ``PHash.encode_images``, its own decoding included; no search;
- ``decode``: Pillow opens and decodes every file, nothing else: not even the copy into an array.

Once on one core with one worker, once on two with two. Imports are not counted, nor is the start of the
processes that ``decode`` uses; that of gyrus' and imagededup's is. Medians over the rounds. ``--real-time``
(root) keeps other work off the cores while a side runs: without it two workers cannot be compared by the
clock on a machine that is shared. imagededup is left out then: that scheduling halves the rate of its pool.

``steps`` then times each step of the scan by itself, on one core: what it is made of, and what of it no
change to gyrus can spare.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 3
SIDES = ("gyrus", "gyrus audit", "imagededup", "decode")
SETS = {"cheng": "cheng/images", "sartaj": "sartaj"}
LABELS = {
    "cheng": {"subjects": "cheng/patients.csv", "on": "file_number", "subject_column": "patient_base_id",
              "label_column": "class"},
    "sartaj": {},
}  # fmt: skip


def options_of(data: Path, name: str) -> dict:
    return {key: data / value if key == "subjects" else value for key, value in LABELS[name].items()}


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Fill in seconds by the clock and processor time, of this process and its finished children."""
    took: dict[str, float] = {}
    before, start = cpu_seconds(), time.perf_counter()
    yield took
    took["seconds"] = took.get("seconds", time.perf_counter() - start)
    took["cpu_s"] = cpu_seconds() - before


def run_scan(data: Path, name: str, workers: int) -> dict[str, float]:
    from gyrus.config import DataOptions
    from gyrus.config.build import build
    from gyrus.data import load, scan

    manifest = load(data / name, build(DataOptions, **options_of(data, name))).manifest
    with tempfile.TemporaryDirectory() as cache, timed() as took:
        scan(manifest, cache_dir=Path(cache), progress=False)
    return took


def run_audit(data: Path, name: str, workers: int) -> dict[str, float]:
    from gyrus.config import AuditConfig
    from gyrus.config.build import build
    from gyrus.verbs.audit import run

    with tempfile.TemporaryDirectory() as cache:
        config = build(AuditConfig, source=data / name, cache_dir=cache, **options_of(data, name))
        with timed() as took:
            result = run(config)
    if result.audit.verdict not in ("clean", "leaking", "unknowable"):
        raise RuntimeError("no verdict")
    return took


def run_imagededup(data: Path, name: str, workers: int) -> dict[str, float]:
    from imagededup.methods import PHash

    with timed() as took:
        PHash(verbose=False).encode_images(
            str(data / SETS[name]), recursive=True, num_enc_workers=0 if workers == 1 else workers
        )
    return took


def decode(path: Path) -> int:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
        return picture.width


def run_decode(data: Path, name: str, workers: int) -> dict[str, float]:
    files = files_of(data, name)
    decode(files[0])
    with timed() as took:
        if workers == 1:
            for path in files:
                decode(path)
            return took
        with ProcessPoolExecutor(workers) as pool:
            list(pool.map(decode, files[:8]))
            start = time.perf_counter()
            for _ in pool.map(decode, files, chunksize=32):
                pass
            took["seconds"] = time.perf_counter() - start
    return took


def steps(data: Path, name: str) -> dict[str, float]:
    """Return milliseconds of processor time an image, of each step by itself; medians of five passes."""
    import numpy as np

    from gyrus.imaging import byte_hash, pixel_hash
    from gyrus.imaging import decode as gyrus_decode
    from gyrus.imaging.decoding import quiet_pillow
    from gyrus.imaging.look import coarse, looks_of
    from gyrus.imaging.source import read_file
    from gyrus.imaging.traces import sample_of, traces_of_samples

    files = files_of(data, name)
    some = files[:: max(1, len(files) // 800)]
    with quiet_pillow:
        contents = [read_file(path) for path in some]
        decoded = [gyrus_decode(content, name="x") for content in contents]
        greys = [np.atleast_3d(one.pixels)[:, :, :1] for one in decoded]
        batches = [range(start, min(start + 64, len(some))) for start in range(0, len(some), 64)]
        work = {
            "decode by Pillow alone": lambda: map(decode, some),
            "read the file": lambda: map(read_file, some),
            "hash its bytes (SHA-256)": lambda: map(byte_hash, contents),
            "decode": lambda: (gyrus_decode(content, name="x") for content in contents),
            "hash its pixels (SHA-256)": lambda: (pixel_hash(one.pixels) for one in decoded),
            "look": lambda: (looks_of([coarse(greys[place]) for place in batch]) for batch in batches),
            "traces": lambda: (
                traces_of_samples([sample_of(contents[i], decoded[i], greys[i]) for i in batch])
                for batch in batches
            ),
        }
        found: dict[str, list[float]] = {what: [] for what in work}
        for _ in range(5):
            for what, call in work.items():
                start = time.process_time()
                deque(call(), maxlen=0)  # nothing is kept: memory is used again, as in the scan
                found[what].append((time.process_time() - start) / len(some) * 1000)
    return {what: round(statistics.median(numbers), 4) for what, numbers in found.items()}


def files_of(data: Path, name: str) -> list[Path]:
    return sorted(
        path for path in (data / SETS[name]).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    )


RUN = {"gyrus": run_scan, "gyrus audit": run_audit, "imagededup": run_imagededup, "decode": run_decode}


def cpu_seconds() -> float:
    """Return processor time of this process and its finished children; a busy neighbour changes it little."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def one(side: str, data: Path, name: str, workers: int) -> None:
    """Run one side once and print its seconds; in a process of its own."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:workers]))
    if os.environ.get("REAL_TIME"):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    importlib.import_module(
        {"imagededup": "imagededup.methods", "decode": "PIL.Image"}.get(side, "gyrus.verbs.audit")
    )
    if side == "steps":
        print(json.dumps({"set": name, "ms": steps(data, name)}))
        return
    took = RUN[side](data, name, workers)
    print(json.dumps({"side": side, "set": name, "workers": workers, **took,
                      "images": len(files_of(data, name))}))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--opponent", help="folder that imagededup was installed into")
    parser.add_argument("--real-time", action="store_true", help="keep other work off the cores (root)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        side, name, workers = arguments.one
        one(side, arguments.data, name, int(workers))
        return
    if not arguments.data.is_dir():
        print(f"skipped: no data at {arguments.data}")
        return
    from gyrus.runs import environment

    without = arguments.real_time or not arguments.opponent
    sides = tuple(side for side in SIDES if side != "imagededup") if without else SIDES
    raw = []
    for _ in range(ROUNDS):
        for workers in (1, 2):
            for name in SETS:
                for side in sides:
                    raw.append(measured(side, arguments, name, workers))
                    print(raw[-1], flush=True)
    by_step = {name: measured("steps", arguments, name, 1)["ms"] for name in SETS}
    print(by_step)
    summary = [summarise(raw, name, workers) for name in SETS for workers in (1, 2)]
    for row in summary:
        print(row)
    folder = Path(__file__).parent / "results" / "2026-11-20_audit_speed"
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        **environment(),
        "command": ["python", "benchmarks/audit_speed.py", "--opponent", "OPPONENT"]
        + ["--real-time"] * arguments.real_time,
    }
    (folder / ("result-real-time.json" if arguments.real_time else "result.json")).write_text(
        json.dumps({"summary": summary, "steps_ms": by_step, "raw": raw, "environment": described}, indent=1)
        + "\n"
    )


def measured(side: str, arguments: argparse.Namespace, name: str, workers: int) -> dict:
    variables = {**os.environ, "OMP_NUM_THREADS": str(workers), "OPENBLAS_NUM_THREADS": str(workers)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # as anywhere: modules are compiled once
    if arguments.real_time:
        variables["REAL_TIME"] = "1"
    if side == "imagededup":
        variables["PYTHONPATH"] = arguments.opponent + ":" + os.environ.get("PYTHONPATH", "")
    command = [sys.executable, __file__, "--data", str(arguments.data), "--one", side, name, str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def summarise(raw: list[dict], name: str, workers: int) -> dict:
    """Return images a second by the clock and by processor time, and how gyrus stands to the others."""
    row: dict = {"set": name, "workers": workers}
    for measure in ("seconds", "cpu_s"):
        rates = {}
        for side in SIDES:
            runs = [run for run in raw if (run["side"], run["set"], run["workers"]) == (side, name, workers)]
            if runs:
                rates[side] = runs[0]["images"] / statistics.median(run[measure] for run in runs)
        row[measure] = {
            "images_per_s": {side: round(rate, 1) for side, rate in rates.items()},
            "share_of_decoding": round(rates["gyrus"] / rates["decode"], 3),
        }
        if "imagededup" in rates:
            row[measure]["times_imagededup"] = round(rates["gyrus"] / rates["imagededup"], 2)
    return row


if __name__ == "__main__":
    main()
