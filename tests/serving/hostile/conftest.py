"""The server that the tests of this folder attack."""

from __future__ import annotations

import sys

import pytest
from attacked_server import BENCHMARKS, TOOLS, Attacked, command, picture

import tiny_bundle
from gyrus.bundles import write_bundle

sys.path[:0] = [str(BENCHMARKS), str(TOOLS)]  # neither is a package


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server on a tiny bundle without a gate."""
    if sys.platform != "linux":
        pytest.skip("the watched process is found by /proc")
    from served_process import Server, free_port

    folder = tmp_path_factory.mktemp("attacked")
    temporary, store, log = folder / "temporary", folder / "store", folder / "log"
    temporary.mkdir()
    bundle = folder / "model.gyrus"
    write_bundle(bundle, tiny_bundle.members(), tiny_bundle.card())
    environment = {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}

    def started():
        port = free_port()
        return Server(
            command(bundle, port, store), port=port, health="/readyz", log=log, environment=environment
        )

    try:
        process = started()
    except SystemExit as told:
        if "in use" not in str(told):
            raise
        process = started()  # while it loaded its modules, a process beside this one was given that port
    yield Attacked(process.port, process.pid, temporary, store, log, picture())
    running = process.running
    process.end()
    assert running, log.read_text()[-2000:]
