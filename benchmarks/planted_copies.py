"""Claim: of planted copies at least 99 % are found (cropped ones apart), and no two patients are accused.

    python benchmarks/planted_copies.py [--data ../shared/data]

Into a phantom cohort and into the Cheng set (3064 slices of 209 patients, grouped by patient) copies of each
kind below are planted as files, each of another image. Then the set is scanned and related as `gyrus audit`
does it, once with the patients known (a copy gets a patient number of its own, as where numbers are wrong)
and once with none known. A copy is found when it stands in one group of look-alikes with its original. An
accusation is a pair in one group whose true patients differ. In the Cheng set the recovered patients are not
counted as help: groups alone count.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gyrus.auditing import relate
from gyrus.config import DataOptions
from gyrus.data import Manifest, Row, load, scan
from gyrus.metrics.intervals import wilson_interval
from gyrus.phantom import Phantom, write_cohort

PER_KIND = 300
SUBJECTS, SLICES = 600, 5
SEED = 0
WANTED = 0.99
APART = frozenset({"cropped by 5 %"})

Turn = Image.Transpose
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def move(*ways: Turn) -> Change:
    return lambda image, rng: image.transpose(ways[int(rng.integers(len(ways)))])


def half(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    size = (max(1, image.width // 2), max(1, image.height // 2))
    return image.resize(size, filters[int(rng.integers(len(filters)))])


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut 5 % of each side's length away, at random between the two ends, and enlarge to the former size."""
    width, height = round(0.95 * image.width), round(0.95 * image.height)
    left, top = (int(rng.integers(0, rest + 1)) for rest in (image.width - width, image.height - height))
    return image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.BICUBIC)


