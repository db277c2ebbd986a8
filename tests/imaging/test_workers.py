"""Decoding in processes: the same answers as here, in order; a killed one is told; scripts need no guard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gyrus.data import load, scan
from gyrus.errors import StorageError
from gyrus.imaging import byte_hash
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.seeing import FileRead, FirstMet, Request
from gyrus.imaging.source import Source
from gyrus.imaging.workers import SeeingWorkers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        path = tmp_path / "data" / "ab"[number % 2] / f"ü {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (70, 80), np.uint8)
        Image.fromarray(pixels).save(path)
    (tmp_path / "data" / "a" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "data"


def test_they_see_what_is_seen_here(folder: Path) -> None:
    paths = sorted(folder.rglob("*.png"))
    sources = [Source(path) for path in (*paths, paths[0], folder / "gone.png")]
    hashes = [byte_hash(path.read_bytes()) for path in paths] + ["0" * 64, "0" * 64]
    with SeeingWorkers(2) as workers:
        for geometry, color in ((None, "grey"), (Geometry(16, "pad", brain_crop=True), "rgb")):
            for start in range(0, 15, 5):
                part = slice(start, start + 5)
                request = Request(sources[part], hashes[part], geometry, color)  # type: ignore[arg-type]
                here = request.answer(FirstMet())
                for _ in range(5):  # each of the two processes twice, and this one
                    assert_equal_reads(workers.see(request), here)


def test_each_process_decodes_a_content_once(folder: Path) -> None:
    request = Request([Source(folder / "a" / "ü 0.png")] * 3 + [Source(folder / "gone.png")])
    with SeeingWorkers(1) as workers:
        for reads in (workers.see(request), workers.see(request)):
            assert [read.seen is not None for read in reads] == [True, False, False, False]
            assert len({read.sha256 for read in reads[:3]}) == 1
            assert "does not exist" in reads[3].reason
        assert not any(read.seen for _ in range(2) for read in workers.see(request))


def assert_equal_reads(reads: list[FileRead], expected: list[FileRead]) -> None:
    for read, other in zip(reads, expected, strict=True):
        assert (read.sha256, read.reason, read.seen is None) == (
            other.sha256, other.reason, other.seen is None
        )  # fmt: skip
        if read.seen is not None and other.seen is not None:
            assert read.seen.facts == other.seen.facts
            np.testing.assert_array_equal(read.seen.look, other.seen.look)
            np.testing.assert_array_equal(read.seen.pixels, other.seen.pixels)


def test_a_scan_by_processes_is_that_by_threads(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = load(folder).manifest
    options = {"on_bad_file": "skip", "progress": False}
    plain = scan(manifest, cache_dir=tmp_path / "1", **options)  # type: ignore[arg-type]
    monkeypatch.setattr("gyrus.data.reader._WORTH_PROCESSES", 2)
    monkeypatch.setattr("gyrus.data.reader._BATCH", 3)
    monkeypatch.setattr("gyrus.data.reader.threads_to_use", lambda: 2)
    for place, size in (("2", None), ("3", 8), ("3", 16)):  # the last starts processes for pixels alone
        result = scan(manifest, cache_dir=tmp_path / place, image_size=size, **options)  # type: ignore[arg-type]
        assert result.manifest == plain.manifest
        assert result.skipped == plain.skipped
        assert result.nuisance == plain.nuisance
        np.testing.assert_array_equal(result.looks, plain.looks)


def test_a_process_that_is_killed_is_told_with_its_files(folder: Path) -> None:
    request = Request([Source(folder / "a" / "ü 0.png")])
    with SeeingWorkers(1) as workers:
        workers.see(request)
        workers.see(request)  # here: the other comes next
        workers._others[0].process.kill()
        with pytest.raises(StorageError, match="a process that decodes images ended") as caught:
            workers.see(request)
    assert "ü 0.png" in caught.value.details[0]
    assert all(other.process.poll() is not None for other in workers._others)


def test_none_outlives_its_block(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyrus.imaging.workers._PATIENCE_S", 60.0)  # they may still load their modules
    with SeeingWorkers(2) as workers:
        others = workers._others
    assert [other.process.returncode for other in others] == [0, 0]
    with pytest.raises(KeyboardInterrupt), SeeingWorkers(1) as workers:
        raise KeyboardInterrupt
    assert workers._others[0].process.returncode is not None


def test_a_script_without_a_main_guard_is_not_run_again(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import gyrus.data.reader as reader\n"
        "reader._WORTH_PROCESSES, reader.threads_to_use = 1, lambda: 2\n"
        "print('once', flush=True)\n"
        "import gyrus\n"
        f"found = gyrus.audit({str(folder)!r}, on_bad_file='skip', cache_dir={str(tmp_path / 'c')!r})\n"
        "print(found.audit.images)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "once\n12\n"), done.stderr
