"""Claim: the pairs that look alike among 100,000 images, over 8 orientations, in under 2 minutes.

    python benchmarks/pair_search.py

Draws phantom subjects at 64 px (five slices each), plants a thousand mirrored and turned copies, and searches
10,000, 30,000 and 100,000 of them, each in a process of its own on one core. Reports seconds, peak memory,
candidates, pairs, and the recall of the planted copies. The looks are drawn once, into a temporary file.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

SIZES = (10_000, 30_000, 100_000)
COPIES = 1000
SLICES = 5
CHUNK = 200  # subjects drawn by one task
ROUNDS = 3

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402 - after the number of threads is set

from gyrus.imaging.look import look, orient  # noqa: E402


def draw(first: int) -> np.ndarray:
    """Return the looks of subjects ``first`` to ``first + CHUNK``."""
    from gyrus.phantom import Phantom, generate_subject

    phantom = Phantom(subjects=10**6, slices_per_subject=SLICES, image_size=64, seed=1)
    return np.stack(
        [look(s.pixels) for n in range(first, first + CHUNK) for s in generate_subject(phantom, n)]
    )


def planted(path: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``size`` looks of which the last are moved copies, and the originals of those."""
    looks = np.load(path, mmap_mode="r")[:size].copy()
    rng = np.random.default_rng(size)
    originals = rng.choice(size - COPIES, COPIES, replace=False)
    for place, original in enumerate(originals):
        looks[size - COPIES + place] = orient(looks[original], int(rng.integers(1, 8)))
    return looks, originals


def search(path: Path, size: int) -> dict:
    """Search once and return what it took; runs in a process of its own."""
    from gyrus.auditing.pair_search import CANDIDATE_CORRELATION, candidates, find_pairs
    from gyrus.imaging.look import sharpen, spectrum

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    looks, originals = planted(path, size)
    start = time.perf_counter()
    pairs = find_pairs(looks, min_correlation=0.9675)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    hits = sum((int(original), size - COPIES + place) in found for place, original in enumerate(originals))
    # the candidates alone once more, to say where the time goes
    start = time.perf_counter()
    first, _ = candidates(sharpen(spectrum(looks)), None, CANDIDATE_CORRELATION)
    return {
        "images": size, "seconds": seconds, "peak_mib": peak, "pairs": len(pairs), "candidates": len(first),
        "search_s": time.perf_counter() - start, "recall_of_planted": hits / COPIES,
    }  # fmt: skip


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--search":
        print(json.dumps(search(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    from threadpoolctl import threadpool_info

    from gyrus.runs import environment

    path = Path(tempfile.gettempdir()) / f"gyrus-looks-{SIZES[-1]}.npy"
    if not path.exists():
        with ProcessPoolExecutor() as pool:
            chunks = list(pool.map(draw, range(0, SIZES[-1] // SLICES, CHUNK)))
        np.save(path, np.concatenate(chunks))
    raw = []
    for _ in range(ROUNDS):
        for size in SIZES:
            command = [sys.executable, __file__, "--search", str(path), str(size)]
            raw.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            print(raw[-1], flush=True)
    medians = {
        str(size): {
            name: float(np.median([run[name] for run in raw if run["images"] == size])) for name in raw[0]
        }
        for size in SIZES
    }
    result = {"medians": medians, "raw": raw, "blas": threadpool_info(), "environment": environment()}
    for library in result["blas"]:
        library.pop("filepath", None)  # a path of the machine
    folder = Path(__file__).parent / "results" / "2026-11-20_pair_search"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
