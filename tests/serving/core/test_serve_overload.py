"""More than can be answered: told at once and when to come back; nobody waits for ever."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from gyrus.serving import create_app
from scan_files import write_nifti

PREDICT = "/api/v1/predict?evidence=false"


@pytest.fixture
def slow(options, monkeypatch):
    """A function that makes a client of a server whose network takes its time."""
    opened = []

    def make(seconds, **changes):
        app = create_app(replace(options, db="none", **changes))
        network = app.state.answering._batches
        compute = network._compute
        monkeypatch.setattr(network, "_compute", lambda items: (time.sleep(seconds), compute(items))[1])
        client = TestClient(app)
        opened.append(client)
        return client.__enter__()

    yield make
    for client in opened:
        client.__exit__(None, None, None)


def at_once(client, png, count):
    """Ask so many times at once; return status and seconds of each."""

    def ask(_):
        began = time.perf_counter()
        given = client.post(PREDICT, files={"image": ("a.png", png)})
        return given, time.perf_counter() - began

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def test_overload_is_told_within_a_second(slow, png):
    client = slow(0.1, batch_size=1, patience_seconds=0.2)
    at_once(client, png, 1)  # now it knows how long one takes
    answers = at_once(client, png, 12)
    statuses = [given.status_code for given, _ in answers]
    assert statuses.count(200) >= 2
    assert statuses.count(503) >= 6
    assert len(statuses) == statuses.count(200) + statuses.count(503)
    for given, seconds in answers:
        assert seconds < 1.0
        if given.status_code == 503:
            assert int(given.headers["retry-after"]) >= 1
            assert given.json()["type"] == "/problems/busy"
    assert client.post(PREDICT, files={"image": ("a.png", png)}).status_code == 200


def test_the_queue_is_bounded(slow, png):
    client = slow(0.05, max_queue=2, patience_seconds=60)
    statuses = [given.status_code for given, _ in at_once(client, png, 8)]
    assert {200, 503} == set(statuses)


def test_the_deadline_ends_a_wait(slow, png):
    client = slow(0.5, deadline_seconds=0.1)
    ((given, seconds),) = at_once(client, png, 1)
    assert (given.status_code, given.json()["type"]) == (503, "/problems/busy")
    assert seconds < 0.45
    assert client.app.state.answering.inside == 0


def test_what_nobody_waits_for_is_not_computed(slow, png):
    client = slow(0.3, deadline_seconds=0.1, batch_size=1)
    computed = []
    predictor = client.app.state.answering.predictor
    prepare = predictor.prepare
    predictor.prepare = lambda *given, **options: (computed.append(1), prepare(*given, **options))[1]
    blocked = threading.Event()
    client.app.state.answering._readers.submit(blocked.wait, 5)
    given, _ = at_once(client, png, 1)[0]
    assert given.status_code == 503
    blocked.set()
    time.sleep(0.1)
    assert computed == []


def test_images_do_not_wait_for_volumes(client, png, tmp_path):
    volume = write_nifti(tmp_path / "a.nii", np.ones((20, 22, 12), np.int16)).read_bytes()
    free, answering = threading.Event(), client.app.state.answering
    answering._scanners.submit(free.wait, 60)  # a volume that takes long; the tests' servers have one thread
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, PREDICT, files={"image": ("a.nii", volume)})
        try:
            assert client.post(PREDICT, files={"image": ("a.png", png)}).status_code == 200
            assert not asked.done()
        finally:
            free.set()
        assert asked.result().status_code == 200


def test_the_event_loop_is_free_while_it_computes(slow, png):
    client = slow(0.3)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(at_once, client, png, 1)
        time.sleep(0.05)
        began = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        assert time.perf_counter() - began < 0.2
        assert asked.result()[0][0].status_code == 200


def test_ending_answers_what_is_inside(options, png):
    app = create_app(replace(options, db="none"))

    async def run():
        asked = [asyncio.create_task(app.state.answering.probabilities(png)) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.to_thread(app.state.answering.close)
        return await asyncio.gather(*asked)

    assert len(asyncio.run(run())) == 5


def test_a_body_is_not_read_where_there_is_no_room(slow, png):
    client = slow(0.3, max_queue=1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(at_once, client, png, 1)
        time.sleep(0.1)
        given = client.post(PREDICT, content=b"", headers={"content-type": "no/type"})
        assert (given.status_code, given.json()["type"]) == (503, "/problems/busy")
        assert asked.result()[0][0].status_code == 200
    assert client.post(PREDICT, content=b"", headers={"content-type": "no/type"}).status_code == 415


def test_what_is_not_begun_within_its_patience_is_told_so(slow, png):
    """Nothing is known of its speed yet, so all are let in; a few may wait as long as it takes."""
    client = slow(0.5, batch_size=1, patience_seconds=0.6)
    answers = at_once(client, png, 4)
    assert sorted(given.status_code for given, _ in answers) == [200, 200, 503, 503]
    assert client.app.state.answering.inside == 0
