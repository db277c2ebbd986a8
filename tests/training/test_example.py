import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_loop.py"


def test_the_example_without_our_fit_runs_and_learns(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        env={**os.environ, "GYRUS_CACHE": str(tmp_path / "cache")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "epoch 8: validation accuracy" in done.stdout
    assert "'val_accuracy'" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
