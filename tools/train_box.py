"""Train the model in the box, and write it into the package with its card.

    python tools/train_box.py            # or: make box, which also measures it on foreign images
    python tools/train_box.py --regate   # the bundle as it is, with the present gate's step "brain_mri"

The recipe is this file: the options below, on the Cheng set (Figshare 1512427, CC BY 4.0), from ImageNet
weights. The run, with its report, lies in ``runs/box``; the bundle is the run's, with a card for people who
did not train it, and with its training cases as embeddings and hashes, never as pictures.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gyrus import box
from gyrus.bundles import Bundle, encode_arrays, read_bundle, rewrite_bundle
from gyrus.bundles.arrays import decode_arrays
from gyrus.bundles.members import GATE, NEIGHBOURS
from gyrus.decision.brain_mri import shipped
from gyrus.decision.gate import Gate
from gyrus.imaging import read_image
from gyrus.runs import RunFolder
from gyrus.verbs.gating import AUTO_IMAGES, AUTO_SHARE, enter_gate, share_of_brain_mri
from gyrus.verbs.measure import metrics_for_card

SHARED = Path("..") / "shared"
FOLDS = Path("benchmarks") / "results" / "2026-11-20_recipe_choice_cheng" / "upper__8_epochs-evaluation.json"
TARGET = Path("src") / "gyrus" / "box" / box.NAME
LARGEST = 12_000_000
"""Bytes that the bundle may have."""

ARCHITECTURE = "mobilenetv2_100"
OPTIONS = (
    "--recipe upper --epochs 8 --image-size 224 --select last --val-fraction 0.05 --cal-fraction 0.15 "
    "--test-fraction 0 --seed 0 --calibration temperature --positive glioma --min-sensitivity 0.9"
)
ATTRIBUTION = (
    "Jun Cheng, brain tumor dataset, Figshare, https://doi.org/10.6084/m9.figshare.1512427, CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/)"
)
NOTES = (
    f"Trained on {ATTRIBUTION}. What is in this file are weights, embeddings and hashes made from its "
    "slices, and no slice.",
    "Knows three answers: glioma, meningioma, pituitary (tumour). It was never shown a brain without a "
    "tumour, another disease, another sequence than T1 with contrast agent, or a body part other than the "
    "head; asked for the most probable class, it names one of the three for each of them.",
    "The slices come from two hospitals in China, taken from 2005 to 2010; in every one the tumour's border "
    "was drawn by radiologists (Cheng et al. 2015, doi 10.1371/journal.pone.0140381).",
    "The figures under 'folds' are those of the same recipe in a cross-validation in which every patient is "
    "unseen once (benchmarks/results/2026-11-20_recipe_choice_cheng): of five models, none of which is this "
    "one. It was one of eight recipes that were tried there, so its figure is a little optimistic; choosing "
    "among the eight without the tested patients gave 94.4 % (91.6 to 96.1).",
)
INTENDED_USE = (
    "Trying gyrus, teaching, and a starting point for research: a T1 slice with contrast agent of a head in "
    "which a tumour is known to be. gyrus is a research tool, not a medical device: no answer of this model "
    "may decide about a patient."
)


def main() -> None:
    """Train, complete the card, write the bundle into the package."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "cheng")
    parser.add_argument(
        "--weights", type=Path, default=SHARED / "weights" / "mobilenet_v2-imagenet-features.safetensors"
    )
    parser.add_argument("--options", default=OPTIONS, help="options of gyrus train, as one string")
    parser.add_argument("--folds", type=Path, default=FOLDS, help="evaluation of the cross-validation")
    parser.add_argument("--work", type=Path, default=Path("runs") / "box", help="the run folder; made anew")
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument(
        "--regate", action="store_true", help="train nothing; exchange the gate's step before the network"
    )
    arguments = parser.parse_args()
    if arguments.regate:
        print(f"{arguments.target}: digest {regate(arguments.target, images_of(arguments.data))}")
        return
    shutil.rmtree(arguments.work, ignore_errors=True)
    train(arguments)
    digest = finish(RunFolder(arguments.work).bundle, arguments.target, arguments.folds)
    print(f"{arguments.target}: {arguments.target.stat().st_size:,} bytes, digest {digest}")


