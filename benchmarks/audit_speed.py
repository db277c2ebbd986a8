"""Claim: gyrus audits at 1.8 times the rate of imagededup's pHash, and at 75 % of decoding alone.

    pip install --no-deps --target OPPONENT imagededup PyWavelets
    python benchmarks/audit_speed.py --opponent OPPONENT --data ../shared/data

Three sides on the same files in one run, each in processes of its own, in turns:

- ``gyrus``: the scan with an empty cache: reading, three hashes, the look, nuisance facts of every image;
- ``gyrus audit``: the whole verb with an empty cache, from the folder to the findings (also the search for
  pairs in eight orientations, recovered patients, shortcuts);
- ``imagededup``: ``PHash.encode_images``, its own decoding included; no search;
- ``decode``: Pillow opens and decodes every file, nothing else.

Once on one core with one worker, once on two with two. Imports are not counted. Medians over the rounds.
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
from concurrent.futures import ProcessPoolExecutor
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


def run_scan(data: Path, name: str, workers: int) -> float:
    from gyrus.config import DataOptions
    from gyrus.config.build import build
    from gyrus.data import load, scan

    manifest = load(data / name, build(DataOptions, **options_of(data, name))).manifest
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        scan(manifest, cache_dir=Path(cache), progress=False)
        return time.perf_counter() - start


def run_audit(data: Path, name: str, workers: int) -> float:
    from gyrus.config import AuditConfig
    from gyrus.config.build import build
    from gyrus.verbs.audit import run

    with tempfile.TemporaryDirectory() as cache:
        config = build(AuditConfig, source=data / name, cache_dir=cache, **options_of(data, name))
        start = time.perf_counter()
        result = run(config)
        seconds = time.perf_counter() - start
    if result.audit.verdict not in ("clean", "leaking", "unknowable"):
        raise RuntimeError("no verdict")
    return seconds


def run_imagededup(data: Path, name: str, workers: int) -> float:
    from imagededup.methods import PHash

    start = time.perf_counter()
    PHash(verbose=False).encode_images(
        str(data / SETS[name]), recursive=True, num_enc_workers=0 if workers == 1 else workers
    )
    return time.perf_counter() - start


def decode(path: Path) -> int:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
        return picture.width


def run_decode(data: Path, name: str, workers: int) -> float:
    files = files_of(data, name)
    decode(files[0])
    if workers == 1:
        start = time.perf_counter()
        for path in files:
            decode(path)
        return time.perf_counter() - start
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(decode, files[:8]))
        start = time.perf_counter()
        for _ in pool.map(decode, files, chunksize=32):
            pass
        return time.perf_counter() - start


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
    importlib.import_module(
        {"imagededup": "imagededup.methods", "decode": "PIL.Image"}.get(side, "gyrus.verbs.audit")
    )
    before = cpu_seconds()
    seconds = RUN[side](data, name, workers)
    cpu = cpu_seconds() - before
    print(json.dumps({"side": side, "set": name, "workers": workers, "seconds": seconds, "cpu_s": cpu,
                      "images": len(files_of(data, name))}))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--opponent", help="folder that imagededup was installed into")
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

    sides = SIDES if arguments.opponent else tuple(side for side in SIDES if side != "imagededup")
    raw = []
    for _ in range(ROUNDS):
        for workers in (1, 2):
            for name in SETS:
                for side in sides:
                    raw.append(measured(side, arguments, name, workers))
                    print(raw[-1], flush=True)
    summary = [summarise(raw, name, workers) for name in SETS for workers in (1, 2)]
    for row in summary:
        print(row)
    folder = Path(__file__).parent / "results" / "2026-11-20_audit_speed"
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        **environment(),
        "command": ["python", "benchmarks/audit_speed.py", "--opponent", "OPPONENT"],
    }
    (folder / "result.json").write_text(
        json.dumps({"summary": summary, "raw": raw, "environment": described}, indent=1) + "\n"
    )


def measured(side: str, arguments: argparse.Namespace, name: str, workers: int) -> dict:
    variables = {**os.environ, "OMP_NUM_THREADS": str(workers), "OPENBLAS_NUM_THREADS": str(workers)}
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
