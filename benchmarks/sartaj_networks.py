"""Claim: what four networks reach on Sartaj's four classes without a leak, and what a leak adds.

    python benchmarks/sartaj_networks.py --out benchmarks/results/DATE_sartaj_networks

1. `gyrus split` repairs the published split: no copy, no patient known from Cheng on two sides. One manifest.
2. SimpleCNN, ImprovedCNN, SqueezeNet 1.1 and MobileNetV2 are trained on it and compared on its validation
   images, in pairs (`gyrus compare`); the best of them, and only that, is tested, once.
3. Beside it: that network trained and tested on the published split as it is (--allow-leak); what plain facts
   of the files and pictures (size, compression, brightness, …) tell of the class without a look at the brain;
   and 512 against 224 pixels: accuracy, memory, time.

Each training is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import shlex
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
from keeping import MOBILENET, SHARED, SQUEEZENET, WORK, Kept, default_folder, epochs_of, gyrus, in_percent
from keeping import told_machine as machine_of
from sklearn.linear_model import LogisticRegression

from gyrus.auditing.nuisance_facts import facts_of_images
from gyrus.config import DataOptions
from gyrus.data import read_manifest
from gyrus.evaluation import Predictions, evaluate_predictions
from gyrus.evaluation.joining import cluster_of
from gyrus.imaging import read_image
from gyrus.inference import Predictor
from gyrus.verbs.prepare import prepare

NETWORKS = {
    "simple_cnn": "--recipe scratch --epochs 20",
    "improved_cnn": "--recipe scratch --epochs 20",
    "squeezenet1_1": f"--weights {SQUEEZENET} --recipe full --epochs 12",
    "mobilenetv2_100": f"--weights {MOBILENET} --recipe full --epochs 12",
}
REASON = "the published split, to show what its leak adds"
TIMED_IMAGES, TIMED_TURNS = 40, 3


def main() -> None:
    """Split, train, choose, test once, and put the leaky figure beside."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("sartaj_networks"))
    parser.add_argument("--work", type=Path, default=WORK / "sartaj_networks")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "sartaj")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--options", default="--seed 0", help="options of every training, as one string")
    parser.add_argument(
        "--network-options", nargs="*", default=[], help="NAME=OPTIONS: those of one network, as one string"
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[224, 512])
    parser.add_argument("--size-network", default="mobilenetv2_100")
    parser.add_argument("--size-options", default="--batch-size 16")
    parser.add_argument("--only-sizes", action="store_true", help="of the three parts only the image sizes")
    arguments = parser.parse_args()
    own = {**NETWORKS, **dict(text.split("=", 1) for text in arguments.network_options)}
    arguments.own = {name: own.get(name, "") for name in {*arguments.networks, arguments.size_network}}
    settings = {"data": arguments.data.as_posix(), "options": arguments.options, "of_networks": arguments.own,
                "size_options": arguments.size_options}  # fmt: skip
    kept = Kept(
        arguments.out, "four networks on Sartaj repaired, one validation set, the best tested once", settings
    )
    manifest = arguments.work / "manifest.csv"
    if not manifest.is_file():
        gyrus("split", arguments.data, "--out", manifest, log=arguments.work / "split.log")
    if arguments.only_sizes:
        for size in arguments.sizes:
            kept.once(f"{arguments.size_network} at {size}", lambda size=size: sized(arguments, size))
        title = f"# Sartaj, four classes, repaired split: {arguments.size_network} by image size"
        page = [title, "", machine_of(kept), "", *_table_of_sizes(kept, arguments), ""]
        kept.conclude({}, "\n".join(page))
        return
    for name in arguments.networks:
        kept.once(name, lambda name=name: validated(arguments, name))
    best = max(arguments.networks, key=lambda name: kept.runs[name]["val"]["accuracy"]["value"])
    if len(arguments.networks) > 1:
        kept.once("compared", lambda: compared(arguments))
    kept.once("tested", lambda: tested(arguments, best))
    kept.once("leaky", lambda: leaky(arguments, best))
    kept.once("nuisance", lambda: nuisance(arguments))
    for size in arguments.sizes:
        kept.once(f"{arguments.size_network} at {size}", lambda size=size: sized(arguments, size))
    conclude(kept, arguments)


