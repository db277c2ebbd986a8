"""The load generator: what it counts, against servers whose behaviour is known."""

import contextlib
import importlib
import socketserver
import threading
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def http_load(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("http_load")


@contextlib.contextmanager
def serving(answer, delay_s=0.0, free=None):
    """Serve one answer to every request, after so long or an event; yield the port and what was received."""
    received = []

    class One(socketserver.StreamRequestHandler):
        def handle(self):
            with contextlib.suppress(ConnectionError):
                while head := b"".join(iter(self.rfile.readline, b"\r\n")) if self.rfile.peek(1) else b"":
                    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                    received.append(head + b"\r\n" + self.rfile.read(length))
                    time.sleep(delay_s)
                    assert free is None or free.wait(60)
                    self.wfile.write(answer)
                    if answer != FINE:
                        break

        def finish(self):
            with contextlib.suppress(ConnectionError):
                super().finish()

    class Threads(socketserver.ThreadingTCPServer):
        request_queue_size = 100

    with Threads(("127.0.0.1", 0), One) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], received
        server.shutdown()
        thread.join()


FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_clients_ask_one_after_another(http_load):
    payload = http_load.upload("/x", b"\xff\xd8picture", Accept="application/json")
    with serving(FINE, delay_s=0.02) as (port, received):
        load = http_load.run(
            http_load.closed_loop(port, [payload], clients=3, seconds=1.0, warm_s=0.1, patience_s=60)
        )
    assert set(load.outcomes()) == {"200"}
    assert 3 <= len(load.answers) <= 150  # 3 clients, 20 ms or more each
    assert min(load.times(200)) >= 0.02
    assert received[0] == payload


def test_an_open_loop_does_not_wait(http_load):
    with serving(BUSY, delay_s=0.3) as (port, _):
        load = http_load.run(
            http_load.open_loop(port, [b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"], rate=100, seconds=0.5,
                                patience_s=60, seed=0)
        )  # fmt: skip
    assert set(load.outcomes()) == {"503"}
    assert 30 <= len(load.answers) <= 70
    assert load.times(200) == []


def test_who_does_not_answer_is_told_from_who_hangs_up(http_load):
    payload = http_load.request("GET", "/")
    free = threading.Event()
    with serving(FINE, free=free) as (port, _):
        try:
            load = http_load.run(
                http_load.open_loop(port, [payload], rate=50, seconds=0.1, patience_s=0.1, seed=0)
            )
        finally:
            free.set()
        assert set(load.outcomes()) == {http_load.ABANDONED}
    with serving(b"not http at all\r\n\r\n") as (port, _):
        load = http_load.run(
            http_load.open_loop(port, [payload], rate=50, seconds=0.1, patience_s=60, seed=0)
        )
        assert set(load.outcomes()) == {http_load.BROKEN}


def test_quantiles(http_load):
    assert http_load.quantiles([])["p99"] is None
    told = http_load.quantiles([float(number) for number in range(100, 0, -1)])
    assert (told["p50"], told["p99"], told["slowest"], told["n"]) == (51.0, 100.0, 100.0, 100)


def test_growth_is_told_from_noise_and_from_the_start(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    slope = importlib.import_module("serve_soak").slope
    level = [{"s": 5.0 * step, "mib": min(step, 20) * 10 + step % 2} for step in range(100)]
    assert abs(slope(level)) < 0.05
    growing = [{"s": 5.0 * step, "mib": 100 + step * 5 / 60 + 30 * (step % 17 == 0)} for step in range(100)]
    assert slope(growing) == pytest.approx(2**20 / 1e6, rel=0.1)
