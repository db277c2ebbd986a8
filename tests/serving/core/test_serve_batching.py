"""Batches form by themselves, nobody waits alone, errors reach those who asked."""

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from gyrus.errors import BusyError
from gyrus.serving import batching
from gyrus.serving.batching import Batches
from gyrus.serving.deadline import Deadline

PATIENCE_S = 60.0
"""How long a test waits for what is to come: on a machine under load that may be long."""
FOR_EVER_S = 600.0
"""A time that is not to pass: whoever waited it out would exceed the patience of the test."""


@pytest.fixture
def made():
    opened = []

    def make(compute, **options):
        batches = Batches(compute, **{"most": 4, "most_s": FOR_EVER_S, "window_s": 0.0, **options})
        opened.append(batches)
        return batches

    yield make
    for batches in opened:
        batches.close()


def bring(batches, item):
    future = Future()
    batches.coming()
    batches.bring(item, future)
    return future


def until_idle(batches, threads):
    """Wait until so many threads have nothing to do: one that has just been started may not be there yet."""
    end = time.monotonic() + PATIENCE_S
    while batches._idle < threads:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_every_item_gets_its_own_result(made):
    batches = made(lambda items: [2 * item for item in items], threads=2)
    futures = [bring(batches, number) for number in range(200)]
    assert [future.result(PATIENCE_S) for future in futures] == [2 * number for number in range(200)]


def test_what_comes_while_the_network_is_busy_goes_together(made):
    sizes, free = [], threading.Event()

    def compute(items):
        assert free.wait(PATIENCE_S)
        return items

    batches = made(compute, observe=sizes.append)
    futures = [bring(batches, number) for number in range(6)]
    while not sizes:  # the first is in the network
        time.sleep(0.001)
    free.set()
    assert [future.result(PATIENCE_S) for future in futures] == list(range(6))
    assert max(sizes) <= 4
    assert len(sizes) < 6


def test_who_is_alone_does_not_wait(made):
    batches = made(lambda items: items, window_s=FOR_EVER_S)
    assert bring(batches, 1).result(PATIENCE_S) == 1


def test_a_batch_waits_for_one_that_is_coming_but_not_for_one_that_failed(made):
    sizes = []
    batches = made(lambda items: items, window_s=FOR_EVER_S, observe=sizes.append)
    batches.coming()
    first = bring(batches, 1)
    time.sleep(0.02)
    assert not first.done()
    second = Future()
    batches.bring(2, second)
    assert (first.result(PATIENCE_S), second.result(PATIENCE_S), sizes) == (1, 2, [2])
    batches.coming()
    third = bring(batches, 3)
    batches.not_coming()
    assert third.result(PATIENCE_S) == 3


def test_a_full_batch_does_not_wait(made):
    batches = made(lambda items: items, most=2, window_s=FOR_EVER_S)
    batches.coming()
    batches.coming()
    batches.coming()
    futures = [Future(), Future()]
    for number, future in enumerate(futures):
        batches.bring(number, future)
    assert [future.result(PATIENCE_S) for future in futures] == [0, 1]
    batches.not_coming()


def test_an_error_reaches_all_of_a_batch_and_nobody_else(made):
    def compute(items):
        if "bad" in items:
            raise ValueError("no")
        return items

    batches = made(compute, most=1)
    bad, good = bring(batches, "bad"), bring(batches, "good")
    with pytest.raises(ValueError, match="no"):
        bad.result(PATIENCE_S)
    assert good.result(PATIENCE_S) == "good"


def test_closing_computes_what_waits(made):
    batches = made(lambda items: [time.sleep(0.01) or item for item in items], most=1)
    futures = [bring(batches, number) for number in range(5)]
    batches.close()
    assert [future.result(0) for future in futures] == list(range(5))


def test_what_waits_is_shared_among_idle_threads(made):
    sizes, both = [], threading.Barrier(2, timeout=PATIENCE_S)

    def compute(items):
        both.wait()  # passes only when two threads compute at once
        return items

    batches = made(compute, threads=2, window_s=FOR_EVER_S, observe=sizes.append)
    until_idle(batches, 2)
    batches.coming()
    futures = [bring(batches, number) for number in range(1)]
    futures.append(Future())
    batches.bring(1, futures[-1])
    assert [future.result(PATIENCE_S) for future in futures] == [0, 1]
    assert sizes == [1, 1]


def test_who_waits_for_company_shares_what_comes(made):
    """A thread that waits for a batch to fill is idle: another must not take its item with its own."""
    sizes, both = [], threading.Barrier(2, timeout=PATIENCE_S)

    def compute(items):
        if len(items) == 1:
            both.wait()
        return items

    batches = made(compute, threads=2, window_s=FOR_EVER_S, observe=sizes.append)
    until_idle(batches, 2)
    batches.coming()
    first, second = bring(batches, 0), Future()
    time.sleep(0.05)  # one thread has heard of the first and waits for the second
    batches.bring(1, second)
    assert (first.result(PATIENCE_S), second.result(PATIENCE_S)) == (0, 1)
    assert sizes == [1, 1]


