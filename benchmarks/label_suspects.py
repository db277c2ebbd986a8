"""Claim: of planted wrong labels most are among the label suspects, and few right labels are.

    python benchmarks/label_suspects.py MANIFEST [--share 0.05] [--out benchmarks/results/DATE_label_suspects]

A share of Cheng's patients gets the label of another class, all their slices alike, as a record that was
mistyped would; or single slices do. Then `gyrus crossval` trains a head on frozen ImageNet features, five
folds by patient, on the wrong labels. Suspects among the unchanged labels count as false alarms, although
some of those may be wrong in the published set.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from keeping import MOBILENET, PROJECT, QUIET, WORK, Kept, default_folder, told_machine

from gyrus.data import read_manifest, write_manifest
from gyrus.evaluation import read_predictions
from gyrus.evaluation.label_suspects import find_label_suspects
from gyrus.metrics.intervals import wilson_interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "manifest", type=Path, help="of Cheng's set, with patients (benchmarks/cheng_manifest.py)"
    )
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--out", type=Path, default=default_folder("label_suspects"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    kept = Kept(given.out, __doc__.splitlines()[0], {"share": given.share})
    for unit in ("slices", "patients"):
        for seed in range(2):
            kept.once(
                f"{unit}, seed {seed}", lambda u=unit, s=seed: planted(given.manifest, u, given.share, s)
            )
    lines = [
        f"| {name} | {run['planted']} | {told(run['found'], run['planted'])} | "
        f"{told(run['false_alarms'], run['right'])} | {run['estimated_wrong']:.0f} |"
        for name, run in kept.runs.items()
    ]
    summary = {name: run["found"] / run["planted"] for name, run in kept.runs.items()}
    readme = [
        "# Planted wrong labels", "", told_machine(kept), "",
        "| planted | images | found | false alarms | estimate |", "|---|---|---|---|---|", *lines, "",
    ]  # fmt: skip
    kept.conclude(summary, "\n".join(readme))


def planted(source: Path, unit: str, share: float, seed: int) -> dict:
    """Turn labels, cross-validate, and count."""
    manifest, rng = read_manifest(source), np.random.default_rng(seed)
    names = np.array([row.subject_id if unit == "patients" else row.image_id for row in manifest])
    units = np.unique(names)
    turned = set(rng.choice(units, max(1, round(share * len(units))), replace=False).tolist())
    labels, others = {}, {}
    for row, name in zip(manifest, names.tolist(), strict=True):
        if name in turned:
            others.setdefault(name, rng.choice([c for c in manifest.classes if c != row.label]).item())
            labels[row.image_id] = others[name]
    folder = PROJECT / WORK / f"label-suspects-{unit}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    changed = manifest.with_rows(row.with_(label=labels.get(row.image_id, row.label)) for row in manifest)
    write_manifest(changed, folder / "manifest.csv")
    command = [
        sys.executable, "-m", "gyrus", "crossval", folder / "manifest.csv", "--out", folder / "folds",
        "--architecture", "mobilenetv2_100", "--weights", MOBILENET, "--recipe", "head",
    ]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True, env=QUIET, cwd=PROJECT)
    predictions = read_predictions(folder / "folds" / "predictions-pooled.csv")
    found = find_label_suspects(predictions)
    suspects = {item.image_id for item in found.suspects}
    return {
        "planted": len(labels), "found": len(suspects & set(labels)), "suspects": len(suspects),
        "right": len(predictions) - len(labels), "false_alarms": len(suspects - set(labels)),
        "estimated_wrong": found.estimated_wrong,
    }  # fmt: skip


def told(count: int, total: int) -> str:
    """Return a share with its interval."""
    low, high = wilson_interval(count, total)
    return f"{count} of {total}: {100 * count / total:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
