"""The load generator of the races of servers: HTTP/1.1 over asyncio, one process, one thread.

Not a benchmark: run by itself it does nothing. It runs on the machine of the server, for all sides alike,
and tells its own processor time (:attr:`Load.client_s`). Requests are bytes made beforehand; the time of a
request is from before it is sent (before it is connected, where the server keeps no connection open) until
the last byte of its answer.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httptools

HOST = "127.0.0.1"
BOUNDARY = "gyrus-race-7d1f"
ABANDONED, BROKEN = "no answer in time", "connection broken"


def upload(
    path: str, body: bytes, *, name: str = "scan.jpg", kind: str = "image/jpeg", **headers: str
) -> bytes:
    """Return a POST request with one file in the multipart field ``image``."""
    part = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    ).encode()
    whole = part + body + f"\r\n--{BOUNDARY}--\r\n".encode()
    return request("POST", path, whole, content_type=f"multipart/form-data; boundary={BOUNDARY}", **headers)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request; ``headers`` by their names with underscores."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request; ``status`` is 0 and ``fate`` says why where there was no answer."""

    status: int
    seconds: float
    began: float
    body: bytes = b""
    fate: str = ""

    @property
    def kind(self) -> str:
        """The status as text, or what happened in its place."""
        return self.fate or str(self.status)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future | None = None
        self._transport: asyncio.Transport | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = transport, True

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("closed before its answer was whole"))

    async def ask(self, payload: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and the body of its answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._parser, self._body = httptools.HttpResponseParser(self), []
        self._transport.write(payload)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            if not self._waiting.done():
                self._waiting.set_exception(ConnectionError(f"no HTTP: {error}"))

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue
            return
        if not self._parser.should_keep_alive():
            self.close()
        if not self._waiting.done():
            self._waiting.set_result((status, b"".join(self._body)))

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()


class Sender:
    """Connections to one server; those that it keeps open are used again.

    Parameters
    ----------
    port : int
    patience_s : float
        How long an answer is waited for; after that the connection is closed.
    """

    def __init__(self, port: int, patience_s: float) -> None:
        self.port, self.patience_s = port, patience_s
        self._idle: list[_Connection] = []

    async def ask(self, payload: bytes) -> Answer:
        """Send a request and wait for its answer."""
        began = time.perf_counter()
        connection = None
        try:
            async with asyncio.timeout(self.patience_s):
                while True:
                    reused = bool(self._idle)
                    connection = self._idle.pop() if reused else await self._connect()
                    if not connection.open:
                        continue
                    try:
                        status, body = await connection.ask(payload)
                        break
                    except ConnectionError:
                        if not reused:  # a kept one may have been closed meanwhile: any browser tries again
                            raise
        except TimeoutError:
            if connection is not None:
                connection.close()
            return Answer(0, time.perf_counter() - began, began, fate=ABANDONED)
        except OSError:
            return Answer(0, time.perf_counter() - began, began, fate=BROKEN)
        if connection.open:
            self._idle.append(connection)
        return Answer(status, time.perf_counter() - began, began, body)

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, HOST, self.port)
        return connection

    def close(self) -> None:
        """Close all connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


@dataclass(slots=True)
class Load:
    """What came of a load.

    Attributes
    ----------
    seconds : float
        How long it lasted, without the warm-up.
    answers : list of Answer
        That came in that time (closed loop), or that were given to its requests (open loop).
    client_s : float
        Processor time of this process meanwhile.
    late_s : float
        How much later than due a request was sent at most (open loop); large: this process held it up.
    """

    seconds: float
    answers: list[Answer] = field(default_factory=list)
    client_s: float = 0.0
    late_s: float = 0.0

    def outcomes(self) -> dict[str, int]:
        """Return how many ended how."""
        return dict(Counter(answer.kind for answer in self.answers).most_common())

    def times(self, status: int | None = None) -> list[float]:
        """Return the seconds of the answers of one status, or of all that had one."""
        return [
            answer.seconds for answer in self.answers if answer.status and status in (None, answer.status)
        ]


async def closed_loop(
    port: int, payloads: Sequence[bytes], *, clients: int, seconds: float, warm_s: float, patience_s: float
) -> Load:
    """Let so many clients ask one after another, each as soon as it has its answer."""
    turns = itertools.cycle(payloads)
    start = time.perf_counter() + warm_s
    load = Load(seconds)

    async def client() -> None:
        sender = Sender(port, patience_s)
        while time.perf_counter() < start + seconds:
            answer = await sender.ask(next(turns))
            if start <= answer.began + answer.seconds < start + seconds:
                load.answers.append(answer)
        sender.close()

    async def clock() -> None:
        await asyncio.sleep(warm_s)
        before = time.process_time()
        await asyncio.sleep(seconds)
        load.client_s = time.process_time() - before

    await asyncio.gather(clock(), *(client() for _ in range(clients)))
    return load


async def open_loop(
    port: int, payloads: Sequence[bytes], *, rate: float, seconds: float, patience_s: float, seed: int
) -> Load:
    """Let requests arrive at random, so many a second, whether or not the former are answered.

    The gaps are exponential (a Poisson process). Nobody waits for anybody: that is what makes it an overload.
    """
    gaps, turns = random.Random(seed), itertools.cycle(payloads)
    sender, load = Sender(port, patience_s), Load(seconds)
    before, start = time.process_time(), time.perf_counter()
    under_way: set[asyncio.Task] = set()
    due = start

    async def one() -> None:
        load.answers.append(await sender.ask(next(turns)))

    while (due := due + gaps.expovariate(rate)) < start + seconds:
        wait = due - time.perf_counter()
        await asyncio.sleep(max(wait, 0))
        load.late_s = max(load.late_s, time.perf_counter() - due)
        task = asyncio.create_task(one())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    load.client_s = time.process_time() - before
    sender.close()
    return load


async def until_normal(port: int, payload: bytes, *, below_s: float, most_s: float) -> float | None:
    """Return the seconds until one request is answered within ``below_s`` again; None after ``most_s``."""
    began = time.perf_counter()
    while time.perf_counter() - began < most_s:
        sender = Sender(port, patience_s=most_s)
        answer = await sender.ask(payload)
        sender.close()
        if answer.status == 200 and answer.seconds < below_s:
            return time.perf_counter() - began - answer.seconds
        await asyncio.sleep(0.05)
    return None


def quantiles(seconds: Sequence[float]) -> dict:
    """Return p50, p95, p99 and the slowest, in seconds, and how many they are of."""
    if not seconds:
        return {"p50": None, "p95": None, "p99": None, "slowest": None, "n": 0}
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "slowest": ordered[-1], "n": len(ordered)}


def run(coroutine):
    """Run it to its end, with the faster event loop where it is installed."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)
