"""One large image does not leave a server that large for good."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

_ASK = """
import numpy as np
import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.inference import Predictor
from pathlib import Path
import sys

def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

write_bundle(Path(sys.argv[1]), tiny_bundle.members(), tiny_bundle.card())
predictor = Predictor.load(sys.argv[1], threads=1)
predictor.warm_up()
before = resident_mib()
predictor.predict([np.zeros((4000, 5000, 1), np.uint8)])
print(resident_mib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_the_memory_of_a_large_image_is_given_back(tmp_path):
    grown = subprocess.run(
        [sys.executable, "-c", _ASK, tmp_path / "model.gyrus"], cwd=TESTS, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    assert float(grown.stdout) < 60  # its float32 values alone take 80 MB
