"""What the gate of the model in the box says of CT, other DICOM and NIfTI, with counts.

    python benchmarks/gate_on_scans.py [--out FOLDER]

The images of ``../shared/data/dicom_nifti`` and of pydicom's own test files (with pydicom-data's where that
package is there), each pixel array once, a volume's slices each: by format, modality and body part as the
file tells them, how many are refused and by which step, referred, or answered. The model knows three tumours
on T1 slices with contrast agent: every answer to one of these is one too many.
"""

import argparse
import importlib.util
from collections import Counter, defaultdict
from pathlib import Path

import pydicom.data
from keeping import SHARED, Kept, default_folder, told_machine

import gyrus
from gyrus import box
from gyrus.errors import GyrusError
from gyrus.imaging.frames import frames_of


def main() -> None:
    """Ask the model about every folder, count, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("gate_on_scans"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = Kept(arguments.out, "what the box's gate says of other scans", {})
    for name, folder in folders().items():
        kept.once(name, lambda folder=folder: asked(folder))
    total: dict[str, Counter] = defaultdict(Counter)
    for run in kept.runs.values():
        for kind, counts in run["counts"].items():
            total[kind].update(counts)
    kept.conclude({"counts": {kind: dict(counts) for kind, counts in total.items()}}, page(kept, total))


def folders() -> dict[str, Path]:
    """Name -> folder of scans."""
    found = {
        "dicom_nifti": SHARED / "data" / "dicom_nifti",
        "pydicom's test files": Path(pydicom.data.__file__).parent / "test_files",
    }
    more = importlib.util.find_spec("data_store")  # what the package pydicom-data installs
    if more is not None and more.origin is not None:
        found["pydicom-data"] = Path(more.origin).parent
    return found


def asked(folder: Path) -> dict:
    """Return the counts by kind of scan, and how many files got no answer because they cannot be read."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and is_scan(path))
    answers = gyrus.predict(paths, box.path())
    counts: dict[str, Counter] = defaultdict(Counter)
    seen = set()
    for record in answers.predictions:
        if record["input"]["pixel_hash"] in seen:
            continue
        seen.add(record["input"]["pixel_hash"])
        counts[kind_of(record)][outcome(record)] += 1
    return {"files": len(paths), "unreadable": len(answers.failures), "counts": counts}


def is_scan(path: Path) -> bool:
    """Tell whether the header says that the file holds frames."""
    try:
        return frames_of(path).kind in ("dicom", "nifti")
    except GyrusError:
        return False


def kind_of(record: dict) -> str:
    """Return format, modality and body part, as the file's header tells them."""
    file = Path(record["input"]["file"])
    told = frames_of(file)
    parts = [told.kind, told.facts.get("modality", ""), told.facts.get("body_part", "")]
    return ", ".join(part for part in parts if part)


def outcome(record: dict) -> str:
    """Return what came of an image."""
    refused = [finding["step"] for finding in record["gate"]["findings"] if not finding["passed"]]
    if refused:
        return refused[0]
    return "referred" if record["decision"]["refer"] else "answered"


def page(kept: Kept, total: dict[str, Counter]) -> str:
    """Return the page for people."""
    lines = [
        "# What the gate of the model in the box says of other scans", "",
        "```", "python benchmarks/gate_on_scans.py", "```", "", told_machine(kept), "",
        "| what | images | refused: no brain MRI | refused: unlike the training | referred | answered |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    whole = Counter()
    for kind, counts in sorted(total.items()):
        whole.update(counts)
        lines.append(_row(kind, counts))
    lines += [_row("**all**", whole), ""]
    for name, run in kept.runs.items():
        lines.append(
            f"- {name}: {run['files']} files with frames, {run['unreadable']} images could not be read."
        )
    return "\n".join([*lines, ""])


def _row(kind: str, counts: Counter) -> str:
    cells = [sum(counts.values()), *(counts[step] for step in ("brain_mri", "distribution", "referred"))]
    return f"| {kind} | {' | '.join(map(str, cells))} | {counts['answered']} |"


if __name__ == "__main__":
    main()
