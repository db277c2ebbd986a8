"""Measure what an installation weighs: a fresh environment, the wheel, and the sizes of all files.

    python tools/measure_install.py --out benchmarks/results/DATE_install_size

Builds the wheel of this checkout, installs it without any extra into a new virtual environment (versions from
constraints.txt), and sums the files that came, the byte code that pip makes of them included; pip itself,
which every environment has, is left out. Exit 1 when that is more than ``--limit-mb`` (220), or when it
brings torch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NOT_OURS = ("pip", "setuptools", "wheel")


def main() -> None:
    """Install, sum, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder for result.json; default: only print")
    parser.add_argument("--limit-mb", type=float, default=220.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measured(Path(folder))
    result["limit_mb"] = arguments.limit_mb
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2) + "\n"
        (arguments.out / "result.json").write_text(text, encoding="utf-8")
    print(json.dumps(result, indent=2))
    if result["total_mb"] > arguments.limit_mb or "torch" in result["packages_mb"]:
        sys.exit(1)


def measured(folder: Path) -> dict:
    """Return sizes in MB (10^6 bytes) of a base installation made in ``folder``."""
    source = folder / "source"  # a build in the checkout would leave a folder that the next one packs
    shutil.copytree(
        PROJECT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(PROJECT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder / "wheel", source], check=True)
    (wheel,) = (folder / "wheel").glob("gyrus-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "-c", PROJECT / "constraints.txt", wheel],
        check=True,
    )  # fmt: skip
    told = subprocess.run(
        [python, "-c", _SIZES], capture_output=True, text=True, check=True, cwd=folder
    )  # fmt: skip
    packages = {name: size for name, size in json.loads(told.stdout).items() if name not in NOT_OURS}
    help_ = subprocess.run(
        [python.with_name("gyrus"), "--help"], capture_output=True, text=True, check=True, cwd=folder
    )
    return {
        "claim": "the base installation, without any extra",
        "command": "python tools/measure_install.py",
        "wheel_mb": round(wheel.stat().st_size / 1e6, 2),
        "total_mb": round(sum(packages.values()) / 1e6, 1),
        "packages_mb": {
            name: round(size / 1e6, 2) for name, size in sorted(packages.items(), key=lambda item: -item[1])
        },
        "works": help_.stdout.lstrip().startswith("usage"),
        "python": sys.version.split()[0],
        "platform": sys.platform,
    }


_SIZES = """
import json
from importlib import metadata
sizes = {}
for distribution in metadata.distributions():
    files = {path for file in distribution.files or () if (path := file.locate().resolve()).is_file()}
    sizes[distribution.metadata["Name"]] = sum(path.stat().st_size for path in files)
print(json.dumps(sizes))
"""

if __name__ == "__main__":
    main()
