"""Claim: a recipe chosen without the test patients still reaches the figure (nested cross-validation).

    python benchmarks/recipe_choice.py cheng --out benchmarks/results/DATE_recipe_choice_cheng --device cuda
    python benchmarks/recipe_choice.py yesno --out benchmarks/results/DATE_recipe_choice_yesno --device cuda

For each outer fold the recipe is chosen among the candidates by its mean accuracy on *other* folds, trained
without the outer fold: a training without the folds a and b answers b for the choice of a, and a for that
of b. Then every candidate is trained on all but the outer fold and answers it; the nested figure takes, fold
by fold, the answers of the recipe that was chosen for it. Shown beside it: each candidate's own pooled
figure, which is what one would quote after choosing by it, and is optimistic.

Images that look alike stay together (yes/no), patients stay together (Cheng). Answers are those of the
network in torch, not of a bundle: the recipe that wins is then measured by ``gyrus crossval``. Each training
is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from cheng_manifest import write_folds
from keeping import MOBILENET, SHARED, WORK, Kept, default_folder, in_percent, told_machine

from gyrus.data import make_split, read_manifest, scan, write_manifest
from gyrus.data.groups import link_groups
from gyrus.data.manifest import Manifest
from gyrus.evaluation import Predictions, evaluate_predictions, write_predictions
from gyrus.verbs.prepare import prepare

LAST = "--cal-fraction 0 --val-fraction 0.05 --select last"
CANDIDATES = {
    "cheng": {
        "upper, 3 epochs": f"--recipe upper --epochs 3 {LAST}",
        "upper, 8 epochs": f"--recipe upper --epochs 8 {LAST}",
        "full, 3 epochs": f"--recipe full --epochs 3 {LAST}",
        "full, 8 epochs": f"--recipe full --epochs 8 {LAST}",
        "full, 8 epochs, flips": f"--recipe full --epochs 8 --flips {LAST}",
        "full, 8 epochs, 256 px": f"--recipe full --epochs 8 --image-size 256 {LAST}",
        "full, 15 epochs, mixup": f"--recipe full --epochs 15 --mixup 0.2 {LAST}",
        "full, 15 epochs, smoothing": f"--recipe full --epochs 15 --label-smoothing 0.1 --ema 0.99 {LAST}",
    },
    "yesno": {
        "head": f"--recipe head {LAST}",
        "head, flips, 8 views": f"--recipe head --flips --views 8 {LAST}",
        "two-stage": f"--recipe two-stage {LAST}",
        "two-stage, flips": f"--recipe two-stage --flips {LAST}",
        "upper, 12 epochs": f"--recipe upper --epochs 12 {LAST}",
        "full, 12 epochs": f"--recipe full --epochs 12 {LAST}",
        "full, 12 epochs, flips": f"--recipe full --epochs 12 --flips {LAST}",
        "full, 30 epochs, flips": f"--recipe full --epochs 30 --flips --ema 0.98 {LAST}",
        "full, 30 epochs, flips, mixup": f"--recipe full --epochs 30 --flips --mixup 0.2 {LAST}",
    },
}
FOLDS = 5


def main() -> None:
    """Train every candidate, choose without the outer fold, and write what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_set", choices=CANDIDATES)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path, default=WORK / "recipe_choice")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path, default=MOBILENET)
    parser.add_argument("--architecture", default="mobilenetv2_100")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of each worker")
    parser.add_argument("--repeats", type=int, help="deals of the folds; default: 1 (Cheng), 5 (yes/no)")
    parser.add_argument("--seeds", type=int, default=1, help="of the outer trainings")
    parser.add_argument("--only", nargs="*", help="these candidates; default: all")
    parser.add_argument("--budget-s", type=float, default=1e9, help="start no training after this")
    arguments = parser.parse_args()
    name = arguments.data_set
    arguments.out = arguments.out or default_folder(f"recipe_choice_{name}")
    arguments.data = arguments.data or SHARED / "data" / name
    arguments.repeats = arguments.repeats or {"cheng": 1, "yesno": 5}[name]
    candidates = {key: CANDIDATES[name][key] for key in arguments.only or CANDIDATES[name]}
    settings = {"data": name, "candidates": candidates, "architecture": arguments.architecture,
                "repeats": arguments.repeats, "seeds": arguments.seeds}  # fmt: skip
    kept = Kept(arguments.out, "a recipe chosen without the test patients", settings)
    if kept.content["summary"]:  # its logits were taken out when it was concluded
        sys.exit(f"{kept.path} is concluded; name another folder with --out to measure again")
    arguments.work.mkdir(parents=True, exist_ok=True)
    manifests = [_dealt(arguments, repeat) for repeat in range(arguments.repeats)]
    tasks = list(_tasks(candidates, arguments))
    for side in {_options(text, arguments).image_size for text in candidates.values()}:
        scan(read_manifest(manifests[0]), image_size=side)  # once, before many want it
    _train_all(kept, tasks, candidates, arguments)
    conclude(kept, candidates, manifests, arguments)


