"""What a request took is let go of when it is answered: nothing waits for a search for garbage."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import traceback
import weakref
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from noise_picture import picture

from gyrus.errors import BusyError, ImageError, PassingError
from gyrus.imaging import Limits, child
from gyrus.imaging.source import Source
from gyrus.serving import answering as answering_module
from gyrus.serving import app as app_module
from gyrus.serving import create_app
from gyrus.serving.batching import Batches
from gyrus.serving.deadline import Deadline, ReadingTime
from scan_files import write_nifti

PREDICT = "/api/v1/predict"
PATIENCE_S = 60.0
"""How long a test waits for what is to come."""


def form(data, name="scan.png"):
    return {"files": {"image": (name, data)}}


class Item:
    """Something that can be asked whether it is still there."""


def test_threads_that_wait_hold_no_batch():
    batches = Batches(lambda items: [0 for _ in items], most=4, most_s=30.0, window_s=0.0, threads=2)
    gc.disable()
    try:
        future, item = Future(), Item()
        there = weakref.ref(item)
        batches.coming()
        batches.bring(item, future)
        del item
        assert future.result(PATIENCE_S) == 0
        until = time.monotonic() + PATIENCE_S
        while there() is not None and time.monotonic() < until:
            time.sleep(0.001)
        assert there() is None
    finally:
        gc.enable()
        batches.close()


def test_who_is_told_that_it_was_not_begun_holds_no_batch():
    batches = Batches(lambda items: items, most=4, most_s=30.0, window_s=0.0)
    future, item = Future(), Item()
    there = weakref.ref(item)
    gc.disable()
    try:
        batches.coming()
        batches.bring(item, future, Deadline(-1.0))
        del item
        with pytest.raises(BusyError):
            future.result(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while there() is not None and time.monotonic() < until:
            time.sleep(0.001)
        assert there() is None
        assert isinstance(future.exception(), BusyError)
    finally:
        gc.enable()
        batches.close()


@pytest.mark.parametrize("ask", ["answer", "probabilities"])
def test_the_error_of_an_upload_holds_nothing_of_it(client, ask):
    """A damaged image of 50 megapixels is a gigabyte in the frames of its decoder."""
    with pytest.raises(ImageError) as raised:
        asyncio.run(getattr(client.app.state.answering, ask)(picture(1)[:400]))
    frames = {frame.name for frame in traceback.extract_tb(raised.value.__traceback__)}
    assert frames.isdisjoint({"decode", "prepare", "_prepare", "_read", "_bring", "_examined", "_answers"})
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("query", ["", "?evidence=false"])
@pytest.mark.parametrize(("damaged", "seconds"), [(True, PATIENCE_S), (False, 0.01)])
def test_an_upload_is_let_go_of_when_its_error_is_told(options, monkeypatch, query, damaged, seconds):
    """Its bytes no longer count among the bodies in memory, so nothing may keep them there."""
    made, deadlines = answering_module.Deadline, []

    def watched(seconds):
        one = made(seconds)
        deadlines.append(weakref.ref(one))  # a frame that has it has the upload, too
        return one

    monkeypatch.setattr(answering_module, "Deadline", watched)
    data = picture(1)
    with TestClient(create_app(replace(options, deadline_seconds=seconds))) as client:
        answering = client.app.state.answering
        free = threading.Event()  # until then no thread comes to the upload
        for lane in (answering._readers, answering._examiners):
            lane.submit(free.wait, 0.0 if damaged else PATIENCE_S)
        gc.disable()
        try:
            given = client.post(PREDICT + query, **form(data[:400] if damaged else data))
            free.set()
            assert given.status_code == (415 if damaged else 503)
            until = time.monotonic() + PATIENCE_S
            while any(one() is not None for one in deadlines) and time.monotonic() < until:
                time.sleep(0.001)
            assert [one() for one in deadlines] == [None] * len(deadlines)
            assert deadlines
        finally:
            free.set()
            gc.enable()


_SEARCHES = """
import gc
from gyrus.serving.running import leave_out_of_collections
made = [[number] for number in range(400_000)]
leave_out_of_collections()
before = gc.get_stats()[2]["collections"]
kept = []
for number in range(200_000):
    ring = []
    ring.append(ring)
    if number % 1000 == 0:
        kept.append(ring)
