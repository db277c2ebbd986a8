"""More than can be answered: told at once and when to come back; nobody waits for ever."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from fastapi.testclient import TestClient

from gyrus.serving import create_app
from scan_files import write_nifti

PREDICT = "/api/v1/predict?evidence=false"
PATIENCE_S = 60.0
"""How long a test waits for what is to come."""


class Network:
    """Stands before a server's network: lets it compute only while ``free`` is set."""

    def __init__(self, compute, seconds):
        self.free, self.begun = threading.Event(), threading.Event()
        self.free.set()
        self._compute, self._seconds = compute, seconds

    def __call__(self, items):
        self.begun.set()
        assert self.free.wait(PATIENCE_S)
        time.sleep(self._seconds)
        return self._compute(items)

    def hold(self):
        """Let it stand at the next batch: so a test sees the same on a slow machine."""
        self.begun.clear()
        self.free.clear()


@pytest.fixture
def slow(options, monkeypatch):
    """A function that makes a client of a server and its network, which takes so many seconds or is held."""
    opened, networks = [], []

    def make(seconds=0.0, **changes):
        app = create_app(replace(options, db="none", **{"deadline_seconds": 2 * PATIENCE_S, **changes}))
        batches = app.state.answering._batches
        network = Network(batches._compute, seconds)
        monkeypatch.setattr(batches, "_compute", network)
        networks.append(network)
        client = TestClient(app)
        opened.append(client)
        return client.__enter__(), network

    yield make
    for network in networks:
        network.free.set()  # a test that failed may have left it held
    for client in opened:
        client.__exit__(None, None, None)


def post(client, png):
    return client.post(PREDICT, files={"image": ("a.png", png)})


def while_held(client, network, png, count, answers):
    """Ask so many times at once; let the network go on when so many have been answered without it.

    Returns
    -------
    answers, later : list
        Those that came while it stood still, and those that came afterwards.
    """
    network.hold()
    with ThreadPoolExecutor(count) as pool:
        try:
            asked = [pool.submit(post, client, png) for _ in range(count)]
            came = list(islice(as_completed(asked, PATIENCE_S), answers))
            assert not any(one.done() for one in asked if one not in came)
        finally:
            network.free.set()
        return [one.result() for one in came], [one.result() for one in asked if one not in came]


def until(true):
    """Wait for something."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_overload_is_told_while_the_network_computes(slow, png):
    client, network = slow(0.1, batch_size=1, patience_seconds=0.2)
    assert post(client, png).status_code == 200  # now it knows how long one takes
    at_once, later = while_held(client, network, png, 12, answers=10)
    for given in at_once:
        assert (given.status_code, given.json()["type"]) == (503, "/problems/busy")
        assert int(given.headers["retry-after"]) >= 1
    assert [given.status_code for given in later] == [200, 200]  # a few are let in however slow it is
    assert post(client, png).status_code == 200


def test_the_queue_is_bounded(slow, png):
    client, network = slow(max_queue=2, patience_seconds=60)
    at_once, later = while_held(client, network, png, 8, answers=6)
    assert {given.status_code for given in at_once} == {503}
    assert [given.status_code for given in later] == [200, 200]


def test_the_deadline_ends_a_wait(slow, png):
    client, network = slow(deadline_seconds=0.1)
    [given], _ = while_held(client, network, png, 1, answers=1)
    assert (given.status_code, given.json()["type"]) == (503, "/problems/busy")
    assert client.app.state.answering.inside == 0


def test_what_nobody_waits_for_is_not_computed(slow, png):
    client, _ = slow(deadline_seconds=0.1, batch_size=1)
    computed = []
    answering = client.app.state.answering
    prepare = answering.predictor.prepare
    answering.predictor.prepare = lambda *given, **options: (
        computed.append(1),
        prepare(*given, **options),
    )[1]
    blocked = threading.Event()
    answering._readers.submit(blocked.wait, PATIENCE_S)
    try:
        assert post(client, png).status_code == 503
    finally:
        blocked.set()
    answering._readers.submit(int).result(PATIENCE_S)  # the readers' one thread has passed over it
    assert computed == []


def test_images_do_not_wait_for_volumes(client, png, tmp_path):
    volume = write_nifti(tmp_path / "a.nii", np.ones((20, 22, 12), np.int16)).read_bytes()
    free, answering = threading.Event(), client.app.state.answering
    answering._scanners.submit(
        free.wait, PATIENCE_S
    )  # a volume that takes long; the tests' servers have one thread
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, PREDICT, files={"image": ("a.nii", volume)})
        try:
            assert client.post(PREDICT, files={"image": ("a.png", png)}).status_code == 200
            assert not asked.done()
        finally:
            free.set()
        assert asked.result().status_code == 200


def test_the_event_loop_is_free_while_it_computes(slow, png):
    client, network = slow()
    network.hold()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, client, png)
        try:
            assert network.begun.wait(PATIENCE_S)
            assert client.get("/healthz").status_code == 200
            assert not asked.done()
        finally:
            network.free.set()
        assert asked.result().status_code == 200


def test_ending_answers_what_is_inside(options, png):
    app = create_app(replace(options, db="none"))

    async def run():
        asked = [asyncio.create_task(app.state.answering.probabilities(png)) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.to_thread(app.state.answering.close)
        return await asyncio.gather(*asked)

    assert len(asyncio.run(run())) == 5


def test_a_body_is_not_read_where_there_is_no_room(slow, png):
    client, network = slow(max_queue=1)
    network.hold()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, client, png)
        try:
            assert network.begun.wait(PATIENCE_S)
            given = client.post(PREDICT, content=b"", headers={"content-type": "no/type"})
            assert (given.status_code, given.json()["type"]) == (503, "/problems/busy")
        finally:
            network.free.set()
        assert asked.result().status_code == 200
    assert client.post(PREDICT, content=b"", headers={"content-type": "no/type"}).status_code == 415


def test_what_is_not_begun_within_its_patience_is_told_so(slow, png):
    """Nothing is known of its speed yet, so all are let in; a few may wait as long as it takes."""
    client, network = slow(batch_size=1, patience_seconds=0.1)
    network.hold()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(post, client, png) for _ in range(4)]
        try:
            until(lambda: client.app.state.answering.inside == 4)
            time.sleep(0.3)  # longer than the patience, and the grace beyond it
        finally:
            network.free.set()
        answers = [one.result() for one in asked]
    assert sorted(given.status_code for given in answers) == [200, 200, 503, 503]
    assert client.app.state.answering.inside == 0