def _dealt(arguments: argparse.Namespace, repeat: int) -> Path:
    """Write and return the manifest with a fold for each image."""
    path = arguments.work / f"{arguments.data_set}-{repeat}.csv"
    if arguments.data_set == "cheng":
        write_folds(arguments.data, path)
        return path
    options = _options("--cal-fraction 0 --val-fraction 0.05 --recipe scratch", arguments)
    manifest = prepare(arguments.data, options, cache_dir=None, image_size=None).manifest
    fold_of = {}
    for fold in range(FOLDS):
        dealt = make_split(manifest, _replaced(options, split="new", fold=fold, folds=FOLDS, seed=repeat))
        fold_of.update({row.image_id: fold for row in dealt.manifest if row.split == "test"})
    write_manifest(manifest.with_rows(row.with_(fold=fold_of[row.image_id]) for row in manifest), path)
    return path


def _tasks(candidates: dict, arguments: argparse.Namespace):
    """Yield key, candidate, repeat, folds left out, seed; what the outer figure needs comes first."""
    for repeat in range(arguments.repeats):
        for fold in range(FOLDS):
            for seed in range(arguments.seeds):
                for name in candidates:
                    yield f"{name} | {repeat} | {fold} | {seed}", name, repeat, (fold,), seed
    pairs = list(combinations(range(FOLDS), 2))
    if arguments.repeats > 1:  # each fold in two of them
        pairs = [(fold, (fold + 1) % FOLDS) for fold in range(FOLDS)]
    for repeat in range(arguments.repeats):
        for pair in pairs:
            for name in candidates:
                yield f"{name} | {repeat} | {pair[0]}+{pair[1]} | 0", name, repeat, pair, 0


