"""Claim: which measure of "unlike the training images" tells most, and how often new patients are refused.

    gyrus train MANIFEST --fold K --architecture mobilenetv2_100 --weights FILE --recipe upper --epochs 3 \\
        --image-size 160 --cal-fraction 0.15 --val-fraction 0.05 --select last
    python benchmarks/gate_distribution.py RUN [RUN …] [--out benchmarks/results/DATE_gate_distribution]

RUN: trainings on Cheng's set, of classes or of masks (their embedding is the encoder's; energy is of classes
alone), with the splits train, cal (or val) and test, such as the folds of a `gyrus
crossval`; their test patients are counted together. Each method is fitted on outputs of the training images,
its threshold on the split cal (or val): by patient at 1, 2 and 5 %, and by image, as if slices were
independent, at 1 %. Judged on the test patients, and by the first run on other sets. What the step "a brain
MRI at all" refuses before is not taken out: the rates are of this step alone.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from keeping import PROJECT, Kept, default_folder, told_machine

sys.path.insert(0, str(PROJECT / "tools"))
from gate_images import GENERATED, folder, generated, mnist, phantom

from gyrus.auditing.known import recover_slices
from gyrus.bundles import read_bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.data import read_manifest
from gyrus.decision.distribution import METHODS
from gyrus.decision.gate_fitting import fit_distribution
from gyrus.imaging.look import coarse, looks_of
from gyrus.inference import Predictor
from gyrus.inference.segmenting import predictor_of
from gyrus.metrics.intervals import ratio_interval, wilson_interval
from gyrus.runs import RunFolder
from gyrus.verbs.gating import features_of
from gyrus.verbs.mask_gating import MOST as MASKS_MOST
from gyrus.verbs.training_outputs import MOST as TRAINING_MOST
from gyrus.verbs.training_outputs import training_outputs

MOST = 300  # images of a set
SEED = 99
RULES = {
    "1 % by patient": (0.01, True), "2 % by patient": (0.02, True), "5 % by patient": (0.05, True),
    "1 % by image": (0.01, False),
}  # fmt: skip


def main() -> None:
    """Fit, count, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=default_folder("gate_distribution"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    kept = Kept(given.out, __doc__.splitlines()[0], {"most": MOST, "seed": SEED})
    for number, path in enumerate(given.runs):
        kept.once(path.name, lambda path=path, number=number: judged(RunFolder(path), others=number == 0))
    kept.conclude(*concluded(kept))


def judged(run: RunFolder, *, others: bool) -> dict:
    """Return, by method and rule, what is refused of the run's test patients, and of other sets."""
    predictor, manifest = predictor_of(read_bundle(run.bundle)), read_manifest(run.manifest)
    split = "cal" if len(manifest.select("cal")) else "val"
    most = MASKS_MOST if predictor.task == SEGMENT else TRAINING_MOST
    training = features_of(training_outputs(predictor, manifest, most=most), manifest)
    held_out, test = (
        features_of(training_outputs(predictor, manifest, most=len(manifest), split=name), manifest)
        for name in (split, "test")
    )
    sets = {name: asked(predictor, images) for name, images in other_sets().items()} if others else {}
    found: dict[str, dict] = {
        "task": predictor.task,
        "split": split,
        "patients": held_out.n_groups,
        "images": len(held_out),
    }
    for method in methods_of(predictor.task):
        for rule, (share, by_patient) in RULES.items():
            known = held_out if by_patient else replace(held_out, groups=None, subjects=None)
            step, _ = fit_distribution(training, known, split=split, method=method, false_refusals=share)
            refused = step.scores(test.embedding, test.logits) < step.threshold
            found[f"{method}, {rule}"] = {
                "test": [
                    np.bincount(test.groups, weights=refused).tolist(),
                    np.bincount(test.groups).tolist(),
                ],
                "sets": {
                    name: [int((step.scores(*of) < step.threshold).sum()), len(of[1])]
                    for name, of in sets.items()
                },
            }
    return found


def methods_of(task: str) -> list[str]:
    """Return the measures that a model of the task may have."""
    return [method for method in METHODS if task != SEGMENT or method != "energy"]


def other_sets() -> dict[str, list]:
    """Return images of other sets, as arrays (height, width)."""
    sartaj, _ = folder("sartaj")
    known = recover_slices(looks_of([coarse(np.asarray(image)[:, :, None]) for image in sartaj]))
    unknown = [sartaj[i] for i in np.setdiff1d(np.arange(len(sartaj)), known.image)]
    sets = {
        "Sartaj, no Cheng slice": unknown[:: max(1, len(unknown) // MOST)],
        "yes/no": folder("yesno")[0],
        "phantom": phantom(MOST, SEED),
        "chest_xray": folder("chest_xray", MOST)[0],
        "cifar10": folder("cifar10/test", MOST)[0],
        "mnist": mnist(MOST, "t10k"),
    }
    return sets | {kind: generated(kind, 100, SEED) for kind in GENERATED}


def asked(predictor: Predictor, images: list) -> tuple:
    """Return embeddings and logits."""
    channels = int(predictor.card["input"]["channels"])
    pixels = [np.repeat(np.asarray(image)[:, :, None], channels, axis=2) for image in images]
    answers = [answer.slim() for answer in predictor.predict(pixels)]
    return np.stack([a.embedding for a in answers]), np.stack([a.logits for a in answers])


def concluded(kept: Kept) -> tuple[dict, str]:
    """Return the summary and the page."""
    runs = list(kept.runs.values())
    methods = methods_of(runs[0]["task"])
    keys = [f"{method}, {rule}" for method in methods for rule in RULES]
    patients = {key: pooled([run[key]["test"] for run in runs]) for key in keys}
    sets = {key: {name: rate(*counts) for name, counts in runs[0][key]["sets"].items()} for key in keys}
    count = sum(len(run[keys[0]]["test"][0]) for run in runs)
    held = ", ".join(f"{run['patients']} ({run['images']} images)" for run in runs)
    lines = [
        "# Unlike the training images" + (" of masks" if runs[0]["task"] == SEGMENT else "")
        + f": {len(methods)} measures, and by whom the threshold is taken", "",
        "    python benchmarks/gate_distribution.py RUN …", "", told_machine(kept), "",
        f"{len(runs)} trainings on Cheng's set; thresholds from {held} patients of the split "
        f"{runs[0]['split']}; {count} test patients. Refused by this step alone, in %; 95 % intervals, over "
        "patients for the test patients, else Wilson's. With fewer than 99 patients (49 at 2 %, 19 at 5 %) "
        "the least alike held-out image still passes.", "",
    ]  # fmt: skip
    for method in methods:
        lines += [
            f"## {method}", "", "| images | " + " | ".join(RULES) + " |", "|---|" + "---:|" * len(RULES),
            "| unseen Cheng patients | "
            + " | ".join(told(patients[f"{method}, {rule}"]) for rule in RULES) + " |",
            *(
                f"| {name} | " + " | ".join(told(sets[f"{method}, {rule}"][name]) for rule in RULES) + " |"
                for name in sets[keys[0]]
            ),
            "",
        ]  # fmt: skip
    summary = {
        key: {"unseen Cheng patients": patients[key]["value"]}
        | {name: one["value"] for name, one in sets[key].items()}
        for key in keys
    }
    return summary, "\n".join(lines)


def pooled(parts: list) -> dict:
    """Return the share of the test images that are refused, with its interval over patients."""
    hits, images = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    interval = ratio_interval(hits, images)
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def rate(refused: int, images: int) -> dict:
    """Return a share with Wilson's interval."""
    low, high = wilson_interval(refused, images)
    return {"value": refused / images, "low": low, "high": high}


def told(found: dict) -> str:
    """Return a rate as words."""
    return f"{100 * found['value']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


if __name__ == "__main__":
    main()
