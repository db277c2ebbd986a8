"""Clients that stall: they hold nothing that others need, and are let go."""

import contextlib
import socket
import time

import raw_http
from attacked_server import UPLOAD_S
from raw_http import BOUNDARY, HOST, PREDICT, head, part

FORM = f"multipart/form-data; boundary={BOUNDARY}"
MANY = 60


@contextlib.contextmanager
def stalled(port: int, sent: bytes, count: int):
    """Open connections that have sent something and send no more."""
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection((HOST, port), timeout=20)) for _ in range(count)
        ]
        for line in lines:
            line.sendall(sent)
        yield lines


def test_others_are_answered_while_many_stall(server):
    starts = {
        "nothing": b"",
        "half a request line": b"POST /api/v1/pre",
        "half the headers": b"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
        "half a body": head("POST", PREDICT, 100000, content_type=FORM) + part(server.scan)[:200],
        "half a chunk": head("POST", PREDICT, None, content_type=FORM, transfer_encoding="chunked")
        + b"ff\r\nabc",
    }
    with contextlib.ExitStack() as stack:
        for sent in starts.values():
            stack.enter_context(stalled(server.port, sent, MANY // len(starts)))
        for _ in range(3):
            began = time.perf_counter()
            server.still_answers()
            assert time.perf_counter() - began < 2


def test_a_body_that_stalls_is_given_up(server):
    sent = head("POST", PREDICT, 100000, content_type=FORM) + part(server.scan)[:200]
    with stalled(server.port, sent, 2) as lines:
        began = time.perf_counter()
        for line in lines:
            line.settimeout(UPLOAD_S + 5)
            assert raw_http.read_reply(line).status in (0, 400, 408)
        assert time.perf_counter() - began < UPLOAD_S + 4
    server.still_answers()


def test_a_trickle_is_given_up_too(server):
    """A byte now and then is no upload: the whole body has a deadline as well."""
    sent = head("POST", PREDICT, 100000, content_type=FORM)
    ended, began = False, time.perf_counter()
    with stalled(server.port, sent, 1) as [line]:
        line.settimeout(0.05)
        while not ended and time.perf_counter() - began < 12:
            try:
                line.sendall(b"x")
                ended = line.recv(4096) is not None
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert ended
    server.still_answers()


def test_an_answer_that_nobody_reads_blocks_nobody(server):
    """Pipelined requests for a page, never read: the server's buffers fill, and stay bounded."""
    pages = head("GET", "/api/v1/openapi.json", None, connection="keep-alive") * 300
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((HOST, server.port))
        line.settimeout(1)
        with contextlib.suppress(TimeoutError):
            line.sendall(pages)
        began = time.perf_counter()
        server.still_answers()
        assert time.perf_counter() - began < 3
