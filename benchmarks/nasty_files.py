"""Claim: every nasty file ends within 10 s and 1 GiB in an array or a named error, and the process lives on.

    python benchmarks/nasty_files.py [--mutations 2000] [--scale 16] [--out FOLDER]

Reads the test files of pydicom and nibabel, pydicom-data (pip install pydicom-data), ../shared, files damaged
at random, and the bombs of tools/make_bombs.py, each collection in one process (tools/nasty_reader.py), as
the audit reads a file: which images it holds, pixels of the one in the middle, its look. The reader's child
processes count, too: their time, and the most that one of them grew by.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from keeping import Kept, default_folder, told_machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from make_bombs import write_bombs
from nasty_corpora import MOST_BYTES, MOST_SECONDS, corpora, problems, read_all, write_mutations

MIB = 2**20
SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--scale", type=int, default=16)
    parser.add_argument("--out", type=Path, default=default_folder("nasty_files"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    settings = {
        "mutations": given.mutations,
        "scale": given.scale,
        "most_s": MOST_SECONDS,
        "most": MOST_BYTES,
    }
    kept = Kept(given.out, __doc__.splitlines()[0], settings)
    for name, paths in corpora().items():
        if paths:
            kept.once(name, lambda paths=paths: measured(paths))
        else:
            print(f"{name}: not here, left out", flush=True)
    kept.once(f"{given.mutations} damaged at random", lambda: on_damaged(given.mutations))
    kept.once("bombs", lambda: on_bombs(given.scale))
    kept.conclude(
        {
            name: {key: value for key, value in run.items() if key != "said"}
            for name, run in kept.runs.items()
        },
        page(kept),
    )


def on_damaged(count: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        return measured(write_mutations(Path(folder), count))


def on_bombs(scale: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        return measured(write_bombs(Path(folder), scale))


def measured(paths: Sequence[Path]) -> dict:
    """Read a collection and return its line of the table."""
    with tempfile.TemporaryDirectory() as empty:
        answers = list(read_all(paths, Path(empty) / "temporary"))
    ends = Counter(answer["outcome"] for answer in answers)
    slowest = max(answers, key=lambda answer: answer["cpu_s"])
    largest = max(answers, key=lambda answer: answer["grown_bytes"])
    said = Counter(_shortened(answer) for answer in answers if answer["outcome"] == "error")
    return {
        "files": len(paths),
        "arrays": ends["array"],
        "errors": ends["error"],
        "defects": ends["defect"],
        "problems": problems(answers),
        "slowest_wall_s": max(answer["wall_s"] for answer in answers),
        "slowest_cpu_s": slowest["cpu_s"],
        "slowest": Path(slowest["path"]).name,
        "grown_mib": largest["grown_bytes"] / MIB,
        "largest": Path(largest["path"]).name,
        "left": sum(bool(answer["left"]) for answer in answers),
        "said": dict(said.most_common(SHOWN)),
    }


def _shortened(answer: dict) -> str:
    """Return an error without its numbers, so that equal ones count as one."""
    words = ["…" if any(letter.isdigit() for letter in word) else word for word in answer["said"].split()]
    return " ".join(words)[:90]


def page(kept: Kept) -> str:
    lines = [
        f"| {name} | {run['files']:,} | {run['arrays']:,} | {run['errors']:,} | {run['defects']} "
        f"| {run['slowest_cpu_s']:.1f} / {run['slowest_wall_s']:.1f} (`{run['slowest']}`) "
        f"| {run['grown_mib']:.0f} (`{run['largest']}`) | {run['left']} |"
        for name, run in kept.runs.items()
    ]
    said = [
        line
        for name, run in kept.runs.items()
        for line in (
            f"## Errors: {name}",
            "",
            *(f"- {count} x {text}" for text, count in run["said"].items()),
            "",
        )
    ]
    wrong = [f"- {name}: {text}" for name, run in kept.runs.items() for text in run["problems"]]
    beyond = "Beyond the bounds, or neither array nor error:" + ("" if wrong else " none.")
    return "\n".join([
        "# Nasty files", "", told_machine(kept), "",
        "Each collection is read in one process that must outlive it. Seconds: processor / clock of the "
        "slowest file; MiB: the most that the process, or one of its readers, grew by at a file; left: files "
        "after which a temporary file remained.", "",
        "| collection | files | arrays | named errors | neither | slowest, s | most, MiB | left |",
        "|---|---|---|---|---|---|---|---|", *lines, "", beyond, "", *wrong, "", *said,
    ])  # fmt: skip


if __name__ == "__main__":
    main()
