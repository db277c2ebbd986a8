"""One small run, trained once, that the end-to-end tests look at from all sides."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gyrus.cli import main
from gyrus.phantom import Faults, Phantom, write_cohort

BLOCKER = '''
import sys
BLOCKED = {"torch", "torchvision", "lightning", "timm", "onnx", "onnxscript", "matplotlib", "scipy",
           "sklearn", "pandas", "safetensors", "cryptography"}

from importlib.machinery import PathFinder
find = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    """Make the packages of the extras look as if they were not installed."""
    return None if name.split(".")[0] in BLOCKED else find(name, path, target)

PathFinder.find_spec = find_spec
'''


def gyrus(*arguments, cwd=None, base=None):
    """Run the command line as a process; with ``base`` as if only the base were installed."""
    environment = dict(os.environ)
    if base is not None:
        (base / "sitecustomize.py").write_text(BLOCKER)
        environment["PYTHONPATH"] = str(base)
    return subprocess.run(
        [sys.executable, "-m", "gyrus", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )


@pytest.fixture
def gyrus_here(capsys):
    """Run the command line in this process, which has torch loaded already; where its start is no matter."""

    def run(*arguments):
        code = main([str(word) for word in arguments])
        return SimpleNamespace(returncode=code, stderr=capsys.readouterr().err)

    return run


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A folder with a sound cohort, a leaking one, and a cache of its own."""
    folder = tmp_path_factory.mktemp("line")
    os.environ["GYRUS_CACHE"] = str(folder / "cache")
    phantom = Phantom(subjects=32, slices_per_subject=2, image_size=64)
    write_cohort(folder / "cohort", phantom)
    write_cohort(folder / "leaking", phantom, Faults(shared_subjects=2), split="subject")
    return folder


@pytest.fixture(scope="session")
def trained(workplace):
    """``gyrus train`` on the sound cohort, with a look at the test set."""
    done = gyrus(
        "train", "cohort", "--architecture", "simple_cnn", "--image-size", "48", "--epochs", "2",
        "--precision", "float32", "--out", "runs/first", "--test", "--json", cwd=workplace,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        run=Path(workplace) / "runs" / "first", result=json.loads(done.stdout), stderr=done.stderr
    )
