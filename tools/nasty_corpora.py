"""Collections of nasty files, and what must hold when they are read one after another in one process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bombs.mutations import mutations, sound_pictures

from gyrus.imaging.kinds import kind_of

TOOLS = Path(__file__).resolve().parent
SHARED = TOOLS.parents[1] / "shared" / "data" / "dicom_nifti"
MOST_SECONDS = 10.0
MOST_BYTES = 2**30
_LARGEST_SEED = 300_000
_PIXEL_TAGS = (b"\xe0\x7f\x10\0", b"\x7f\xe0\0\x10")
_PACKAGED = {
    "pydicom's test files": ("pydicom", "data/test_files"),
    "pydicom's character sets": ("pydicom", "data/charset_files"),
    "pydicom-data": ("data_store", "data"),
    "nibabel's tests/data": ("nibabel", "tests/data"),
}


def corpora() -> dict[str, list[Path]]:
    """Return the files of installed packages and of the shared folder, by name; none where it is absent."""
    found = {name: _below(_inside(*place)) for name, place in _PACKAGED.items()}
    return found | {"shared/data/dicom_nifti": _below(SHARED if SHARED.is_dir() else None)}


def _inside(package: str, folder: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent / folder if spec is not None and spec.origin else None


def _below(folder: Path | None) -> list[Path]:
    return [] if folder is None else sorted(path for path in folder.rglob("*") if _is_data(path))


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts


def write_mutations(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write damaged copies of small sound files of all formats and return their paths."""
    kept = [path for paths in corpora().values() for path in paths if path.stat().st_size <= _LARGEST_SEED]
    sound = [(data, path.name) for path in kept if _may_hold_pixels(data := path.read_bytes())]
    sound += [(data, "picture") for data in sound_pictures()]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (chosen, data) in enumerate(mutations([data for data, _ in sound], count, seed)):
        path = folder / f"{number:05d}-{sound[chosen][1]}"
        path.write_bytes(data)
        paths.append(path)
    return paths


def _may_hold_pixels(data: bytes) -> bool:
    """Tell whether damage to a file may reach a decoder: of a file without pixels little would be tried."""
    kind = kind_of(data)
    return kind == "nifti" or (kind == "dicom" and any(tag in data for tag in _PIXEL_TAGS))


def read_all(paths: Iterable[Path], folder: Path) -> Iterator[dict[str, Any]]:
    """Read files in one process that must outlive them all; yield what it says of each.

    Parameters
    ----------
    paths : iterable of Path
    folder : Path
        Where temporary files would go; it must be empty and stay so.

    Raises
    ------
    AssertionError
        When the process ends before its last file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(TOOLS / "nasty_reader.py"), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for path in paths:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"the process ended with {path}: exit status {process.wait()}")
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
