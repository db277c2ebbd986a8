"""Looks remembered by content: found again for the same, a smaller or a larger set; damage is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gyrus.data import Scan, load, scan
from gyrus.data.look_cache import find_looks, look_path, open_looks, writing_looks
from gyrus.imaging import decode, read_image
from gyrus.imaging.look import look

MakeImages = Callable[..., Path]
NAMES = {f"{label}/{n}.png": n + 10 * (label == "b") for label in "ab" for n in range(4)}


@pytest.fixture
def data(tmp_path: Path, make_images: MakeImages) -> Path:
    return make_images(tmp_path / "data", NAMES)


@pytest.fixture
def decoded_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def counting(content: bytes, *, name: str) -> object:
        names.append(Path(name).name)
        return decode(content, name=name)

    monkeypatch.setattr("gyrus.imaging.seeing.decode", counting)
    return names


def scanned(folder: Path, cache: Path | None, **options: object) -> Scan:
    return scan(load(folder).manifest, cache_dir=cache, progress=False, **options)  # type: ignore[arg-type]


def check(result: Scan) -> None:
    expected = [look(read_image(result.manifest.file_of(row))) for row in result.manifest]
    np.testing.assert_array_equal(result.looks, expected)


def test_looks_belong_to_the_rows(data: Path, tmp_path: Path) -> None:
    check(scanned(data, tmp_path / "cache"))
    check(scanned(data, tmp_path / "cache"))
    check(scanned(data, tmp_path / "cache", image_size=8))


def test_parts_and_wholes_are_found_again(data: Path, tmp_path: Path, decoded_names: list[str]) -> None:
    cache = tmp_path / "cache"
    scanned(data, cache)
    decoded_names.clear()
    (data / "a" / "0.png").unlink()
    check(scanned(data, cache))
    assert decoded_names == []
    from PIL import Image

    Image.fromarray(np.full((9, 9), 5, np.uint8)).save(data / "a" / "new.png")
    check(scanned(data, cache))
    assert decoded_names == ["new.png"]
    check(scanned(data, cache))
    assert decoded_names == ["new.png"]


def test_forgotten_looks_are_made_anew(data: Path, tmp_path: Path, decoded_names: list[str]) -> None:
    """Facts and looks live in files of their own: one may be deleted without the other."""
    cache = tmp_path / "cache"
    first = scanned(data, cache)
    for path in (cache / "looks").iterdir():
        path.unlink()
    decoded_names.clear()
    again = scanned(data, cache)
    assert len(decoded_names) == 8
    np.testing.assert_array_equal(again.looks, first.looks)
    for path in cache.glob("facts-*"):
        path.unlink()
    check(scanned(data, cache))


def test_unreadable_files_have_none(data: Path, tmp_path: Path) -> None:
    (data / "a" / "1.png").write_bytes(b"\x89PNG")
    for _ in range(2):
        result = scanned(data, tmp_path / "cache", on_bad_file="skip")
        assert len(result.looks) == len(result.manifest) == 7
        check(result)
    assert len(list((tmp_path / "cache" / "looks").iterdir())) == 1


def test_without_a_cache_they_are_kept_in_memory(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GYRUS_CACHE", str(tmp_path / "file" / "cache"))
    check(scanned(data, None))


CONTENTS = [f"{n:064x}" for n in (9, 3, 5)]


def written(folder: Path) -> Path:
    path = look_path(folder, CONTENTS)
    with writing_looks(path) as writer:
        for number, sha256 in enumerate(CONTENTS):
            writer.add(sha256, np.full((64, 64), number, np.uint8))
        writer.finish()
    return path


def test_a_file_holds_what_was_put_in_whatever_the_order(tmp_path: Path) -> None:
    path = written(tmp_path)
    cache = open_looks(path, sorted(CONTENTS))
    assert cache is not None
    assert cache.of([CONTENTS[2], CONTENTS[0], CONTENTS[2]])[:, 0, 0].tolist() == [2, 0, 2]
    assert look_path(tmp_path, sorted(CONTENTS)) == path
    assert open_looks(path, CONTENTS[:2]) is None
    found = find_looks(tmp_path, [CONTENTS[1], "f" * 64])
    assert {sha256: int(small[0, 0]) for sha256, small in found.items()} == {CONTENTS[1]: 1}


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "index", "empty", "other"])
def test_damaged_files_are_as_none(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[5] ^= 1
    elif damage == "index":
        data[-1] ^= 1
    changed = {"cut": data[:-40], "longer": data + b"x", "empty": b"", "other": b"[1, 2]" + bytes(5000)}
    path.write_bytes(bytes(changed.get(damage, data)))
    assert open_looks(path, CONTENTS) is None
    assert find_looks(tmp_path, CONTENTS) == {}


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def interrupted() -> None:
        with writing_looks(look_path(tmp_path, CONTENTS)) as writer:
            writer.add(CONTENTS[0], np.zeros((64, 64), np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "looks").iterdir()) == []
