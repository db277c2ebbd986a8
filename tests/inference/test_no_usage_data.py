"""ONNX Runtime sends usage data unless told not to before it is loaded: gyrus tells it."""

import os
import subprocess
import sys

import pytest

_ASK = """
import gyrus, sys
from gyrus.inference import Predictor
from gyrus import box
Predictor.load(box.path()).warm_up()
assert "onnxruntime" in sys.modules
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux")
def test_nothing_is_prepared_for_sending(tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", _ASK], env=environment, check=True)
    assert sorted(path.name for path in [*home.rglob("*"), *temporary.rglob("*")]) == []
