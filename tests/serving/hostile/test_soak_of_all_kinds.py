"""Half an hour of all kinds of requests: no error, no growth. GYRUS_SOAK_MINUTES makes it shorter."""

import json
import os
import subprocess
import sys

import pytest
from attacked_server import BENCHMARKS


@pytest.mark.soak
def test_half_an_hour_of_all_kinds_of_requests(shared_data, tmp_path):
    minutes = os.environ.get("GYRUS_SOAK_MINUTES", "30")
    ended = subprocess.run(
        [
            sys.executable, BENCHMARKS / "serve_soak.py", "--minutes", minutes, "--out", tmp_path / "out",
            "--work", tmp_path / "work", "--data", shared_data / "cheng" / "images",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert ended.returncode == 0, (told["summary"], told["runs"]["soak"]["errors"][:5], ended.stderr[-2000:])
    assert told["summary"]["requests"] > 100 * float(minutes)
