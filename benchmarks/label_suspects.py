"""Claim: of planted wrong labels most are among the label suspects, and few right labels are.

    python benchmarks/label_suspects.py [--share 0.05] [--out benchmarks/results/DATE_label_suspects]

A share of Cheng's patients gets the label of another class, all their slices alike, as a record that was
mistyped would; or single slices do. Then `gyrus crossval` trains a head on frozen ImageNet features, five
folds by patient, on the wrong labels. Suspects among the unchanged labels count as false alarms, although
some of those may be wrong in the published set. An interrupted benchmark goes on where it was.
"""

import argparse
import shlex
import shutil
from pathlib import Path

import numpy as np
from cheng_manifest import write_folds
from keeping import MOBILENET, PROJECT, SHARED, WORK, Kept, default_folder, gyrus, told_machine

from gyrus.data import read_manifest, write_manifest
from gyrus.evaluation import read_predictions
from gyrus.evaluation.label_suspects import find_label_suspects
from gyrus.metrics.intervals import ratio_interval

# nothing here asks the bundles of the folds anything: no gate, no sets, few neighbours
OPTIONS = (
    "--recipe head --cal-fraction 0 --val-fraction 0.1 --gate none --conformal-method none --cases 20 "
    "--calibration none --views 1 --image-size 160"
)


def main() -> None:
    """Plant, cross-validate, count, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--options", default=OPTIONS, help="options of gyrus crossval, as one string")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--out", type=Path, default=default_folder("label_suspects"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    work = PROJECT / WORK / "label_suspects"
    write_folds(given.data, work / "manifest.csv")
    settings = {"share": given.share, "options": given.options}
    kept = Kept(given.out, __doc__.splitlines()[0], settings)
    for seed in range(given.seeds):
        for unit in ("slices", "patients"):
            kept.once(f"{unit}, seed {seed}", lambda u=unit, s=seed: planted(work, u, s, given))
    kept.conclude(*concluded(kept, given))


def planted(work: Path, unit: str, seed: int, given: argparse.Namespace) -> dict:
    """Turn labels, cross-validate, and count."""
    manifest, rng = read_manifest(work / "manifest.csv"), np.random.default_rng(seed)
    names = np.array([row.subject_id if unit == "patients" else row.image_id for row in manifest])
    units = np.unique(names)
    turned = set(rng.choice(units, max(1, round(given.share * len(units))), replace=False).tolist())
    labels, others = {}, {}
    for row, name in zip(manifest, names.tolist(), strict=True):
        if name in turned:
            others.setdefault(name, rng.choice([c for c in manifest.classes if c != row.label]).item())
            labels[row.image_id] = others[name]
    folder = work / f"{unit}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    changed = manifest.with_rows(row.with_(label=labels.get(row.image_id, row.label)) for row in manifest)
    write_manifest(changed, folder / "manifest.csv")
    ended = gyrus(
        "crossval", folder / "manifest.csv", "--out", folder / "folds", "--architecture", "mobilenetv2_100",
        "--weights", MOBILENET, *shlex.split(given.options), log=folder / "crossval.log",
    )  # fmt: skip
    right = {row.image_id: row.label for row in manifest}
    patient = {row.image_id: row.subject_id for row in manifest}
    predictions = read_predictions(folder / "folds" / "predictions-pooled.csv")
    return counted(predictions, right, patient, labels) | {"seconds": ended.seconds}


def counted(predictions, right: dict, patient: dict, labels: dict) -> dict:
    """Return what was found, what was suspected in vain, and how good the answers are by the right labels."""
    found = find_label_suspects(predictions)
    suspects = [item.image_id for item in found.suspects]
    suggested = {item.image_id: item.suggested for item in found.suspects}
    answers = np.array(predictions.classes)[predictions.y_prob.argmax(axis=1)]
    unchanged = [name for name in predictions.image_ids if name not in labels]
    return {
        "planted": len(labels),
        "patients_planted": len({patient[name] for name in labels}),
        "found": share(set(suspects), labels, patient),
        "right_class_suggested": sum(suggested.get(name) == right[name] for name in labels),
        "false_alarms": share(set(suspects), unchanged, patient),
        "suspects": len(suspects),
        "planted_among_first": len(set(suspects[: len(labels)]) & set(labels)),
        "estimated_wrong": found.estimated_wrong,
        "accuracy_by_right_labels": float(
            np.mean([right[n] == a for n, a in zip(predictions.image_ids, answers, strict=True)])
        ),
    }


def share(suspects: set, images, patient: dict) -> dict:
    """Return how many of some images are suspects, with the interval of the share over patients."""
    names = list(images)
    _, whose = np.unique([patient[name] for name in names], return_inverse=True)
    hits = np.bincount(whose, weights=[name in suspects for name in names])
    interval = ratio_interval(hits, np.bincount(whose))
    return {
        "count": int(hits.sum()), "of": len(names), "value": interval.value, "low": interval.low,
        "high": interval.high,
    }  # fmt: skip


def concluded(kept: Kept, given: argparse.Namespace) -> tuple[dict, str]:
    """Return the summary and the page."""
    lines = [
        f"| {name} | {run['planted']} of {run['patients_planted']} patients | {told(run['found'])} | "
        f"{run['right_class_suggested']} | {told(run['false_alarms'])} | {run['suspects']} | "
        f"{run['planted_among_first']} of {run['planted']} | {run['estimated_wrong']:.0f} | "
        f"{100 * run['accuracy_by_right_labels']:.1f} % |"
        for name, run in kept.runs.items()
    ]
    readme = [
        "# Planted wrong labels", "", f"    python benchmarks/label_suspects.py --out {given.out.as_posix()}",
        "", told_machine(kept), f"Each row is a cross-validation of Cheng's five folds: `{given.options}`.",
        "Shares with 95 % intervals over patients. \"Among the first\": of as many suspects as labels were "
        "planted, those of the largest margin, how many are planted. \"Estimate\": of wrong labels, by the "
        "page. Accuracy: of the out-of-fold answers by the right labels.", "",
        "| planted | images | found | with the right class suggested | false alarms | suspects | "
        "among the first | estimate | accuracy |",
        "|---|---|---|---:|---|---:|---|---:|---:|", *lines, "",
    ]  # fmt: skip
    summary = {
        name: {key: run[key]["value"] for key in ("found", "false_alarms")} for name, run in kept.runs.items()
    }
    return summary, "\n".join(readme)


def told(found: dict) -> str:
    """Return a share with its interval."""
    low, high = 100 * found["low"], 100 * found["high"]
    return f"{found['count']} of {found['of']}: {100 * found['value']:.1f} % ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
