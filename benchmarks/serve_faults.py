"""Claim: no fault that was thought of loses an acknowledged case or leaves half of one.

    python benchmarks/serve_faults.py --out benchmarks/results/DATE_serve_faults

The faults are the tests of the store and of the server's attackers, the long ones of `make soak` with them: a
writer and a whole server killed while they write, the database away and back, silence during a commit, full
disks, fifty writers, three processes that open one store, hostile files, tricks of forms and connections,
slow clients, planted names. Each is run once more here, and its outcome and time are written into a table.

A suite is kept when it ends; an interrupted benchmark goes on where it was.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from keeping import PROJECT, WORK, Kept, default_folder, told_machine

SUITES = {
    "killed, away, silent, full": ["tests/serving/store/test_store_faults.py"],
    "several writers, several processes": [
        "tests/serving/store/test_store_processes.py", "tests/serving/store/test_store_cases.py",
    ],
    "deletion, migrations, export": [
        "tests/serving/store/test_store_deletion.py", "tests/serving/store/test_store_migrations.py",
        "tests/serving/store/test_store_export.py",
    ],
    "the same through HTTP": ["tests/serving/store/test_store_http.py"],
    "attacks": ["tests/serving/hostile"],
}  # fmt: skip
HALF_AN_HOUR = "tests/serving/hostile/test_soak_of_all_kinds.py"  # a benchmark of its own: serve_soak.py


def main() -> None:
    """Run every suite, and conclude; end with 1 where one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("serve_faults"))
    parser.add_argument("--work", type=Path, default=WORK / "serve_faults")
    parser.add_argument("--without-soak", action="store_true", help="leave the long ones out, and say so")
    arguments = parser.parse_args()
    kept = Kept(arguments.out, "faults of server and store", {"soak": not arguments.without_soak})
    for name, files in SUITES.items():
        kept.once(name, lambda name=name, files=files: ran(name, files, arguments))
    conclude(kept)
    if any(test["outcome"] == "failed" for suite in kept.runs.values() for test in suite["tests"]):
        sys.exit(1)


def ran(name: str, files: list[str], arguments: argparse.Namespace) -> dict:
    """Run the tests of a suite; return what became of each."""
    told = (arguments.work / f"{name.replace(', ', '-').replace(' ', '-')}.xml").absolute()
    told.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", *files, "--deselect", HALF_AN_HOUR, "-q", f"--junitxml={told}"]
    command += ["-m", "not soak"] if arguments.without_soak else []
    with told.with_suffix(".log").open("w") as log:
        subprocess.run(
            command, cwd=PROJECT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log,
            check=False,
        )  # fmt: skip
    return {"tests": [_read(case) for case in ElementTree.parse(told).iter("testcase")]}


def _read(case: ElementTree.Element) -> dict:
    outcome = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
    return {
        "file": case.get("classname", "").rpartition(".")[2],
        "test": case.get("name", ""),
        "seconds": float(case.get("time", "0")),
        "outcome": "passed" if outcome is None else "skipped" if outcome.tag == "skipped" else "failed",
    }


def conclude(kept: Kept) -> None:
    """Count, and write the page."""
    lines = ["# Faults of server and store", "", "```", "python benchmarks/serve_faults.py", "```", ""]
    lines += [
        f"{told_machine(kept)} Each fault is a test; `[sqlite]` and `[postgresql]` tell the database.",
        "",
    ]
    if not kept.content["settings"]["soak"]:
        lines += ["Without the long ones of `make soak`.", ""]
    summary = {}
    for name, suite in kept.runs.items():
        tests = suite["tests"]
        summary[name] = {
            state: sum(test["outcome"] == state for test in tests)
            for state in ("passed", "failed", "skipped")
        }
        lines += [f"## {name}", "", "| fault | outcome | s |", "|---|---|---|"]
        lines += [
            f"| {test['test'].removeprefix('test_').replace('_', ' ').replace('|', ' ')} | {test['outcome']} "
            f"| {test['seconds']:.1f} |"
            for test in tests
        ]
        lines += [""]
    kept.conclude(summary, "\n".join(lines))


if __name__ == "__main__":
    main()