def unchanged(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image


MIRRORED = move(Turn.FLIP_LEFT_RIGHT, Turn.FLIP_TOP_BOTTOM)
KINDS: dict[str, tuple[Change, dict]] = {  # the change, and how the copy is stored
    "mirrored": (MIRRORED, {"format": "PNG"}),
    "turned": (move(Turn.ROTATE_90, Turn.ROTATE_180, Turn.ROTATE_270), {"format": "PNG"}),
    "JPEG of quality 60": (unchanged, {"format": "JPEG", "quality": 60}),
    "half the size": (half, {"format": "PNG"}),
    "contrast x 0.8 + 15": (lambda image, _: image.point(lambda value: value * 0.8 + 15), {"format": "PNG"}),
    "gamma 0.85": (
        lambda image, _: image.point(lambda value: 255 * (value / 255) ** 0.85), {"format": "PNG"},
    ),
    "mirrored, half, JPEG 60": (
        lambda image, rng: MIRRORED(half(image, rng), rng), {"format": "JPEG", "quality": 60},
    ),
    "cropped by 5 %": (cropped, {"format": "PNG"}),
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A set with copies: its manifest, and for each copy its kind and the image it is of."""

    manifest: Manifest
    kind_of: dict[str, str]
    original_of: dict[str, str]
    patient_of: dict[str, str]


def plant(manifest: Manifest, folder: Path, per_kind: int, seed: int) -> Planted:
    """Write ``per_kind`` copies of each kind into ``folder``, each of another image."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(manifest))
    if per_kind * len(KINDS) > len(order):
        raise SystemExit(f"{len(order)} images are too few for {per_kind} copies of {len(KINDS)} kinds")
    rows = [row.with_(path=str(manifest.file_of(row).resolve())) for row in manifest]
    kind_of: dict[str, str] = {}
    original_of: dict[str, str] = {}
    for number, kind in enumerate(kind for kind in KINDS for _ in range(per_kind)):
        original = rows[order[number]]
        change, stored = KINDS[kind]
        with Image.open(original.path) as image:
            copy = change(image.convert("L"), rng)
        name = f"copy{number:05d}"
        buffer = io.BytesIO()
        copy.save(buffer, **stored)
        path = folder / name
        path.write_bytes(buffer.getvalue())
        rows.append(Row(name, str(path), label=original.label, subject_id=f"new{number}"))
        kind_of[name], original_of[name] = kind, original.image_id
    patient_of = {row.image_id: row.subject_id for row in manifest}
    patient_of |= {name: patient_of[original] for name, original in original_of.items()}
    return Planted(Manifest(tuple(rows), folder), kind_of, original_of, patient_of)


def measure(planted: Planted, cache: Path, *, patients_known: bool) -> dict:
    """Scan and relate the set; count what was found and who was accused."""
    manifest = planted.manifest
    if not patients_known:
        manifest = manifest.with_rows(row.with_(subject_id="") for row in manifest)
    start = time.perf_counter()
    scanned = scan(manifest, cache_dir=cache, progress=False)
    middle = time.perf_counter()
    related = relate(scanned.manifest, scanned.looks)
    end = time.perf_counter()
    group_of = {row.image_id: row.copy_group for row in related.manifest}
    found = dict.fromkeys(KINDS, 0)
    for name, kind in planted.kind_of.items():
        found[kind] += bool(group_of[name]) and group_of[name] == group_of[planted.original_of[name]]
    members: dict[str, list[str]] = {}
    for name, group in group_of.items():
        if group:
            members.setdefault(group, []).append(name)
    accused = sorted(
        [one, other]
        for names in members.values()
        for place, one in enumerate(names)
        for other in names[:place]
        if planted.patient_of[one] != planted.patient_of[other]
    )
    total = len(planted.kind_of) // len(KINDS)
    return {
        "patients_known": patients_known,
        "images": len(manifest),
        "threshold": related.look_alikes.threshold.value,
        "threshold_reason": related.look_alikes.threshold.reason,
        "planted_per_kind": total,
        "recall": {
            kind: {"found": hits, "of": total, "recall": hits / total, "interval_95": wilson(hits, total)}
            for kind, hits in found.items()
        },
        "recall_but_cropped": sum(hits for kind, hits in found.items() if kind not in APART)
        / (total * len(KINDS.keys() - APART)),
        "accused_pairs": accused,
        "chains": len(related.look_alikes.chains),
        "oversized_groups": len(related.look_alikes.oversized),
        "scan_s": middle - start,
        "relate_s": end - middle,
    }


def wilson(hits: int, total: int) -> list[float]:
    interval = wilson_interval(hits, total)
    return [float(interval[0]), float(interval[1])]


def phantom(folder: Path, subjects: int, slices: int) -> Manifest:
    config = Phantom(subjects=subjects, slices_per_subject=slices, seed=SEED)
    return write_cohort(folder, config)


def cheng(data: Path) -> Manifest:
    options = DataOptions(
        subjects=data / "cheng" / "patients.csv",
        on="file_number",
        subject_column="patient_base_id",
        label_column="class",
    )
    return load(data / "cheng", options).manifest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    from gyrus.runs import environment

    results: dict[str, list[dict]] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sets = {"phantom": lambda: phantom(root / "phantom", SUBJECTS, SLICES)}
        if data.is_dir():
            sets["cheng"] = lambda: cheng(data)
        for title, make in sets.items():
            manifest = make()
            (root / f"{title} copies").mkdir()
            planted = plant(manifest, root / f"{title} copies", PER_KIND, SEED)
            results[title] = [
                measure(planted, root / f"cache {title}", patients_known=known) for known in (True, False)
            ]
            for one in results[title]:
                print(title, json.dumps({**one, "recall": short(one)}, indent=1), flush=True)
    folder = Path(__file__).parent / "results" / "2026-11-20_planted_copies"
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "command": ["python", "benchmarks/planted_copies.py"],
        "seed": SEED,
        "phantom": {"subjects": SUBJECTS, "slices": SLICES},
        "results": results,
        "environment": environment(),
    }
    (folder / "result.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    bad = [
        title
        for title, measured in results.items()
        for one in measured
        if one["recall_but_cropped"] < WANTED or one["accused_pairs"]
    ]
    if bad:
        sys.exit(f"the claim does not hold for {', '.join(bad)}")


def short(one: dict) -> dict:
    return {kind: f"{value['found']} of {value['of']}" for kind, value in one["recall"].items()}


if __name__ == "__main__":
    main()
