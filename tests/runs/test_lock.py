import os
import signal
import subprocess
import sys

import pytest

from gyrus.errors import StorageError, UsageError
from gyrus.runs.lock import LOCK_NAME, locked

HOLD = """
import sys, time
from pathlib import Path
from gyrus.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_held_by_a_living_process_is_refused_and_one_of_a_dead_process_is_not(
    tmp_path, holder, caplog
):
    with (
        pytest.raises(UsageError, match=f"process {holder.pid} is training in this folder"),
        locked(tmp_path),
    ):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK_NAME).exists()
    with caplog.at_level("INFO", logger="gyrus"), locked(tmp_path):
        assert (tmp_path / LOCK_NAME).read_text() == str(os.getpid())
    assert f"process {holder.pid}" in caplog.text
    assert not (tmp_path / LOCK_NAME).exists()


def test_it_is_let_go_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        _ = 1 / 0
    with locked(tmp_path):
        pass


def test_one_process_does_not_hold_a_folder_twice(tmp_path):
    with locked(tmp_path), pytest.raises(UsageError, match="is training"), locked(tmp_path):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageError, match="cannot be made"), locked(tmp_path / "absent"):
        pass