def _train(arguments: argparse.Namespace, source: Path, name: str, run: Path, *more: object) -> dict:
    """Train, and return what is common to all runs."""
    shutil.rmtree(run, ignore_errors=True)  # of an interrupted benchmark
    ended = gyrus(
        "train", source, "--architecture", name, *shlex.split(arguments.own[name]),
        *shlex.split(arguments.options), *more, "--out", run, log=run.with_suffix(".log"),
    )  # fmt: skip
    epochs = epochs_of(run)
    images = sum(row.split == "train" for row in read_manifest(run / "manifest.csv"))
    return {
        "run": run.name, "seconds": ended.seconds, "parts_s": ended.told["seconds"],
        "peak_mib": ended.peak_mib, "verdict": ended.told["verdict"], "sentence": ended.told["sentence"],
        "epochs": epochs, "train_images": images,
        "training_ms_an_image": 1000 * statistics.median(row["seconds"] for row in epochs) / images,
        "evaluations": ended.told["evaluations"],
    }  # fmt: skip


def validated(arguments: argparse.Namespace, name: str) -> dict:
    """Train a network on the repaired split; its validation figures and predictions are kept."""
    run = arguments.work / name
    found = _train(arguments, arguments.work / "manifest.csv", name, run)
    _keep(arguments, run, "val", f"{name}-val.csv")
    return {**found, "val": _shown(found.pop("evaluations")["val"])}


def compared(arguments: argparse.Namespace) -> dict:
    """Compare the networks on the validation images."""
    files = [arguments.out / "predictions" / f"{name}-val.csv" for name in arguments.networks]
    told = gyrus("compare", *files, log=arguments.work / "compare.log").told
    return {
        "pairs": [{name: pair[name] for name in ("better", "worse", "sentence")} for pair in told["pairs"]]
    }


def tested(arguments: argparse.Namespace, best: str) -> dict:
    """Look at the test set, once, with the network that was best on the validation images."""
    run = arguments.work / best
    told = gyrus("evaluate", run, "--test", log=arguments.work / "test.log").told
    _keep(arguments, run, "test", f"{best}-test.csv")
    return {"network": best, "looks": told["test_looks"], "test": _shown(told["evaluation"])}


def leaky(arguments: argparse.Namespace, best: str) -> dict:
    """Train and test the same network on the published split, leak and all."""
    run = arguments.work / f"{best}-leaky"
    found = _train(arguments, arguments.data, best, run, "--split", "auto", "--allow-leak", REASON, "--test")
    _keep(arguments, run, "test", f"{best}-leaky-test.csv")
    test = found.pop("evaluations")["test"]
    twins = {name: test["twin_free"].get(name) for name in ("sentence", "n_twins", "n_left")}
    without = test["twin_free"].get("without_twins")
    return {"network": best, **found, "test": _shown(test),
            "without_twins": {**twins, "accuracy": without and without["accuracy"]}}  # fmt: skip


def nuisance(arguments: argparse.Namespace) -> dict:
    """Predict the class from facts of the files and pictures: logistic regression on their bins."""
    prepared = prepare(arguments.work / "manifest.csv", DataOptions(), cache_dir=None)
    rows = [row for row in prepared.manifest if row.split]
    facts = facts_of_images(rows, [prepared.nuisance[row.image_id] for row in rows])
    columns = [fact.bins[:, None] == np.unique(fact.bins)[None] for fact in facts.values()]
    features = np.concatenate(columns, axis=1).astype(np.float64)
    split = np.array([row.split for row in rows])
    labels = np.array([row.label for row in rows])
    model = LogisticRegression(max_iter=2000, class_weight="balanced").fit(
        features[split == "train"], labels[split == "train"]
    )
    found: dict = {"facts": list(facts)}
    for name in ("val", "test"):
        chosen = np.flatnonzero(split == name)
        there = [rows[number] for number in chosen]
        predictions = Predictions(
            tuple(row.image_id for row in there), tuple(row.subject_id for row in there),
            tuple(row.label for row in there), tuple(model.classes_), model.predict_proba(features[chosen]),
            group_ids=tuple(cluster_of(row) for row in there),
        )  # fmt: skip
        found[name] = _shown(evaluate_predictions(predictions, n_bootstrap=0))
    return found


