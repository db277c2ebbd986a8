"""Processes that open a new store at the same time: one makes the tables, the others find them."""

import subprocess
import sys

import pytest

OPEN = """
import sys
from pathlib import Path
from gyrus.serving.store import CaseQuery, Store
print("loaded", flush=True)
sys.stdin.readline()
store = Store.open(sys.argv[1], Path(sys.argv[2]))
print(store.cases(CaseQuery()).total, flush=True)
store.close()
"""


@pytest.mark.soak  # each process takes a second to load
def test_processes_that_open_a_new_store_together(url, tmp_path):
    command = [sys.executable, "-W", "error", "-c", OPEN, url, str(tmp_path / "blobs")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in processes] == ["loaded\n"] * 3
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in processes]
    assert said == [("0\n", "")] * 3