def _train_all(kept: Kept, tasks: list, candidates: dict, arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    left = [task for task in tasks if task[0] not in kept.runs]
    pool = ProcessPoolExecutor(
        arguments.workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(vars(arguments),)
    )
    with pool:
        waiting = {}
        for key, name, repeat, out, seed in left:
            waiting[pool.submit(_trained, candidates[name], repeat, out, seed, began)] = key
        for done, future in enumerate(as_completed(waiting), 1):
            result = future.result()
            if result is None:
                continue
            kept.runs[waiting[future]] = result
            if done % 20 == 0 or done == len(left):
                kept.write()
                print(f"{done} of {len(left)}, {time.perf_counter() - began:.0f} s", flush=True)
    kept.write()


_GIVEN: dict = {}


def _begin(arguments: dict) -> None:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    _GIVEN.update(arguments)


def _trained(options: str, repeat: int, left_out: tuple[int, ...], seed: int, began: float) -> dict | None:
    """Train without some folds, answer them: image_id -> logits."""
    if time.perf_counter() - began > _GIVEN["budget_s"]:
        return None
    import torch

    from gyrus.runs import RunFolder
    from gyrus.training import fit
    from gyrus.training.batches import SplitPixels

    torch.set_num_threads(_GIVEN["threads"])
    arguments = argparse.Namespace(**_GIVEN)
    config = _replaced(_options(options, arguments), seed=seed)
    manifest = read_manifest(arguments.work / f"{arguments.data_set}-{repeat}.csv")
    rows = (row.with_(split="test" if row.fold in left_out else "train", fold=None) for row in manifest)
    pixels = scan(manifest, image_size=config.image_size).pixels
    divided = make_split(manifest.with_rows(rows), config).manifest
    folder = arguments.work / f"run-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    run = RunFolder(folder).create()
    start = time.perf_counter()
    fitted = fit(divided, pixels, config, run, progress=False)
    seconds = time.perf_counter() - start
    logits = _logits(fitted.network, SplitPixels(divided, "test", pixels), config.device)
    names = [row.image_id for row in divided.select("test").rows]
    return {
        "seconds": round(seconds, 2),
        "classes": fitted.classes,
        "logits": {name: [round(float(v), 4) for v in row] for name, row in zip(names, logits, strict=True)},
    }


def _logits(network, images, device_name: str) -> np.ndarray:
    import torch

    from gyrus.training.batches import Look
    from gyrus.training.batches import prepare as as_input
    from gyrus.training.devices import pick_device

    device = pick_device(device_name)
    network.to(device)
    look = Look(network.mean, network.std, policy=None, channels_last=False)
    answers = []
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            batch = images[np.arange(start, min(start + 64, len(images)))]
            answers.append(network(as_input(batch, look, seed=0, epoch=None).to(device)).cpu().numpy())
    return np.concatenate(answers)


def _options(text: str, arguments: argparse.Namespace):
    """Return the configuration that the command line would give."""
    import tyro

    from gyrus.config import TrainConfig

    words = shlex.split(text)
    if "scratch" not in words:
        words += ["--weights", str(arguments.weights)]
    return tyro.cli(
        TrainConfig, config=(tyro.conf.PositionalRequiredArgs,),
        args=[str(arguments.data), *words, "--architecture", arguments.architecture, "--device",
              arguments.device, "--precision", arguments.precision],
    )  # fmt: skip


def _replaced(config, **changes):
    from dataclasses import replace

    return replace(config, **changes)


def conclude(kept: Kept, candidates: dict, manifests: list[Path], arguments: argparse.Namespace) -> None:
    """Choose for each outer fold, pool, and write the page."""
    chosen, inner = {}, {}
    loaded = [read_manifest(path) for path in manifests]
    for repeat, manifest in enumerate(loaded):
        for fold in range(FOLDS):
            scores = {name: _inner_score(kept, name, repeat, fold, manifest) for name in candidates}
            inner[f"{repeat} | {fold}"] = scores
            if all(score is not None for score in scores.values()):
                chosen[repeat, fold] = max(scores, key=lambda name: scores[name])
    told = {
        name: _pooled(kept, loaded, lambda repeat, fold, name=name: name, arguments, _plain(name))
        for name in candidates
    }
    nested = None
    if len(chosen) == FOLDS * arguments.repeats:
        nested = _pooled(kept, loaded, lambda repeat, fold: chosen[repeat, fold], arguments, "nested")
    summary = {
        "nested": nested, "candidates": told, "inner_accuracy": inner,
        "chosen": {f"{repeat} | {fold}": name for (repeat, fold), name in chosen.items()},
    }  # fmt: skip
    logits = {}
    for key, run in kept.runs.items():
        logits[key] = run.pop("logits")
    (arguments.work / f"{arguments.data_set}-logits.json").write_text(json.dumps(logits))
    for key, run in kept.runs.items():
        run["right_of"] = _right(logits[key], run["classes"], loaded[int(key.split(" | ")[1])])
    kept.conclude(summary, _page(kept, summary, arguments))


def _right(logits: dict, classes: list[str], manifest: Manifest) -> list[int]:
    label = {row.image_id: row.label for row in manifest}
    right = sum(classes[int(np.argmax(values))] == label[name] for name, values in logits.items())
    return [right, len(logits)]


def _inner_score(kept: Kept, name: str, repeat: int, fold: int, manifest: Manifest) -> float | None:
    """Mean accuracy on other folds of trainings that saw neither them nor this fold."""
    label = {row.image_id: (row.label, row.fold) for row in manifest}
    scores = []
    for key, run in kept.runs.items():
        candidate, its_repeat, folds, _ = key.split(" | ")
        if candidate != name or int(its_repeat) != repeat or "+" not in folds:
            continue
        pair = {int(number) for number in folds.split("+")}
        if fold not in pair:
            continue
        (other,) = pair - {fold}
        hits = [
            run["classes"][int(np.argmax(values))] == label[image][0]
            for image, values in run["logits"].items()
            if label[image][1] == other
        ]
        scores.append(statistics.mean(hits))
    return statistics.mean(scores) if scores else None


def _pooled(kept: Kept, manifests: list, name_of, arguments: argparse.Namespace, file: str) -> dict | None:
    """Return the figures of pooled answers; seeds of a fold answer together and each alone."""
    repeats = []
    for repeat, manifest in enumerate(manifests):
        for seed in range(arguments.seeds):
            found = {}
            for fold in range(FOLDS):
                key = f"{name_of(repeat, fold)} | {repeat} | {fold} | {seed}"
                if key not in kept.runs:
                    return None
                found.update(kept.runs[key]["logits"])
                classes = tuple(kept.runs[key]["classes"])
            rows = list(manifest)
            logits = np.array([found[row.image_id] for row in rows], dtype=np.float64)
            shares = np.exp(logits - logits.max(1, keepdims=True))
            predictions = Predictions(
                image_ids=tuple(row.image_id for row in rows),
                subject_ids=tuple(row.subject_id or row.recovered_subject for row in rows),
                labels=tuple(row.label for row in rows), classes=classes,
                y_prob=shares / shares.sum(1, keepdims=True), folds=tuple(str(row.fold) for row in rows),
                group_ids=tuple(map(str, link_groups(manifest).tolist())),
            )  # fmt: skip
            write_predictions(predictions, arguments.out / f"{file}-repeat-{repeat}-seed-{seed}.csv")
            figures = evaluate_predictions(predictions, n_bootstrap=2000, confidence=0.95, seed=0)
            per_fold = Counter(), Counter()
            for row, values in zip(rows, logits, strict=True):
                per_fold[0][row.fold] += 1
                per_fold[1][row.fold] += classes[int(np.argmax(values))] == row.label
            repeats.append({
                "accuracy": figures["accuracy"],
                "balanced": figures["balanced_accuracy"],
                "folds": {str(fold): per_fold[1][fold] / n for fold, n in sorted(per_fold[0].items())},
            })  # fmt: skip
    return {
        "mean_accuracy": statistics.mean(one["accuracy"]["value"] for one in repeats),
        "worst_fold": min(value for one in repeats for value in one["folds"].values()),
        "repeats": repeats,
    }


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")


def _page(kept: Kept, summary: dict, arguments: argparse.Namespace) -> str:
    seconds = {}
    for key, run in kept.runs.items():
        seconds.setdefault(key.split(" | ")[0], []).append(run["seconds"])
    lines = [
        f"# {arguments.data_set}: a recipe chosen without the test patients",
        "",
        f"{told_machine(kept)} Device of the trainings: {arguments.device}, {arguments.workers} at a time. "
        f"{arguments.repeats} deals of {FOLDS} folds, {arguments.seeds} seeds of the outer trainings. "
        "Options: `result.json`; answers: the CSV files.",
        "",
        "| recipe | accuracy, mean of all, % | first: 95 % interval | worst fold, % | chosen | s, median |",
        "|---|---|---|---|---|---|",
    ]
    times = Counter(summary["chosen"].values())
    everything = {**summary["candidates"], "**chosen fold by fold (nested)**": summary["nested"]}
    for name, found in everything.items():
        if found is None:
            continue
        took = f"{statistics.median(seconds[name]):.1f}" if name in seconds else ""
        often = f"{times[name]} of {sum(times.values())}" if name in seconds else ""
        first = in_percent(found["repeats"][0]["accuracy"])
        lines.append(
            f"| {name} | {100 * found['mean_accuracy']:.1f} | {first} | "
            f"{100 * found['worst_fold']:.1f} | {often} | {took} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