def sized(arguments: argparse.Namespace, size: int) -> dict:
    """Train at a size of image; time its bundle."""
    name = arguments.size_network
    run = arguments.work / f"{name}-{size}px"
    found = _train(
        arguments, arguments.work / "manifest.csv", name, run, "--image-size", size,
        *shlex.split(arguments.size_options),
    )  # fmt: skip
    _keep(arguments, run, "val", f"{name}-{size}px-val.csv")
    val = read_manifest(run / "manifest.csv").select("val")
    images = [read_image(val.file_of(row)) for row in val.rows[:TIMED_IMAGES]]
    predictor = Predictor.load(run / "model.gyrus")
    predictor.predict(images[:2], batch_size=1)
    turns = []
    for _ in range(TIMED_TURNS):
        began = time.perf_counter()
        predictor.predict(images, batch_size=1)
        turns.append(1000 * (time.perf_counter() - began) / len(images))
    return {**found, "image_size": size, "val": _shown(found.pop("evaluations")["val"]),
            "answer_ms_an_image": turns}  # fmt: skip


def _table_of_sizes(kept: Kept, arguments: argparse.Namespace) -> list[str]:
    sizes = [run for key, run in kept.runs.items() if " at " in key]
    if not sizes:
        return []
    lines = [
        f"{arguments.size_network} by image size ({arguments.size_options}):", "",
        "| px | validation accuracy, % | balanced, % | macro ROC-AUC | training, ms an image | "
        "most memory, MiB | an answer, ms |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for run in sizes:
        answer = statistics.median(run["answer_ms_an_image"])
        lines.append(
            f"| {run['image_size']} | {_cells(run['val'])} | {run['training_ms_an_image']:.1f} | "
            f"{run['peak_mib']:.0f} | {answer:.1f} |"
        )
    return lines


def conclude(kept: Kept, arguments: argparse.Namespace) -> None:
    """Write the page."""
    runs = kept.runs
    best = runs["tested"]["network"]
    order = sorted(arguments.networks, key=lambda name: -runs[name]["val"]["accuracy"]["value"])
    lines = [
        "# Sartaj, four classes: four networks on the repaired split", "",
        "```", "python benchmarks/sartaj_networks.py", "```", "",
        f"{machine_of(kept)} Audit of the repaired split: {runs[best]['sentence']} "
        f"{runs[best]['train_images']} training images. Intervals: 95 %.", "",
        "| network | validation accuracy, % | balanced, % | macro ROC-AUC | training, ms an image | s |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in order:
        run = runs[name]
        lines.append(
            f"| {name} | {_cells(run['val'])} | {run['training_ms_an_image']:.1f} | {run['seconds']:.0f} |"
        )
    lines += ["", *(f"- {pair['sentence']}" for pair in runs.get("compared", {"pairs": []})["pairs"]), ""]
    lines += [
        "| tested | accuracy, % | balanced, % | macro ROC-AUC |", "|---|---|---|---|",
        f"| {best}, repaired split, look {runs['tested']['looks']} | {_cells(runs['tested']['test'])} |",
        f"| {best}, published split (leaking) | {_cells(runs['leaky']['test'])} |",
        f"| plain facts alone, repaired split | {_cells(runs['nuisance']['test'])} |",
        f"| plain facts alone, its validation images | {_cells(runs['nuisance']['val'])} |", "",
        runs["leaky"]["sentence"], f"{runs['leaky']['without_twins']['sentence']}", "",
    ]  # fmt: skip
    lines += _table_of_sizes(kept, arguments)
    summary = {
        "best": best,
        "val": {name: runs[name]["val"]["accuracy"] for name in order},
        "test": runs["tested"]["test"]["accuracy"],
        "leaky_test": runs["leaky"]["test"]["accuracy"],
        "nuisance_test": runs["nuisance"]["test"]["accuracy"],
    }
    kept.conclude(summary, "\n".join([*lines, ""]))


def _shown(evaluation: dict) -> dict:
    names = ("n_images", "n_subjects", "n_clusters", "accuracy", "balanced_accuracy", "macro")
    return {name: evaluation[name] for name in names}


def _cells(figures: dict) -> str:
    accuracy, balanced = (in_percent(figures[name]) for name in ("accuracy", "balanced_accuracy"))
    return f"{accuracy} | {balanced} | {figures['macro']['roc_auc']['value']:.3f}"


def _keep(arguments: argparse.Namespace, run: Path, split: str, name: str) -> None:
    """Commit the predictions of a run."""
    folder = arguments.out / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(run / "predictions" / f"predictions-{split}.csv", folder / name)


if __name__ == "__main__":
    main()
