"""Claim: which measure of "unlike the training images" tells most, at the same share of refused patients.

    python benchmarks/gate_distribution.py RUN [--out benchmarks/results/DATE_gate_distribution]

RUN: a training on Cheng's set with the splits val, cal and test. Each method is fitted on outputs of the
training images, its threshold on the split cal (or val); it is judged on the test patients and other sets.
What the step "a brain MRI at all" refuses before is not taken out: the rates are of this step alone.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from keeping import PROJECT, Kept, default_folder, told_machine

sys.path.insert(0, str(PROJECT / "tools"))
from gate_images import GENERATED, folder, generated, mnist, phantom

from gyrus.auditing.known import recover_slices
from gyrus.data import read_manifest
from gyrus.decision.distribution import METHODS
from gyrus.decision.gate_fitting import fit_distribution
from gyrus.imaging.look import coarse, looks_of
from gyrus.inference import Predictor, predict_rows
from gyrus.metrics.intervals import ratio_interval, wilson_interval
from gyrus.runs import RunFolder
from gyrus.verbs.gating import features_of
from gyrus.verbs.training_outputs import training_outputs

MOST = 300  # images of a set
SEED = 99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=default_folder("gate_distribution"))
    parser.add_argument("--false-refusals", type=float, default=0.01)
    given = parser.parse_args()
    run = RunFolder(given.run)
    predictor, manifest = Predictor.load(run.bundle), read_manifest(run.manifest)
    given.out.mkdir(parents=True, exist_ok=True)
    settings = {"model": predictor.model_digest, "false_refusals": given.false_refusals, "most": MOST}
    kept = Kept(given.out, __doc__.splitlines()[0], settings)
    split = "cal" if len(manifest.select("cal")) else "val"
    training = features_of(training_outputs(predictor, manifest), manifest)
    held_out = features_of(predict_rows(predictor, manifest, split)[1], manifest)
    predictions, outputs = predict_rows(predictor, manifest, "test")
    test = features_of(outputs, manifest)
    others = {name: asked(predictor, images) for name, images in other_sets().items()}
    for method in METHODS:
        step, fitted = fit_distribution(
            training, held_out, split=split, method=method, false_refusals=given.false_refusals
        )
        groups, index = np.unique(predictions.group_ids, return_inverse=True)
        refused = step.scores(test.embedding, test.logits) < step.threshold
        hits = np.bincount(index, weights=refused, minlength=len(groups))
        by_patient = ratio_interval(hits, np.bincount(index))
        found = {"unseen Cheng patients": {
            "refused": int(refused.sum()), "images": len(refused), "patients": len(groups),
            "low": by_patient.low, "high": by_patient.high,
        }}  # fmt: skip
        for name, (embedding, logits) in others.items():
            count = int((step.scores(embedding, logits) < step.threshold).sum())
            low, high = wilson_interval(count, len(logits))
            found[name] = {"refused": count, "images": len(logits), "low": low, "high": high}
        kept.once(method, lambda found=found, fitted=fitted: {"fitted": fitted, "rates": found})
    kept.conclude(*concluded(kept))


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
    names = list(kept.runs["energy"]["rates"])
    lines = [
        "| images | " + " | ".join(METHODS) + " |",
        "|---|" + "---|" * len(METHODS),
        *(
            f"| {name} | " + " | ".join(told(kept.runs[m]["rates"][name]) for m in METHODS) + " |"
            for name in names
        ),
    ]
    readme = [
        "# Unlike the training images: three measures", "", f"{told_machine(kept)}", "",
        "Refused at the same share of held-out images. Intervals at 95 %: by patient for the test patients, "
        "else Wilson's.", "", *lines, "",
    ]  # fmt: skip
    summary = {m: {n: r["refused"] / r["images"] for n, r in kept.runs[m]["rates"].items()} for m in METHODS}
    return summary, "\n".join(readme)


def told(rate: dict) -> str:
    """Return a rate as words."""
    share = 100 * rate["refused"] / rate["images"]
    return f"{share:.1f} % [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"


if __name__ == "__main__":
    main()
