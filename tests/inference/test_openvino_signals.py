"""A process that has computed by OpenVINO still hears its signals."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

import tiny_bundle
from gyrus.bundles import encode_bundle
from gyrus.inference import openvino_network

ASKED = """
import os, signal, sys
from pathlib import Path
from gyrus.bundles import decode_bundle
from gyrus.inference.engine import make_network

bundle = decode_bundle(Path(sys.argv[1]).read_bytes())
make = lambda: make_network(bundle, threads=1, runtime="openvino", device="cpu", callers=1)
first, second = make(), make()
del first  # in the order in which a server replaces its model, not the last one first
del second
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_heard_after_two_networks_were_given_back(tmp_path: Path) -> None:
    """Two cores of OpenVINO left the thread a signal stack that was no longer mapped."""
    pytest.importorskip("openvino", reason="the extra [openvino] is not installed")
    path = tmp_path / "tiny.gyr"
    path.write_bytes(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    answer = subprocess.run(
        [sys.executable, "-c", ASKED, str(path)], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (0, "heard\n"), answer.stderr


def test_threads_that_ask_at_once_get_the_same_core(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    monkeypatch.setattr(openvino_network, "require", lambda *_: SimpleNamespace(Core=make))
    anew = functools.cache(openvino_network._core.__wrapped__)
    monkeypatch.setattr(openvino_network, "_core", anew)
    all_here = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        cores = list(pool.map(lambda _: (all_here.wait(60), openvino_network.shared_core())[1], range(4)))
    assert len(made) == 1
    assert cores == made * 4
