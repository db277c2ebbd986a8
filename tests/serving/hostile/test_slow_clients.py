"""Clients that stall: they hold nothing that others need, and are let go."""

import contextlib
import select
import socket
import time

import raw_http
from raw_http import BOUNDARY, HOST, PATIENCE_S, PREDICT, head, part

from gyrus.serving.connections import READ_SECONDS

FORM = f"multipart/form-data; boundary={BOUNDARY}"
MANY = 60


@contextlib.contextmanager
def stalled(port: int, sent: bytes, count: int):
    """Open connections that have sent something and send no more."""
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection((HOST, port), timeout=PATIENCE_S))
            for _ in range(count)
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
        + b"ffff\r\n"
        + part(server.scan)[:200],
    }
    for _ in range(10):  # on a machine under load the stalled may be let go of before the first answer
        with contextlib.ExitStack() as stack:
            lines = [
                line
                for sent in starts.values()
                for line in stack.enter_context(stalled(server.port, sent, MANY // len(starts)))
            ]
            server.still_answers()
            if not select.select(lines, [], [], 0)[0]:
                return  # it did not wait for them: each is still open
    raise AssertionError("others were answered only when the stalled had been let go of")


def test_a_body_that_stalls_is_given_up(server):
    sent = head("POST", PREDICT, 100000, content_type=FORM) + part(server.scan)[:200]
    with stalled(server.port, sent, 2) as lines:
        for line in lines:  # who were not given up would keep the patience of this test waiting
            assert raw_http.read_reply(line).status in (0, 400, 408)
    server.still_answers()


def test_a_trickle_is_given_up_too(server):
    """A byte now and then is no upload: the whole body has a deadline as well."""
    sent = head("POST", PREDICT, 100000, content_type=FORM) + part(server.scan)[:200]
    ended, began = False, time.perf_counter()
    with stalled(server.port, sent, 1) as [line]:
        line.settimeout(0.05)
        while not ended and time.perf_counter() - began < PATIENCE_S:
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
        assert time.perf_counter() - began < READ_SECONDS / 2  # then the answer would be given up
