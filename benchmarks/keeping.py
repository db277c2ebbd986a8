"""What the benchmarks of trainings share: results that survive an interruption, and processes with a clock.

Not a benchmark: run by itself it does nothing.
"""

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Both sides of a race have it: where libgomp's threads spin at barriers, a busy neighbour stretches minutes to
# hours. It favours the side that would not set it itself.
QUIET = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
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


def clocked(command: list, *, log: Path) -> tuple[float, list[tuple[float, str]]]:
    """Run a command in a process of its own, from the project's folder.

    Returns
    -------
    seconds : float
        Wall time from just before the process is started until it has ended.
    lines : list of (float, str)
        What it printed to stdout, each line with the seconds at which it came; stderr goes to ``log``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stderr:
        began = time.perf_counter()
        with subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=stderr, text=True, env=QUIET,
            cwd=PROJECT,
        ) as process:  # fmt: skip
            lines = [(time.perf_counter() - began, line) for line in process.stdout]
        seconds = time.perf_counter() - began
    if process.returncode:
        tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
        sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}; {log} ends with\n{tail}")
    return seconds, lines


def gyrus(*arguments: object, log: Path) -> tuple[float, dict]:
    """Run the command ``gyrus … --json``; return the wall time and what it printed."""
    command = [Path(sys.executable).with_name("gyrus"), *arguments, "--json"]
    seconds, lines = clocked(command, log=log)
    return seconds, json.loads("".join(line for _, line in lines))


def _plain(value: object) -> object:
    return json.loads(json.dumps(value, default=str))
