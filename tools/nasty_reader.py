"""A process that reads image files with gyrus one after another and tells how each ended.

    python tools/nasty_reader.py EMPTY_FOLDER < paths > answers

Reads a path a line from stdin and writes a JSON object a line: ``outcome`` (array, error, defect),
what was read or said, wall and processor seconds, how much memory this process and its readers took above
what they had before, and which files were left in the folder for temporary files. It outlives every file, or
the caller sees it end. Linux only: memory is told by ``/proc``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.errors import GyrusError
from gyrus.imaging import DEFAULT_LIMITS, read_image
from gyrus.imaging.frames import frames_of
from gyrus.imaging.seeing import read_and_see
from gyrus.imaging.source import Source

_KIB = 1024


def read(path: Path) -> dict[str, Any]:
    """Read a file as the audit does: what it holds, its pixels, its look; return what came of it."""
    try:
        facts = frames_of(path)
        frame = facts.frames[len(facts.frames) // 2]
        pixels = read_image(Source(path, frame))
    except GyrusError as error:
        return {"outcome": "error", "said": error.message, "kind": type(error).__name__}
    except Exception as error:  # noqa: BLE001 - any other end is what is looked for
        return {"outcome": "defect", "said": f"{type(error).__name__}: {error}"[:300]}
    problem = _wrong(pixels)
    if problem:
        return {"outcome": "defect", "said": problem}
    try:
        seen = read_and_see([Source(path, frame)], lambda *_: True)[0]
    except Exception as error:  # noqa: BLE001 - any other end is what is looked for
        return {"outcome": "defect", "said": f"audit: {type(error).__name__}: {error}"[:300]}
    told = seen.reason or (seen.seen.facts.error if seen.seen else "")
    if told:
        return {"outcome": "defect", "said": f"read as an image, but the audit says: {told}"}
    return {"outcome": "array", "said": "x".join(map(str, pixels.shape)), "frames": len(facts.frames)}


def _wrong(pixels: Any) -> str:
    """Return what is wrong with an answer that should be an image."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3:
        return f"no uint8 (height, width, channels) but {type(pixels).__name__}"
    if pixels.shape[0] * pixels.shape[1] > DEFAULT_LIMITS.max_pixels or 0 in pixels.shape:
        return f"an image of {pixels.shape}"
    return ""


def _processes() -> list[int]:
    """Return this process and all that it started."""
    found, waiting = [], [os.getpid()]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for task in _entries(Path(f"/proc/{process}/task")):
            waiting += [int(child) for child in _text(task / "children").split()]
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def _status(process: int, name: str) -> int:
    """Return a line of ``/proc/PROCESS/status`` in bytes; 0 where it has ended."""
    for line in _text(Path(f"/proc/{process}/status")).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * _KIB
    return 0


class Watch:
    """Memory and processor time of this process and its readers, from one file's start to its end."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}
        for process in _processes():
            try:
                Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak starts anew
            except OSError:
                continue
            self._before[process] = _status(process, "VmRSS")
        self._cpu = self._seconds()
        self._wall = time.perf_counter()

    def seconds(self) -> tuple[float, float]:
        """Return wall and processor seconds since the start."""
        return time.perf_counter() - self._wall, self._seconds() - self._cpu

    def growth(self) -> int:
        """Return the largest growth of one process, in bytes; a new one counts whole, less what it loads."""
        loaded = max(self._before.values(), default=0)
        return max(
            _status(process, "VmHWM") - self._before.get(process, min(loaded, _status(process, "VmRSS")))
            for process in _processes()
        )

    @staticmethod
    def _seconds() -> float:
        """Return processor seconds of this process, of readers that live, and of those that have ended."""
        ticks, children = os.sysconf("SC_CLK_TCK"), _processes()[1:]
        living = 0.0
        for process in children:
            fields = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
            living += (int(fields[11]) + int(fields[12])) / ticks if fields else 0.0
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system + living


def main() -> None:
    """Answer one path a line."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        watch = Watch()
        answer = read(path)
        wall, cpu = watch.seconds()
        left = sorted(str(entry.relative_to(folder)) for entry in folder.rglob("*"))
        answer |= {
            "path": str(path),
            "wall_s": wall,
            "cpu_s": cpu,
            "grown_bytes": watch.growth(),
            "left": left,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