def train(arguments: argparse.Namespace) -> None:
    """Run ``gyrus train``, which audits, divides by patient, trains, exports and measures."""
    data = arguments.data
    command = [
        Path(sys.executable).with_name("gyrus"), "train", data,
        "--subjects", data / "patients.csv", "--on", "file_number",
        "--subject-column", "patient_base_id", "--label-column", "class",
        "--architecture", ARCHITECTURE, "--weights", arguments.weights,
        *shlex.split(arguments.options), "--out", arguments.work,
    ]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True)


def finish(run_bundle: Path, target: Path, folds: Path) -> str:
    """Write the run's bundle to ``target`` with the card of the box; return its digest."""
    bundle = read_bundle(run_bundle)
    card = bundle.card
    cross_validated = metrics_for_card({"folds": json.loads(folds.read_text(encoding="utf-8"))})
    changes: dict[str, Any] = {
        "name": "gyrus-box-cheng",
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        "notes": [*card["notes"], *NOTES],
        "data": {**card["data"], "licence": ATTRIBUTION},
        "metrics": {**(card["metrics"] or {}), **cross_validated},
    }
    members = {}
    if card["neighbours"] is not None:
        room = LARGEST - run_bundle.stat().st_size + len(bundle.members[NEIGHBOURS])
        changes["neighbours"], members[NEIGHBOURS] = without_pictures(bundle, room - 100_000)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = rewrite_bundle(run_bundle, to=target, members=members, **changes)
    if target.stat().st_size > LARGEST:
        sizes = {name: len(data) for name, data in read_bundle(target).members.items()}
        target.unlink()
        sys.exit(f"the bundle has more than {LARGEST:,} bytes and was not kept: {sizes}")
    return digest


def images_of(data: Path) -> list[Path]:
    """Return as many of the set's images, spread over it, as ``gyrus train`` looks at for its gate."""
    paths = sorted((data / "images").glob("*.jpg"))
    return [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, AUTO_IMAGES).astype(int))]


def regate(target: Path, images: list[Path]) -> str:
    """Exchange the step "a brain MRI at all" of a bundle for the one that gyrus ships; return its digest.

    That step is the same in every bundle and knows nothing of the network; what the gate measures after the
    network was fitted on its outputs, and stays. As in training, the step must pass the model's own images.
    """
    bundle = read_bundle(target)
    if GATE not in bundle.members:
        sys.exit(f"{target} has no gate to exchange a step of: train it anew")
    former = Gate.from_bundle(bundle.card, decode_arrays(bundle.members[GATE], name=GATE))
    gate = Gate(shipped(), former.distribution, former.fitted)
    share = share_of_brain_mri(gate.brain_mri, (read_image(path) for path in images))
    if share < AUTO_SHARE:
        sys.exit(f"the step passes {100 * share:.0f} % of {len(images)} images of the model's own set only")
    grown = len(encode_arrays(gate.to_arrays())) - len(bundle.members[GATE])
    if target.stat().st_size + grown > LARGEST:
        sys.exit(f"with that gate the bundle would have more than {LARGEST:,} bytes; nothing was written")
    return enter_gate(target, gate)


def without_pictures(bundle: Bundle, room: int) -> tuple[dict[str, Any], bytes]:
    """Return the card's field and the member of as many neighbours as fit, without thumbnails.

    The cases that do not fit are still known by their hashes.
    """
    arrays = {
        name: np.asarray(values)
        for name, values in decode_arrays(bundle.members[NEIGHBOURS], name=NEIGHBOURS).items()
    }
    arrays.pop("thumbnails", None)
    field = {**bundle.card["neighbours"], "thumbnails": False}
    count = field["count"]
    others = {name: values for name, values in arrays.items() if name.startswith("other_")}
    cases = {name: values for name, values in arrays.items() if name not in others}
    a_case = sum(values.nbytes for values in cases.values()) / count
    left_for_cases = room - sum(values.nbytes for values in others.values())
    fits = max(1, min(count, int(left_for_cases / a_case)))
    kept = np.unique(np.linspace(0, count - 1, fits).round().astype(int))  # spread over the manifest's order
    left = np.setdiff1d(np.arange(count), kept)
    if len(left) and field["hashes"]:
        for name in ("sha256", "pixel_hash"):
            former = others.get(f"other_{name}", cases[name][:0])
            others[f"other_{name}"] = np.concatenate([former, cases[name][left]])
    field |= {"count": len(kept), "others": len(others["other_sha256"]) if field["hashes"] and others else 0}
    return field, encode_arrays({**{name: values[kept] for name, values in cases.items()}, **others})


if __name__ == "__main__":
    main()
