import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_loop.py"


def test_the_example_without_our_fit_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=600,
        env={**os.environ, "GYRUS_CACHE": str(tmp_path / "cache")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "epoch 6: validation accuracy" in done.stdout
    assert "'val_accuracy'" in done.stdout
    assert done.stdout.count("epoch") == 6
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
