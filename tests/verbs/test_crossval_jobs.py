"""Folds side by side: errors come back, and no process trains on unseen. Their answers: test_crossval."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gyrus
from gyrus.errors import GyrusError, UsageError
from gyrus.verbs import crossval_processes

SMALL = {
    "architecture": "simple_cnn", "image_size": 32, "epochs": 1, "precision": "float32", "folds": 2,
    "val_fraction": 0.15, "cal_fraction": 0.0, "gate": "none", "calibration": "none",
    "conformal_method": "none",
}  # fmt: skip
CHILD = "gyrus.verbs.fold_process"
PATIENCE_S = 600.0
"""How long a test waits: three processes that load torch took longer than 90 s on two busy cores."""

pytestmark = pytest.mark.filterwarnings("ignore:undefined")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("written", ["", "half of an answer"])
def test_a_process_that_dies_is_told_with_its_log(written, cohort, cache, tmp_path, monkeypatch):
    said = f"import sys; sys.stdout.write({written!r}); sys.stderr.write('no memory'); sys.exit(9)"
    dying = [sys.executable, "-c", said]
    monkeypatch.setattr(crossval_processes, "_CHILD", dying)
    with pytest.raises(GyrusError, match="ended with code 9") as told:
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, jobs=2, **SMALL)
    assert "fold-0.log" in str(told.value)
    assert (tmp_path / "cv" / "fold-0.log").read_text() == "no memory"


def test_an_error_of_a_fold_comes_back_whole(cohort, cache, tmp_path, monkeypatch):
    # a folder that the fold's process cannot make its run in
    (tmp_path / "cv").mkdir()
    monkeypatch.setattr(crossval_processes, "fold_options", _into_a_file(tmp_path))
    with pytest.raises(GyrusError, match="is a file") as told:
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, jobs=2, **SMALL)
    assert told.value.exit_code == 2


def test_a_fold_that_cannot_begin_is_told_and_the_others_are_tried(cohort, cache, tmp_path, monkeypatch):
    def refused(folder, planned, *, interrupted):
        raise UsageError(f"{planned.title} cannot be gone on with")

    monkeypatch.setattr(crossval_processes, "fold_options", refused)
    with pytest.raises(UsageError, match="fold 0 cannot"):
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, jobs=2, **SMALL)
    failed = json.loads((tmp_path / "cv" / "progress.json").read_text())["failed"]
    assert sorted(failed) == ["fold 0", "fold 1"]


def test_the_bar_tells_how_far_each_fold_is(cohort, cache, tmp_path, monkeypatch, capfd):
    slow_to_die = [sys.executable, "-c", "import time; time.sleep(1); raise SystemExit(9)"]
    monkeypatch.setattr(crossval_processes, "_CHILD", slow_to_die)
    with pytest.raises(GyrusError, match="ended with code 9"):
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, jobs=2, **SMALL)
    bars = [part for part in capfd.readouterr().err.split("\r") if part.startswith("folds:")]
    assert any("fold 0: 0 epochs, fold 1: 0 epochs" in bar for bar in bars)
    assert len(bars) < 12  # no terminal: a line a minute, and one a fold


def _into_a_file(tmp_path):
    whole = crossval_processes.fold_options

    def options(folder, planned, *, interrupted):
        run = folder.run_of(planned.repeat, planned.fold).path
        config = whole(folder, planned, interrupted=interrupted)
        run.write_text("in the way")
        return config

    return options


def running_in(folder) -> dict[str, int]:
    """Process numbers of children whose log lies in ``folder``, by the name of the fold."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text(errors="replace")
            log = (process / "fd" / "2").readlink()
        except OSError:
            continue
        if CHILD in command and str(log).startswith(str(folder)):
            found[log.stem] = int(process.name)
    return found


def is_asked_to_end(number: int) -> bool:
    """Tell whether SIGTERM waits for a process that is stopped."""
    status = Path(f"/proc/{number}/status").read_text()
    waiting = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(waiting, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.soak)])
def test_no_fold_is_trained_on_unseen_and_what_was_done_is_kept(number, cohort, cache, tmp_path):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in {**SMALL, "epochs": 12}.items()]
    command = [
        sys.executable, "-m", "gyrus", "crossval", str(cohort), "--out", str(tmp_path / "cv"), "--cache-dir",
        str(cache), "--jobs", "2", "--patience", "None", *options,
    ]  # fmt: skip
    stopped = {}

    def stop_who_trains():
        """Let no fold end before the other has begun, nor before the signal comes."""
        for fold, child in running_in(tmp_path).items():
            if fold not in stopped and (tmp_path / "cv" / fold / "metrics.csv").is_file():
                os.kill(child, signal.SIGSTOP)
                stopped[fold] = child
        return len(stopped) == 2

    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            until(stop_who_trains)
            process.send_signal(number)
            if number == signal.SIGTERM:
                until(lambda: all(is_asked_to_end(child) for child in stopped.values()))
            else:
                process.wait(PATIENCE_S)
        finally:
            for child in stopped.values():
                os.kill(child, signal.SIGCONT)
            if len(stopped) < 2:
                process.kill()
        assert process.wait(PATIENCE_S) == (143 if number == signal.SIGTERM else -number)
    until(lambda: not running_in(tmp_path))
    rows = [tmp_path / "cv" / fold / "metrics.csv" for fold in sorted(stopped)]
    before = [path.read_text() for path in rows]
    result = gyrus.crossval(
        cohort, out=tmp_path / "cv", cache_dir=cache, jobs=2, **{**SMALL, "epochs": 12, "patience": None}
    )
    assert result.evaluation["n_images"] == 96
    for path, text in zip(rows, before, strict=True):
        assert len(text.splitlines()) > 1
        assert path.read_text().startswith(text)  # gone on with


def until(true) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
