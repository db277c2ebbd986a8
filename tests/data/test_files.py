"""Listing files: natural order, and a parallel map that keeps its order and its distance."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.data.files import is_hidden, list_files, natural_key, shown
from gyrus.data.parallel import ordered_map, threads_to_use
from gyrus.errors import DataError


def test_numbers_count_as_numbers() -> None:
    names = ["im10.png", "im2.png", "IM1.png", "im02.png", "a/b10", "a/b9", "10", "9", "x²"]
    assert sorted(names, key=natural_key) == [
        "9", "10", "a/b9", "a/b10", "IM1.png", "im02.png", "im2.png", "im10.png", "x²",
    ]  # fmt: skip


def test_links_in_circles_are_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"x")
    links = {"a/up": "..", "a/self": "../a", "itself": "itself", "there": "back", "back": "there"}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "b").symlink_to("a")  # the same folder a second time: no circle
    found = list_files(tmp_path)
    assert found.loops == ["a/self", "a/up", "b/self", "b/up", "back", "itself", "there"]
    assert found.images == ["a/1.png", "b/1.png", "gone.png"]


@given(st.lists(st.text(max_size=6), max_size=8))
def test_the_order_is_total(names: list[str]) -> None:
    forwards = sorted(names, key=natural_key)
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == forwards


@pytest.mark.parametrize(
    "name", [".DS_Store", "._a.png", "Thumbs.db", "THUMBS.DB", "__MACOSX", "desktop.ini"]
)
def test_system_names(name: str) -> None:
    assert is_hidden(name)
    assert not is_hidden("a" + name)


def test_lists_say_how_many_are_left_out() -> None:
    assert shown(["a", "b", "c"], 3) == "a, b, c"
    assert shown(["a", "b", "c"], 2) == "a, b and 1 more"


def test_an_unreadable_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list_files(tmp_path / "absent")


def test_results_come_in_order_however_long_they_take() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(ordered_map(slow_first, range(50))) == [number * number for number in range(50)]


def test_no_more_than_a_few_are_computed_ahead() -> None:
    started: list[int] = []
    results = ordered_map(lambda number: started.append(number) or number, range(1000))
    for _ in range(3):
        next(results)
    time.sleep(0.05)
    assert len(started) <= 3 + 4 * threads_to_use()
    results.close()  # type: ignore[attr-defined]


def test_an_error_reaches_the_caller_and_stops_the_threads() -> None:
    def fail_at_7(number: int) -> int:
        if number == 7:
            raise KeyError(number)
        return number

    before = set(threading.enumerate())
    with pytest.raises(KeyError):
        list(ordered_map(fail_at_7, range(100)))
    assert set(threading.enumerate()) <= before  # those of earlier tests may have ended meanwhile


def test_items_may_be_drawn_lazily() -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    results = ordered_map(lambda number: -number, endless())
    assert [next(results) for _ in range(5)] == [0, -1, -2, -3, -4]
    results.close()  # type: ignore[attr-defined]


def test_a_map_may_be_closed_by_one_of_its_own_threads() -> None:
    """As the garbage collector does, which runs wherever it is due."""
    yielded, closed = threading.Event(), threading.Event()

    def close_at_the_end(number: int) -> int:
        if number == 1:
            yielded.wait(60)
            results.close()  # type: ignore[attr-defined]
            closed.set()
        return number

    results = ordered_map(close_at_the_end, range(8), threads=2)
    assert next(iter(results)) == 0
    yielded.set()
    assert closed.wait(60)
    assert list(results) == []
