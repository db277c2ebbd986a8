"""The queue has an end, by how long it would take; who finds no room waits a moment before being told so."""

import asyncio
import time

import pytest

from gyrus.errors import BusyError
from gyrus.serving.admission import Admission, Threshold


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


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def test_who_would_wait_too_long_is_sent_away_at_once():
    admission = Admission(most=100, clock=(clock := Clock()))
    admission.enter(1, patience_s=0.01)
    clock.now += 0.05
    admission.leave(1)  # one takes 50 ms
    admission.enter(1, patience_s=0.01)  # nobody before it: it waits for nobody
    with pytest.raises(BusyError):
        admission.enter(1, patience_s=0.01)
    admission.enter(1, patience_s=1.0)


def test_a_few_are_let_in_however_slow_it_is():
    admission = Admission(most=100, few=3, clock=(clock := Clock()))
    admission.enter(1, patience_s=0.01)
    clock.now += 0.05
    admission.leave(1)
    for _ in range(3):
        admission.enter(1, patience_s=0.01)
    with pytest.raises(BusyError):
        admission.enter(1, patience_s=0.01)


def test_waiting_for_nothing_does_not_count_as_slowness():
    admission = Admission(most=100, clock=(clock := Clock()))
    for _ in range(3):
        admission.enter(1, patience_s=1)
        admission.leave(1)
        clock.now += 0.02
    admission.enter(1, patience_s=1)
    assert admission.expected_wait_s() < 0.01


def test_one_that_hung_does_not_send_the_next_ones_away():
    admission = Admission(most=100, clock=(clock := Clock()))
    for seconds in [0.001] * 20 + [0.3]:
        admission.enter(1, patience_s=1)
        clock.now += seconds
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


def test_the_few_are_told_apart():
    admission = Admission(most=100, few=2)
    assert [admission.enter(1, patience_s=1) for _ in range(3)] == [True, True, False]


def test_those_that_were_not_begun_tell_nothing_of_how_fast_it_goes():
    now = [0.0]
    admission = Admission(most=1000, clock=lambda: now[0])
    admission.enter(40, patience_s=1)
    for _ in range(30):
        now[0] += 0.1
        admission.leave(1)
        for _ in range(9):
            admission.leave(1, begun=False)
        admission.enter(10, patience_s=100)
    assert admission.inside == 40
    assert admission.expected_wait_s() == pytest.approx(40 * 0.1, rel=0.1)


def full():
    raise BusyError("full")


def test_who_finds_room_is_not_held_back():
    asyncio.run(asyncio.wait_for(Threshold(seconds=30.0).pass_over(lambda: None), 20))


def test_who_finds_no_room_is_told_so_after_a_moment():
    began = time.perf_counter()
    with pytest.raises(BusyError):
        asyncio.run(Threshold(seconds=0.05).pass_over(full))
    assert time.perf_counter() - began >= 0.05


def test_only_so_many_are_held_back():
    threshold, told = Threshold(seconds=0.2, most=2), []

    async def ask(number):
        with pytest.raises(BusyError):
            await threshold.pass_over(full)
        told.append(number)

    async def all_of_them():
        await asyncio.gather(*(ask(number) for number in range(5)))
        await asyncio.gather(*(ask(number) for number in range(5, 8)))  # there is room to wait in again

    asyncio.run(all_of_them())
    assert (told[:3], set(told[3:5])) == ([2, 3, 4], {0, 1})  # those for whom there is no room are told first
    assert (told[5], set(told[6:])) == (7, {5, 6})
