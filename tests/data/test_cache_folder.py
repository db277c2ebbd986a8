"""The cache stays small, and says where it lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gyrus.data.cache_folder import default_cache_folder, keep_below, make_cache_folder
from gyrus.data.facts import Facts, FactsMemory


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GYRUS_CACHE", "/somewhere")
    assert default_cache_folder() == Path("/somewhere")
    monkeypatch.delenv("GYRUS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "gyrus"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "gyrus"


def test_the_oldest_go_first_and_the_new_one_stays(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        path = tmp_path / f"{name}.pixels"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "other.json").write_bytes(bytes(1000))
    keep_below(tmp_path, ".pixels", 200, keep=tmp_path / "new.pixels")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle.pixels", "new.pixels", "other.json"]
    keep_below(tmp_path, ".pixels", 10, keep=tmp_path / "new.pixels")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.pixels", "other.json"]


def test_parts_that_a_killed_process_left_are_removed_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".a.pixels.x.part", 2 * 86400), (".b.pixels.y.part", 60)):
        path = tmp_path / name
        path.write_bytes(b"x")
        now = path.stat().st_mtime
        os.utime(path, (now - age, now - age))
    keep_below(tmp_path, ".pixels", 100, keep=tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == [".b.pixels.y.part"]


def test_making_it_twice_is_no_error(tmp_path: Path) -> None:
    assert make_cache_folder(tmp_path / "a" / "b") == make_cache_folder(tmp_path / "a" / "b")


def test_facts_are_remembered_and_the_oldest_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gyrus.data.facts._MOST_REMEMBERED", 3)
    memory = FactsMemory(tmp_path)
    memory.remember({"1": Facts(width_px=1), "2": Facts(error="broken"), "3": Facts()})
    memory.remember({"1": Facts(width_px=1), "4": Facts(notes="ä")})
    assert set(memory.known) == {"1", "2", "3", "4"}, "this process keeps what it needs"
    again = FactsMemory(tmp_path).known
    assert set(again) == {"3", "1", "4"}
    assert again["4"] == Facts(notes="ä")
    assert again["1"] == Facts(width_px=1)


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    memory = FactsMemory(None)
    memory.remember({"1": Facts()})
    assert set(memory.known) == {"1"}
    assert list(tmp_path.iterdir()) == []
