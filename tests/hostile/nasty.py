"""Reading nasty files in a process of its own, and what must hold of each."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

TOOLS = Path(__file__).resolve().parents[2] / "tools"
MOST_SECONDS = 10.0
MOST_BYTES = 2**30


def tool(name: str) -> ModuleType:
    """Return a module of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_all(paths: Iterable[Path], folder: Path) -> Iterator[dict[str, Any]]:
    """Read files in one process that must outlive them all; yield what it says of each.

    Parameters
    ----------
    paths : iterable of Path
    folder : Path
        Where temporary files would go; it must be empty and stay so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(TOOLS / "nasty_reader.py"), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for path in paths:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                raise AssertionError(f"the process ended with {path}: {process.stderr.read()[-2000:]}")
            yield json.loads(line)
        process.stdin.close()
        assert process.wait(30) == 0


def problems(answers: Iterable[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the answers, a line each.

    Time is the processor's where that is less than the clock's: a busy neighbour makes no file slow.
    """
    found = []
    for answer in answers:
        name = Path(answer["path"]).name
        if answer["outcome"] == "defect":
            found.append(f"{name}: {answer['said']}")
        if answer["outcome"] == "error" and not answer["said"]:
            found.append(f"{name}: an error that says nothing")
        if min(answer["cpu_s"], answer["wall_s"]) > MOST_SECONDS:
            found.append(f"{name}: {answer['cpu_s']:.1f} s of the processor, {answer['wall_s']:.1f} s")
        if answer["grown_bytes"] > MOST_BYTES:
            found.append(f"{name}: {answer['grown_bytes'] / 2**20:.0f} MiB more")
        if answer["left"]:
            found.append(f"{name}: leaves {answer['left']}")
    return found