def test_a_thread_whose_batch_another_took_goes_on(made):
    both, together = threading.Barrier(2), threading.Event()

    def compute(items):
        if together.is_set():
            both.wait(PATIENCE_S)  # only two threads that compute side by side get past this
        return items

    batches = made(compute, window_s=FOR_EVER_S, threads=2)
    until_idle(batches, 2)
    batches.coming()
    first = bring(batches, 0)
    time.sleep(0.02)  # one thread waits for the second
    batches.not_coming()  # the other, idle for longer, hears of it and takes the first
    assert first.result(PATIENCE_S) == 0
    batches.coming()
    batches.not_coming()  # and the one that waited finds nothing
    time.sleep(0.02)
    together.set()
    assert [future.result(PATIENCE_S) for future in (bring(batches, 2), bring(batches, 3))] == [2, 3]


def test_a_batch_takes_no_longer_than_it_may(made):
    sizes = []

    def compute(items):
        time.sleep(0.03)
        return items

    batches = made(compute, most_s=0.04, observe=sizes.append)
    assert bring(batches, 0).result(PATIENCE_S) == 0  # one takes 30 ms: two would take too long
    sizes.clear()
    futures = [bring(batches, number) for number in range(4)]
    assert [future.result(PATIENCE_S) for future in futures] == list(range(4))
    assert sizes == [1, 1, 1, 1]


def test_batches_grow_again_when_it_goes_faster(made, monkeypatch):
    sizes, now_s, takes_s, free = [], [0.0], [0.2], threading.Event()
    monkeypatch.setattr(batching, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    free.set()

    def compute(items):
        assert free.wait(PATIENCE_S)
        now_s[0] += takes_s[0]
        return items

    batches = made(compute, most_s=0.05, observe=sizes.append)
    assert bring(batches, 0).result(PATIENCE_S) == 0
    takes_s[0] = 0.001
    for number in range(20):
        assert bring(batches, number).result(PATIENCE_S) == number
    takes_s[0] = 0.01
    free.clear()
    bring(batches, "first")
    while len(sizes) < 22:  # until it is in the network
        time.sleep(0.001)
    others = [bring(batches, number) for number in range(4)]
    free.set()
    assert [future.result(PATIENCE_S) for future in others] == list(range(4))
    assert max(sizes[22:]) == 4


def test_what_was_not_begun_in_time_is_not_computed(made):
    computed, free, begun = [], threading.Event(), threading.Event()

    def compute(items):
        begun.set()
        assert free.wait(PATIENCE_S)
        computed.extend(items)
        return items

    batches = made(compute)
    first = bring(batches, "first")
    assert begun.wait(PATIENCE_S)
    futures = [Future(), Future()]
    for future, seconds in zip(futures, [0.01, FOR_EVER_S], strict=True):
        batches.coming()
        batches.bring(seconds, future, Deadline(seconds))
    time.sleep(0.03)
    free.set()
    with pytest.raises(BusyError, match=r"within 0\.01 s"):
        futures[0].result(PATIENCE_S)
    assert (first.result(PATIENCE_S), futures[1].result(PATIENCE_S)) == ("first", FOR_EVER_S)
    assert computed == ["first", FOR_EVER_S]


def test_who_reads_waits_while_enough_is_read(made):
    free, begun, read = threading.Event(), threading.Event(), []

    def compute(items):
        begun.set()
        assert free.wait(PATIENCE_S)
        return items

    batches = made(compute, most=1)  # two may wait
    futures = [bring(batches, 0)]
    assert begun.wait(PATIENCE_S)
    futures += [bring(batches, 1), bring(batches, 2)]

    def read_one():
        batches.await_room()
        read.append(3)
        futures.append(bring(batches, 3))

    reader = threading.Thread(target=read_one)
    reader.start()
    time.sleep(0.05)
    assert read == []
    free.set()
    reader.join(PATIENCE_S)
    assert [future.result(PATIENCE_S) for future in futures] == [0, 1, 2, 3]


def test_closing_lets_those_go_on_that_wait_to_read(made):
    free, begun = threading.Event(), threading.Event()

    def compute(items):
        begun.set()
        assert free.wait(PATIENCE_S)
        return items

    batches = made(compute, most=1)
    bring(batches, 0)
    assert begun.wait(PATIENCE_S)
    bring(batches, 1), bring(batches, 2)
    reader = threading.Thread(target=batches.await_room)
    reader.start()
    closing = threading.Thread(target=batches.close)
    closing.start()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    free.set()
    closing.join(PATIENCE_S)
