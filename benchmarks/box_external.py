"""Claim: how often the model in the box is right on slices from elsewhere.

    python benchmarks/box_external.py --out benchmarks/results/DATE_box

Asked are the Testing images of the Sartaj set that are not slices of the Cheng set, which the model was
trained on: the audit finds those by their pixels in any orientation. Its class no_tumor, which the model does
not know, is left out; the other names are mapped. The set has no patients: copies and look-alikes count as
one case in the intervals. The figures go into ``--out`` and, with ``--enter``, into the bundle's card.
"""

import argparse
import json
import shutil
from pathlib import Path

from keeping import SHARED, WORK, default_folder, in_percent

LABEL_MAP = {"glioma_tumor": "glioma", "meningioma_tumor": "meningioma", "pituitary_tumor": "pituitary"}
LEFT_OUT = "no_tumor"


def main() -> None:
    """Choose the images, ask, and keep what it gave."""
    from gyrus import box
    from gyrus.bundles import rewrite_bundle
    from gyrus.verbs.measure import metrics_for_card

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("box"))
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "sartaj" / "Testing")
    parser.add_argument("--model", type=Path, help="default: the model in the box")
    parser.add_argument("--work", type=Path, default=WORK / "box_external")
    parser.add_argument("--enter", action="store_true", help="write the figures into the bundle's card")
    arguments = parser.parse_args()
    model = arguments.model or box.path()
    manifest, counts = foreign_images(arguments.data, arguments.work / "manifest.csv")
    evaluation = asked(model, manifest, arguments.work / "evaluation")
    said = answered(model, manifest)
    result = {
        "claim": "the model in the box on slices from elsewhere",
        "model_digest": digest_of(model), "images": counts, "said": said,
        "figures": evaluation,
    }  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "external.json").write_text(
        json.dumps(result, indent=2, default=str) + "\n", encoding="utf-8"
    )
    predictions = (arguments.work / "evaluation" / "predictions.csv").read_text(encoding="utf-8")
    (arguments.out / "predictions-external.csv").write_text(predictions, encoding="utf-8")
    (arguments.out / "external.md").write_text(readme(counts, evaluation, said), encoding="utf-8")
    print((arguments.out / "external.md").read_text(encoding="utf-8"))
    if arguments.enter:
        figures = metrics_for_card({"external": evaluation})
        figures["external"]["said"] = said
        figures["external"]["of"] = "Sartaj's Testing images that are not Cheng's, without no_tumor"
        rewrite_bundle(model, metrics={**card_of(model)["metrics"], **figures})
        print(f"written into the card of {model.name}")


def foreign_images(data: Path, path: Path) -> tuple[Path, dict]:
    """Write a manifest of the images that the model may be asked about; count the others."""
    from gyrus.auditing.known import recover_slices
    from gyrus.data import load, scan, write_manifest

    scanned = scan(load(data).manifest)
    rows = scanned.manifest.rows
    of_cheng = set(recover_slices(scanned.looks).image.tolist())
    kept, counts = [], {}
    for index, row in enumerate(rows):
        tally = counts.setdefault(row.label, {"images": 0, "of_cheng": 0, "asked": 0})
        tally["images"] += 1
        tally["of_cheng"] += index in of_cheng
        if index not in of_cheng and row.label in LABEL_MAP:
            kept.append(row.with_(label=LABEL_MAP[row.label]))
            tally["asked"] += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(scanned.manifest.with_rows(kept), path)
    return path, counts


def asked(model: Path, manifest: Path, out: Path) -> dict:
    """Return the figures of ``gyrus evaluate MODEL MANIFEST``."""
    import gyrus

    shutil.rmtree(out, ignore_errors=True)  # of a former measurement
    gyrus.evaluate(model, data=manifest, out=out)
    return json.loads((out / "evaluation.json").read_text(encoding="utf-8"))


def answered(model: Path, manifest: Path) -> dict:
    """Return what a user is told: how many images the gate refuses, how many are referred, the rest right."""
    from gyrus.data import read_manifest
    from gyrus.inference import Predictor

    rows = read_manifest(manifest)
    answers = Predictor.load(model).predict([rows.source_of(row) for row in rows])
    tally = {"refused": 0, "referred": 0, "answered": 0, "right": 0}
    for row, answer in zip(rows, answers, strict=True):
        if answer.refused is not None:
            tally["refused"] += 1
        elif answer.decided is not None and answer.decided.refer:
            tally["referred"] += 1
        else:
            tally["answered"] += 1
            tally["right"] += answer.label == row.label
    return tally


def digest_of(model: Path) -> str:
    """Return the digest over the model's graphs; the card may change."""
    from gyrus.bundles import read_bundle

    return read_bundle(model).model_digest


def card_of(model: Path) -> dict:
    """Return the model's card."""
    from gyrus.bundles import read_bundle

    return read_bundle(model).card


def readme(counts: dict, figures: dict, said: dict) -> str:
    """Return the page for people."""
    asked_about = sum(tally["asked"] for tally in counts.values())
    lines = [
        "# The model in the box on slices from elsewhere",
        "",
        "```",
        "python benchmarks/box_external.py",
        "```",
        "",
        f"Sartaj's Testing images, {asked_about} of {sum(tally['images'] for tally in counts.values())}: "
        "without slices of the Cheng set (what the model was trained on) and without no_tumor (which it does "
        "not know).",
        "",
        "| class in Sartaj | images | of them Cheng's | asked |",
        "|---|---|---|---|",
        *(f"| {name} | {tally['images']} | {tally['of_cheng']} | {tally['asked']} |"
          for name, tally in sorted(counts.items())),
        "",
        f"Right: {in_percent(figures['accuracy'])} %; balanced over the classes "
        f"{in_percent(figures['balanced_accuracy'])} %. Always answering the largest class "
        f"({figures['majority_baseline']['label']}): {100 * figures['majority_baseline']['accuracy']:.1f} %.",
        "",
        f"That is with an answer for every image. As it ships, the input gate refuses {said['refused']} of "
        f"the {asked_about}, {said['referred']} are referred to a person, and of the {said['answered']} "
        f"others {said['right']} are answered rightly.",
        "",
        "| class | sensitivity, % | images |",
        "|---|---|---|",
        *(f"| {name} | {in_percent(item['sensitivity'])} | {item['support']} |"
          for name, item in figures["per_class"].items()),
        "",
        f"Intervals: 95 %; copies and look-alikes count as one case ({figures['n_clusters']} cases).",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
