"""Several processes at one store, and a server that is killed while it answers fifty clients."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from kept_cases import new_case

from gyrus.serving.store import CaseQuery, Store

pytestmark = pytest.mark.soak  # each process takes a second to load

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
WRITE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kept_cases import BLOBS, new_case
from gyrus.serving.store import NewReview, Store
store = Store.open(sys.argv[1], Path(sys.argv[2]))
print("loaded", flush=True)
sys.stdin.readline()

def write(_):
    for _ in range(3):
        store.add_review(sys.argv[3], NewReview(verdict="agree"))
        store.add_case(new_case(), BLOBS)

with ThreadPoolExecutor(10) as pool:
    list(pool.map(write, range(10)))
store.close()
print("done", flush=True)
"""
CLIENTS = 50


def run_together(script, count, *arguments):
    """Run a script in several processes, which start their work at the same time; return what they said."""
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=Path(__file__).parent, **pipes) for _ in range(count)]
    assert [process.stdout.readline() for process in processes] == ["loaded\n"] * count
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=300) for process in processes]


def test_processes_that_open_a_new_store_together(url, tmp_path):
    assert run_together(OPEN, 3, url, tmp_path / "blobs") == [("0\n", "")] * 3


def test_fifty_writers_in_five_processes(url, tmp_path):
    store = Store.open(url, tmp_path / "blobs")
    shared = store.add_case(new_case(), {}).id
    assert run_together(WRITE, 5, url, tmp_path / "blobs", shared) == [("done\n", "")] * 5
    assert store.cases(CaseQuery()).total == 151
    assert [review.version for review in store.reviews(shared)] == list(range(2, 152))
    store.close()


@contextmanager
def served(bundle, url, data, log):
    """Run ``gyrus serve`` in a process of its own; yield it and its port."""
    command = [
        sys.executable, "-m", "gyrus", "serve", bundle, "--db", url, "--data-folder", data,
        "--port", "0", "--threads", "1", "--patience-seconds", "60", "--heat", "none",
    ]  # fmt: skip
    with log.open("w") as said:
        process = subprocess.Popen([str(part) for part in command], stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()


def ask(port, method, path, body=None, **headers):
    """Return status and body of an answer; None where the server is gone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def test_a_killed_server_has_every_case_that_it_acknowledged(tiny_place, png, url, tmp_path):
    bundle, data = tiny_place / "model.gyrus", tmp_path / "data"
    acknowledged, statuses, ended = [], set(), threading.Event()

    def upload_until_the_end(port):
        while not ended.is_set():
            answer = ask(port, "POST", "/api/v1/predict", png, **{"Content-Type": "image/png"})
            if answer is None:
                return
            statuses.add(answer[0])
            if answer[0] == 200:
                acknowledged.append(json.loads(answer[1])["case"])

    with served(bundle, url, data, tmp_path / "log") as (process, port):
        clients = [threading.Thread(target=upload_until_the_end, args=(port,)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        while len(acknowledged) < 2 * CLIENTS:
            time.sleep(0.01)
        process.kill()
        ended.set()
        for client in clients:
            client.join()
    assert statuses == {200}

    with served(bundle, url, data, tmp_path / "log") as (_, port):
        total = json.loads(ask(port, "GET", "/api/v1/cases")[1])["total"]
        assert total >= len(acknowledged)
        for case in acknowledged:
            assert ask(port, "GET", f"/api/v1/cases/{case}/pictures/original") == (200, png)
    assert len(list((data / "blobs").glob("??/*"))) == total
