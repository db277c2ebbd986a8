"""Claim: on Cheng, three classes, MobileNetV2 answers at least 94 % of the slices of unseen patients rightly.

    python benchmarks/cheng_folds.py --out benchmarks/results/DATE_cheng_folds

Runs ``gyrus crossval`` on the five folds of StratifiedGroupKFold(5, shuffle, seed 0) on patient_base_id and
pools the out-of-fold predictions; with ``--repeats`` further seeds of the training on the same folds. An
interrupted benchmark goes on where it was. Committed: the pooled predictions, all figures, the options.
"""

import argparse
import shlex
import shutil
from pathlib import Path

from cheng_manifest import write_folds
from keeping import MOBILENET, SHARED, WORK, default_folder, gyrus, in_percent

DEFAULT_OPTIONS = (
    "--recipe upper --epochs 3 --image-size 224 --cal-fraction 0 --val-fraction 0.05 --select last"
)
KEPT = ("predictions-pooled.csv", "evaluation.json", "config.json", "environment.json", "progress.json")


def main() -> None:
    """Cross-validate, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("cheng_folds"))
    parser.add_argument("--work", type=Path, default=WORK / "cheng_folds")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument("--weights", type=Path, default=MOBILENET)
    parser.add_argument("--architecture", default="mobilenetv2_100")
    parser.add_argument("--options", default=DEFAULT_OPTIONS, help="options of gyrus crossval, as one string")
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    manifest = arguments.work / "manifest.csv"
    write_folds(arguments.data, manifest)
    folder = arguments.work / "crossval"
    print(f"progress: {arguments.work / 'crossval.log'}", flush=True)
    told = gyrus(
        "crossval", manifest, "--architecture", arguments.architecture, "--weights", arguments.weights,
        *shlex.split(arguments.options), "--repeats", arguments.repeats, "--out", folder,
        log=arguments.work / "crossval.log",
    ).told  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copy(folder / name, arguments.out / name)
    (arguments.out / "README.md").write_text(readme(told, arguments), encoding="utf-8")
    print((arguments.out / "README.md").read_text())


def readme(told: dict, arguments: argparse.Namespace) -> str:
    """Return the page for people."""
    figures, folds = told["evaluation"], told["evaluation"]["folds"]
    hours = sum(fold["seconds"] for fold in told["finished"].values()) / 3600
    lines = [
        "# Cheng, three classes, MobileNetV2, every patient unseen once",
        "",
        "```",
        f"python benchmarks/cheng_folds.py --options '{arguments.options}' --repeats {arguments.repeats}",
        "```",
        "",
        f"Audit: {told['sentence']} Always answering the largest class: "
        f"{100 * figures['majority_baseline']['accuracy']:.1f} %. Trainings took {hours:.1f} h together. "
        f"{folds['sentence']}",
        "",
        "| fold | accuracy, % | balanced, % | macro ROC-AUC | images | patients |",
        "|---|---|---|---|---|---|",
    ]
    for fold in folds["each"]:
        name = f"{fold['fold']} (worst)" if fold["fold"] == folds["worst"] else fold["fold"]
        cells = " | ".join([in_percent(fold["accuracy"]), in_percent(fold["balanced_accuracy"])])
        area = fold["macro_roc_auc"]["value"]
        lines.append(f"| {name} | {cells} | {area:.3f} | {fold['n_images']} | {fold['n_subjects']} |")
    pooled = [in_percent(figures["accuracy"]), in_percent(figures["balanced_accuracy"])]
    area = figures["macro"]["roc_auc"]["value"]
    lines.append(
        f"| pooled | {' | '.join(pooled)} | {area:.3f} | {figures['n_images']} | {figures['n_subjects']} |"
    )
    if told["repeats"]:
        lines += ["", f"Seeds {', '.join(map(str, range(arguments.repeats)))}: {told['repeats']['sentence']}"]
    lines += [
        "",
        "Intervals: 95 %, over patients. `predictions-pooled.csv`: one row per image and repeat.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