print(gc.get_stats()[2]["collections"] - before)
"""


def test_what_is_old_is_searched_however_much_there_was_at_the_start():
    ended = subprocess.run([sys.executable, "-c", _SEARCHES], capture_output=True, text=True, check=True)
    assert int(ended.stdout) >= 1


def test_free_memory_is_given_back_now_and_then(app, monkeypatch):
    given = threading.Semaphore(0)
    monkeypatch.setattr(app_module, "GIVE_BACK_S", 0.001)
    monkeypatch.setattr(app_module, "give_free_memory_back", given.release)
    with TestClient(app):
        assert given.acquire(timeout=PATIENCE_S)
        assert given.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize("query", ["", "?evidence=false"])
def test_an_image_of_more_pixels_than_allowed_is_refused(options, query):
    with TestClient(create_app(replace(options, max_megapixels=1))) as client:
        given = client.post(PREDICT + query, **form(picture(1, (1001, 1000))))
        assert given.status_code == 415
        assert "the limit is 1,000,000" in given.json()["detail"]
        assert client.post(PREDICT + query, **form(picture(1, (1000, 1000)))).status_code == 200


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def test_the_time_for_reading_is_one_for_all_images_of_an_upload():
    clock = Clock()
    reading = ReadingTime(Limits(max_pixels=7), 6.0, clock)
    with reading.part() as limits:
        assert (limits.max_pixels, limits.max_seconds) == (7, 6.0)
        clock.now += 4.0
    clock.now += 100.0  # the network's, or waiting
    with reading.part() as limits:
        assert limits.max_seconds == 2.0
        clock.now += 3.0
    with pytest.raises(PassingError, match="longer than 6 s to read"), reading.part():
        pass


def test_the_start_of_the_process_that_reads_is_no_time_for_reading(tmp_path, monkeypatch):
    """Under load it takes seconds: the first scan that a busy server read was refused for that."""
    clock, start = Clock(), child._Child

    def slow_start(reads):
        clock.now += 100.0
        return start(reads)

    child.close_children()
    monkeypatch.setattr(child, "_Child", slow_start)
    monkeypatch.setattr(child, "time", SimpleNamespace(monotonic=clock))
    scan = write_nifti(tmp_path / "a.nii", np.ones((4, 5, 6), np.int16))
    reading = ReadingTime(Limits(), 6.0)
    with reading.part():
        assert Source(scan, "axial:1").read()
        assert clock.now == 100.0
        clock.now += 4.0
    with reading.part() as limits:
        assert limits.max_seconds == pytest.approx(2.0)


@pytest.mark.parametrize("query", ["", "?evidence=false"])
def test_slices_share_the_time_for_reading(client, tmp_path, monkeypatch, query):
    class Slow(Clock):
        def __call__(self):
            self.now += 1.0  # each look at it: a part takes a second
            return self.now

    monkeypatch.setattr(
        client.app.state.answering, "_reading", lambda: ReadingTime(Limits(max_seconds=60), 2.5, Slow())
    )
    volume = write_nifti(tmp_path / "volume.nii", np.arange(20 * 22 * 12, dtype=np.int16).reshape(20, 22, 12))
    given = client.post(PREDICT + query, **form(volume.read_bytes(), "volume.nii"))
    assert given.status_code == 200
    if not query:  # the header and two slices were read, when the time was over
        evidence = given.json()["evidence"]
        assert len(evidence["predictions"]) == 2
        assert {failure["error"] for failure in evidence["failures"]} == {
            "took longer than 2.5 s to read and was given up"
        }
    monkeypatch.setattr(client.app.state.answering, "_reading", lambda: ReadingTime(Limits(), 0.0, Slow()))
    given = client.post(PREDICT + query, **form(volume.read_bytes(), "volume.nii"))
    assert given.status_code == 415
    assert "took longer than 0 s to read" in given.json()["detail"]
