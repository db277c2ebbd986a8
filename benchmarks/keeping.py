"""What the benchmarks of trainings share: results that survive an interruption, and processes with a clock.

Not a benchmark: run by itself it does nothing.
"""

import csv
import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Both sides of a race have it: where libgomp's threads spin at barriers, a busy neighbour stretches minutes
# to hours. It favours the side that would not set it itself.
# The other: no side sends usage data (ONNX Runtime would).
QUIET = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "ORT_DISABLE_TELEMETRY": "1"}
PROJECT = Path(__file__).resolve().parents[1]
SHARED = Path("..") / "shared"  # relative to the project: results hold no path of a machine
RESULTS = Path("benchmarks") / "results"
WORK = Path("runs")  # not committed: runs, checkpoints, logs
MOBILENET = SHARED / "weights" / "mobilenet_v2-imagenet-features.safetensors"
SQUEEZENET = SHARED / "weights" / "squeezenet1_1-imagenet.safetensors"


def default_folder(name: str) -> Path:
    """Return the folder of today's results."""
    return RESULTS / f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}_{name}"


class Kept:
    """``result.json``, written after each run; a run that is in it is not done again.

    Parameters
    ----------
    folder : Path
        Of the results.
    claim : str
        What is measured.
    settings : dict
        What every run depends on; a folder with runs of other settings is refused.
    """

    def __init__(self, folder: Path, claim: str, settings: dict) -> None:
        self.folder, self.path = folder, folder / "result.json"
        fresh = {"claim": claim, "settings": settings, "machine": machine(), "runs": {}, "summary": {}}
        self.content = json.loads(self.path.read_text()) if self.path.is_file() else fresh
        former = self.content["settings"]
        names = {**former, **settings}
        other = [name for name in names if _plain(former.get(name)) != _plain(settings.get(name))]
        if other:
            sys.exit(f"{self.path} holds runs with other {', '.join(other)}; name another folder with --out")

    @property
    def runs(self) -> dict:
        """Key of a run -> what it gave."""
        return self.content["runs"]

    def once(self, key: str, make: Callable[[], dict]) -> dict:
        """Return the run of this name; do it, and write it down, when it is not there."""
        if key in self.runs:
            print(f"{key}: kept", flush=True)
        else:
            print(f"{key}: …", flush=True)
            load = os.getloadavg()
            self.runs[key] = {**make(), "load_average_before": load}
            self.write()
        return self.runs[key]

    def conclude(self, summary: dict, readme: str) -> None:
        """Write the summary and the page for people."""
        self.content["summary"] = summary
        self.write()
        (self.folder / "README.md").write_text(readme, encoding="utf-8")
        print(json.dumps(_plain(summary), indent=2))

    def write(self) -> None:
        """Write ``result.json``."""
        from gyrus.runs.atomic import write_json

        write_json(self.path, self.content)


def machine() -> dict:
    """Describe the machine and the versions."""
    from gyrus.runs import environment

    return {**environment(), "load_average": os.getloadavg()}


def told_machine(kept: Kept) -> str:
    """Return processor, cores and versions as a sentence."""
    told = kept.content["machine"]
    packages = ", ".join(f"{name} {told['packages'][name]}" for name in ("gyrus", "torch", "onnxruntime"))
    return f"{told['processor']}, {told['cores']} cores; Python {told['python']}, {packages}."


class Clocked(NamedTuple):
    """A process that has ended.

    Attributes
    ----------
    seconds : float
        Wall time from just before it was started.
    lines : list of (float, str)
        What it printed to stdout, each line with the seconds at which it came.
    peak_mib : float
        Most memory that it, or one process that it waited for, had at a time.
    began : float
        Reading of ``time.perf_counter`` just before it was started.
    processor_s : float
        Processor time of it and of the processes that it waited for, all cores together.
    """

    seconds: float
    lines: list[tuple[float, str]]
    peak_mib: float
    began: float
    processor_s: float


def clocked(command: list, *, log: Path) -> Clocked:
    """Run a command in a process of its own, from the project's folder; its stderr goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=stderr, text=True, env=QUIET,
            cwd=PROJECT,
        )  # fmt: skip
        lines = [(time.perf_counter() - began, line) for line in process.stdout]
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
        sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}; {log} ends with\n{tail}")
    processor_s = usage.ru_utime + usage.ru_stime
    return Clocked(seconds, lines, usage.ru_maxrss / 1024, began, processor_s)


class Answered(NamedTuple):
    """A ``gyrus … --json`` that has ended: wall time, what it printed, most memory, processor time."""

    seconds: float
    told: dict
    peak_mib: float
    processor_s: float


def gyrus(*arguments: object, log: Path) -> Answered:
    """Run the command ``gyrus … --json``."""
    command = [Path(sys.executable).with_name("gyrus"), *arguments, "--json"]
    ended = clocked(command, log=log)
    told = json.loads("".join(line for _, line in ended.lines))
    return Answered(ended.seconds, told, ended.peak_mib, ended.processor_s)


def first_step(arguments: list, *, log: Path) -> float:
    """Run the command ``gyrus …``; return the seconds from its start to the end of its first step."""
    told = log.with_suffix(".first-step")
    launcher = Path(__file__).parent / "launchers" / "first_step.py"
    ended = clocked([sys.executable, launcher, told, *arguments], log=log)
    return float(told.read_text()) - ended.began


def epochs_of(run: Path) -> list[dict]:
    """Return the rows of a run's ``metrics.csv``, numbers as numbers."""
    with (run / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: text if name == "stage" else float(text) for name, text in row.items()} for row in rows]


def in_percent(figure: dict) -> str:
    """Return ``94.3 (86.6 to 97.0)``."""
    if figure["low"] is None or figure["low"] != figure["low"]:  # null in a file, NaN before
        return f"{100 * figure['value']:.1f}"
    return f"{100 * figure['value']:.1f} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def _plain(value: object) -> object:
    return json.loads(json.dumps(value, default=str))
