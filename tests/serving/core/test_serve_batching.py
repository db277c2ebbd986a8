"""Batches form by themselves, nobody waits alone, errors reach those who asked, the queue has an end."""

import threading
import time
from concurrent.futures import Future

import pytest

from gyrus.errors import BusyError
from gyrus.serving.batching import Admission, Batches


@pytest.fixture
def made():
    opened = []

    def make(compute, **options):
        batches = Batches(compute, **{"most": 4, "window_s": 0.0, **options})
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


def test_every_item_gets_its_own_result(made):
    batches = made(lambda items: [2 * item for item in items], threads=2)
    futures = [bring(batches, number) for number in range(200)]
    assert [future.result(5) for future in futures] == [2 * number for number in range(200)]


def test_what_comes_while_the_network_is_busy_goes_together(made):
    sizes, free = [], threading.Event()

    def compute(items):
        assert free.wait(5)
        return items

    batches = made(compute, observe=sizes.append)
    futures = [bring(batches, number) for number in range(6)]
    while not sizes:  # the first is in the network
        time.sleep(0.001)
    free.set()
    assert [future.result(5) for future in futures] == list(range(6))
    assert max(sizes) <= 4
    assert len(sizes) < 6


def test_who_is_alone_does_not_wait(made):
    batches = made(lambda items: items, window_s=30.0)
    assert bring(batches, 1).result(5) == 1


def test_a_batch_waits_for_one_that_is_coming_but_not_for_one_that_failed(made):
    sizes = []
    batches = made(lambda items: items, window_s=30.0, observe=sizes.append)
    batches.coming()
    first = bring(batches, 1)
    time.sleep(0.02)
    assert not first.done()
    second = Future()
    batches.bring(2, second)
    assert (first.result(5), second.result(5), sizes) == (1, 2, [2])
    batches.coming()
    third = bring(batches, 3)
    batches.not_coming()
    assert third.result(5) == 3


def test_a_full_batch_does_not_wait(made):
    batches = made(lambda items: items, most=2, window_s=30.0)
    batches.coming()
    batches.coming()
    batches.coming()
    futures = [Future(), Future()]
    for number, future in enumerate(futures):
        batches.bring(number, future)
    assert [future.result(5) for future in futures] == [0, 1]
    batches.not_coming()


def test_an_error_reaches_all_of_a_batch_and_nobody_else(made):
    def compute(items):
        if "bad" in items:
            raise ValueError("no")
        return items

    batches = made(compute, most=1)
    bad, good = bring(batches, "bad"), bring(batches, "good")
    with pytest.raises(ValueError, match="no"):
        bad.result(5)
    assert good.result(5) == "good"


def test_closing_computes_what_waits(made):
    batches = made(lambda items: [time.sleep(0.01) or item for item in items], most=1)
    futures = [bring(batches, number) for number in range(5)]
    batches.close()
    assert [future.result(0) for future in futures] == list(range(5))


def test_the_queue_has_an_end():
    admission = Admission(most=2)
    admission.enter(1, patience_s=1)
    admission.enter(1, patience_s=1)
    with pytest.raises(BusyError, match="2 images are waiting") as caught:
        admission.enter(1, patience_s=1)
    assert caught.value.retry_after_s >= 1
    admission.leave(1)
    admission.enter(1, patience_s=1)
    assert admission.inside == 2


def test_who_would_wait_too_long_is_sent_away_at_once():
    admission = Admission(most=100)
    admission.enter(1, patience_s=0.01)
    time.sleep(0.05)
    admission.leave(1)  # one takes 50 ms
    admission.enter(1, patience_s=0.01)  # nobody before it: it waits for nobody
    with pytest.raises(BusyError):
        admission.enter(1, patience_s=0.01)
    admission.enter(1, patience_s=1.0)


def test_a_few_are_let_in_however_slow_it_is():
    admission = Admission(most=100, few=3)
    admission.enter(1, patience_s=0.01)
    time.sleep(0.05)
    admission.leave(1)
    for _ in range(3):
        admission.enter(1, patience_s=0.01)
    with pytest.raises(BusyError):
        admission.enter(1, patience_s=0.01)


def test_waiting_for_nothing_does_not_count_as_slowness():
    admission = Admission(most=100)
    for _ in range(3):
        admission.enter(1, patience_s=1)
        admission.leave(1)
        time.sleep(0.02)
    admission.enter(1, patience_s=1)
    assert admission.expected_wait_s() < 0.01


def test_what_waits_is_shared_among_idle_threads(made):
    sizes, both = [], threading.Barrier(2, timeout=5)

    def compute(items):
        both.wait()  # passes only when two threads compute at once
        return items

    batches = made(compute, threads=2, window_s=30.0, observe=sizes.append)
    batches.coming()
    futures = [bring(batches, number) for number in range(1)]
    futures.append(Future())
    batches.bring(1, futures[-1])
    assert [future.result(5) for future in futures] == [0, 1]
    assert sizes == [1, 1]


def test_one_that_hung_does_not_send_the_next_ones_away():
    admission = Admission(most=100)
    for seconds in [0.001] * 20 + [0.3]:
        admission.enter(1, patience_s=1)
        time.sleep(seconds)
        admission.leave(1)
    admission.enter(1, patience_s=1)
    assert admission.expected_wait_s() < 0.05


def test_bursts_do_not_hide_how_long_it_takes():
    now = [0.0]
    admission = Admission(most=100, clock=lambda: now[0])
    admission.enter(40, patience_s=1)
    for _ in range(30):
        now[0] += 0.04
        for _ in range(8):  # a batch: all at once
            admission.leave(1)
        admission.enter(8, patience_s=1)
    assert admission.inside == 40
    assert admission.expected_wait_s() == pytest.approx(40 * 0.005, rel=0.1)


def test_a_thread_whose_batch_another_took_goes_on(made):
    both, together = threading.Barrier(2), threading.Event()

    def compute(items):
        if together.is_set():
            both.wait(5)  # only two threads that compute side by side get past this
        return items

    batches = made(compute, window_s=30.0, threads=2)
    time.sleep(0.02)  # both threads have nothing to do
    futures = [Future(), Future()]
    for _ in range(3):
        batches.coming()
    for number, future in enumerate(futures):  # one thread each waits for the third
        batches.bring(number, future)
        time.sleep(0.02)
    batches.not_coming()  # the one that hears of it takes both
    assert [future.result(5) for future in futures] == [0, 1]
    batches.coming()
    batches.not_coming()  # and the other finds nothing
    time.sleep(0.02)
    together.set()
    assert [future.result(6) for future in (bring(batches, 2), bring(batches, 3))] == [2, 3]
