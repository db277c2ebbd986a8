"""The bounds of a connection, on an app that reads whole bodies: what is slow or endless is closed."""

import contextlib
import socket
import threading
import time

import pytest
import raw_http
from raw_http import HOST, PATIENCE_S, exchange, head, in_chunks

uvicorn = pytest.importorskip("uvicorn")

HEAD_S, READ_S, LINGER_S = 0.4, 0.4, 0.3


async def app(scope, receive, send):
    """Answer /big with 32 MiB, /early before the body is read, anything else with the size of its body."""
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    names = b",".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-names", names)]})
    body = bytes(2**25) if scope["path"] == "/big" else str(size).encode()
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def serving(head_s, read_s, linger_s, keep_alive_s):
    """Serve this app with some bounds."""
    from gyrus.serving.connections import BoundedProtocol

    class Bounded(BoundedProtocol):
        head_seconds, read_seconds, linger_seconds = head_s, read_s, linger_s

    config = uvicorn.Config(
        app, host=HOST, port=0, http=Bounded, lifespan="off", log_config=None, timeout_keep_alive=keep_alive_s
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join()


def port_of(server):
    """Return where a server listens."""
    return server.servers[0].sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
def short():
    """A server with short bounds."""
    with serving(HEAD_S, READ_S, LINGER_S, 1) as server:
        yield server


@pytest.fixture(scope="module")
def port(short):
    """The port of the server with short bounds."""
    return port_of(short)


@pytest.fixture(scope="module")
def patient():
    """The port of a server whose bounds nobody exceeds for the machine's sake alone."""
    with serving(PATIENCE_S, PATIENCE_S, PATIENCE_S, 60) as server:
        yield port_of(server)


def connected(port):
    """Return a connection that fails a test rather than let it wait for ever."""
    return socket.create_connection((HOST, port), timeout=PATIENCE_S)


def until_closed(line: socket.socket) -> None:
    """Read until the connection ends."""
    with contextlib.suppress(ConnectionResetError):
        while line.recv(65536):
            pass


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: a\r\nX:", b"\r\n\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(port, sent):
    began = time.perf_counter()
    with connected(port) as line:
        line.sendall(sent)
        until_closed(line)
    assert time.perf_counter() - began > HEAD_S * 0.8


def test_a_header_now_and_then_is_no_head(port):
    with connected(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        began = time.perf_counter()
        with contextlib.suppress(ConnectionError):
            while time.perf_counter() - began < PATIENCE_S:
                line.sendall(b"X: 1\r\n")
                time.sleep(0.02)
        assert time.perf_counter() - began < PATIENCE_S


@pytest.mark.parametrize("piece", [b"x" * 4096, b"X-A: 1\r\n" * 500])
def test_a_head_without_end_is_refused(port, piece):
    with connected(port) as line:
        sent = line.send(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while sent < 2**26:
                sent += line.send(piece)
        assert sent < 2**24  # the system's own buffers hold some MiB
        assert raw_http.read_reply(line).status in (0, 431)


def test_the_size_of_a_head_within_the_bound(patient):
    reply = exchange(patient, head("GET", "/", 0, x_long="x" * 50000))
    assert reply.status == 200


def test_trailers_are_no_headers(patient):
    body = b"3\r\nabc\r\n0\r\nX-Api-Key: forged\r\n\r\n"
    reply = exchange(patient, head("POST", "/", None, transfer_encoding="chunked") + body)
    assert (reply.status, reply.body) == (200, b"3")
    assert "x-api-key" not in reply.headers["x-names"]


def test_trailers_without_end_are_refused(port):
    with connected(port) as line:
        sent = line.send(head("POST", "/", None, transfer_encoding="chunked") + b"3\r\nabc\r\n0\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 2**26:
                sent += line.send(b"X-A: 1\r\n" * 500)
        assert sent < 2**24  # the system's own buffers hold some MiB


def test_large_bodies_pass(patient):
    body = bytes(3 * 2**20)
    assert exchange(patient, head("POST", "/", len(body)) + body).body == b"%d" % len(body)
    start = head("POST", "/", None, transfer_encoding="chunked")
    assert exchange(patient, start, *in_chunks(body, 1000)).body == b"%d" % len(body)


def test_requests_one_after_another_on_one_connection():
    """Each head has its own time, which is long here: a machine under load is no slow client."""
    head_s = 2.0
    with serving(head_s, PATIENCE_S, PATIENCE_S, 60) as server, connected(port_of(server)) as line:
        for number, size in enumerate((0, 10, 200000)):
            time.sleep(head_s * 0.6 if number else 0)
            line.sendall(head("POST", "/", size, connection="keep-alive") + bytes(size))
            assert raw_http.read_reply(line).body == b"%d" % size


def test_line_ends_keep_no_connection_open(port):
    with connected(port) as line:
        line.sendall(head("GET", "/", 0, connection="keep-alive"))
        assert raw_http.read_reply(line).status == 200
        began = time.perf_counter()
        with contextlib.suppress(ConnectionError):
            while time.perf_counter() - began < PATIENCE_S:
                line.sendall(b"\r\n")
                time.sleep(0.05)
        assert time.perf_counter() - began < PATIENCE_S


def test_an_early_answer_arrives_though_the_body_still_comes(port):
    """And the body does not come for ever."""
    with connected(port) as line:
        line.sendall(head("POST", "/early", 2**40, connection="keep-alive"))
        began = time.perf_counter()
        assert raw_http.read_reply(line).status == 200
        with contextlib.suppress(ConnectionError):
            while time.perf_counter() - began < PATIENCE_S:
                line.sendall(bytes(1000))
                time.sleep(0.01)
        assert time.perf_counter() - began < PATIENCE_S


def test_an_answer_that_is_not_read_is_given_up(short):
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(PATIENCE_S)
        line.connect((HOST, port_of(short)))
        line.sendall(head("GET", "/big", 0, connection="keep-alive"))
        received, began = len(line.recv(1)), time.perf_counter()
        while short.server_state.connections:  # until the server has let go of it
            assert time.perf_counter() - began < PATIENCE_S
            time.sleep(0.01)
        with contextlib.suppress(ConnectionResetError):
            while data := line.recv(2**20):
                received += len(data)
        assert received < 2**25
