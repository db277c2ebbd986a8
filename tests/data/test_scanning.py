"""The scan: hashes and sizes, bad files at once, nothing decoded twice, nothing written to the data."""

from __future__ import annotations

import pickle
import resource
import shutil
import signal
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gyrus.data import Manifest, PixelCache, Row, Scan, load, scan
from gyrus.errors import DataError, StorageError
from gyrus.imaging import byte_hash, decode, perceptual_hash, pixel_hash, read_image, resize
from gyrus.imaging.source import Source

MakeImages = Callable[..., Path]
SEEDS = {"a/1.png": 1, "a/2.bmp": 1, "a/3.png": 3, "b/1.png": 4, "b/copy.png": 4, "b/5.png": 5}


@pytest.fixture
def data(tmp_path: Path, make_images: MakeImages) -> Path:
    return make_images(tmp_path / "data", SEEDS)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def decoded_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded from now on."""
    names: list[str] = []

    def counting(content: bytes, *, name: str) -> object:
        names.append(name)
        return decode(content, name=name)

    monkeypatch.setattr("gyrus.imaging.seeing.decode", counting)
    return names


def quiet_scan(folder: Path, cache: Path, **options: object) -> Scan:
    return scan(load(folder).manifest, cache_dir=cache, progress=False, **options)  # type: ignore[arg-type]


def test_hashes_and_sizes(data: Path, cache: Path) -> None:
    result = quiet_scan(data, cache)
    assert result.skipped == ()
    assert result.pixels is None
    for row in result.manifest:
        content = (data / row.path).read_bytes()
        pixels = decode(content, name="x").pixels
        assert row.sha256 == byte_hash(content)
        assert row.pixel_hash == pixel_hash(pixels)
        assert row.perceptual_hash == perceptual_hash(pixels)
        assert (row.width_px, row.height_px) == (12, 10)
    hashes = {row.image_id: row.pixel_hash for row in result.manifest}
    assert hashes["a/1.png"] == hashes["a/2.bmp"] != hashes["a/3.png"]


def test_each_content_is_decoded_once_and_never_again(
    data: Path, cache: Path, decoded_names: list[str]
) -> None:
    first = quiet_scan(data, cache, image_size=8)
    assert len(decoded_names) == 5, "six files, two of them with the same bytes"
    second = quiet_scan(data, cache, image_size=8)
    third = quiet_scan(data, cache)
    assert len(decoded_names) == 5
    assert second.manifest == first.manifest == third.manifest


def test_facts_follow_the_content_not_the_name(
    data: Path, cache: Path, tmp_path: Path, decoded_names: list[str]
) -> None:
    quiet_scan(data, cache)
    decoded_names.clear()
    (data / "a").rename(data / "c")
    quiet_scan(data, cache)
    assert decoded_names == []
    shutil.copy(data / "b" / "5.png", data / "c" / "1.png")
    changed = quiet_scan(data, cache)
    assert decoded_names == []
    hashes = {row.image_id: row.pixel_hash for row in changed.manifest}
    assert hashes["c/1.png"] == hashes["b/5.png"]


def test_a_new_image_costs_one_decoding(data: Path, cache: Path, decoded_names: list[str]) -> None:
    quiet_scan(data, cache)
    decoded_names.clear()
    Image.fromarray(np.full((9, 9), 5, np.uint8)).save(data / "a" / "new.png")
    quiet_scan(data, cache)
    assert [Path(name).name for name in decoded_names] == ["new.png"]


@pytest.mark.parametrize(("color", "channels"), [("grey", 1), ("rgb", 3)])
def test_pixels_are_those_of_reading_and_resizing(data: Path, cache: Path, color: str, channels: int) -> None:
    for _ in range(2):  # filled, then found
        result = quiet_scan(data, cache, image_size=8, color=color)
        assert result.pixels is not None
        assert result.pixels.pixels.shape == (5, 8, 8, channels)
        ids = [row.image_id for row in result.manifest]
        found = result.pixels.pixels[result.pixels.rows_of(ids)]
        for row, pixels in zip(result.manifest, found, strict=True):
            expected = resize(read_image(data / row.path, color=color), height_px=8, width_px=8)  # type: ignore[arg-type]
            np.testing.assert_array_equal(pixels, expected)


def test_identical_files_share_a_row_and_strangers_are_named(data: Path, cache: Path) -> None:
    pixels = quiet_scan(data, cache, image_size=8).pixels
    assert pixels is not None
    one, copy = pixels.rows_of(["b/1.png", "b/copy.png"])
    assert one == copy
    with pytest.raises(DataError, match="1 images are not in the pixel cache") as caught:
        pixels.rows_of(["a/1.png", "z/9.png"])
    assert caught.value.details == ["z/9.png"]


def test_the_cache_travels_to_a_worker_by_path(data: Path, cache: Path) -> None:
    pixels = quiet_scan(data, cache, image_size=64).pixels
    assert pixels is not None
    expected = np.array(pixels.pixels)
    sent = pickle.dumps(pixels)
    assert len(sent) < 2000, "the pixels themselves must not be sent"
    received: PixelCache = pickle.loads(sent)
    np.testing.assert_array_equal(received.pixels, expected)
    assert not received.pixels.flags.writeable


def test_size_color_and_content_have_their_own_files(data: Path, cache: Path) -> None:
    for options in ({"image_size": 8}, {"image_size": 9}, {"image_size": 8, "color": "rgb"}):
        quiet_scan(data, cache, **options)
    (data / "a" / "3.png").unlink()
    quiet_scan(data, cache, image_size=8)
    assert len(list((cache / "pixels").glob("*.pixels"))) == 4


@pytest.mark.parametrize("damage", ["cut", "grown", "header", "empty"])
def test_a_damaged_cache_file_is_made_anew(
    data: Path, cache: Path, decoded_names: list[str], damage: str
) -> None:
    before = quiet_scan(data, cache, image_size=8)
    assert before.pixels is not None
    path = before.pixels.path
    whole = path.read_bytes()
    path.write_bytes(
        {"cut": whole[:-1], "grown": whole + b"x", "header": b"X" + whole[1:], "empty": b""}[damage]
    )
    decoded_names.clear()
    quiet_scan(data, cache, image_size=8)
    assert len(decoded_names) == 5
    assert path.read_bytes() == whole


def test_a_damaged_memory_of_facts_is_forgotten(data: Path, cache: Path, decoded_names: list[str]) -> None:
    first = quiet_scan(data, cache)
    memory = next(cache.glob("facts-*.json"))
    content = memory.read_bytes()
    for damaged in (
        content[:-5],
        content.replace(first.manifest.rows[0].pixel_hash.encode(), b"0" * 64),
        b"",
    ):
        memory.write_bytes(damaged)
        decoded_names.clear()
        assert quiet_scan(data, cache).manifest == first.manifest
        assert len(decoded_names) == 5


BAD = {"b/zero.png": b"", "a/text.jpg": b"this is no image", "b/cut.png": None}


def add_bad_files(data: Path) -> None:
    for name, content in BAD.items():
        whole = (data / "a/3.png").read_bytes()
        (data / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    (data / "b" / "gone.png").symlink_to(data / "nowhere")


@pytest.mark.parametrize("image_size", [None, 8])
def test_all_bad_files_are_named_at_once(data: Path, cache: Path, image_size: int | None) -> None:
    add_bad_files(data)
    for _ in range(2):  # the second time from memory
        with pytest.raises(DataError, match="4 of 10 images cannot be read") as caught:
            quiet_scan(data, cache, image_size=image_size)
        message = str(caught.value)
        for line in (
            "b/zero.png: is empty (0 bytes)",
            "a/text.jpg: is no PNG, JPEG",
            "b/cut.png: is damaged or truncated",
            "b/gone.png: does not exist",
            "--on-bad-file skip",
            str(data),
        ):
            assert line in message


@pytest.mark.parametrize("image_size", [None, 8])
def test_bad_files_can_be_skipped_and_are_listed(data: Path, cache: Path, image_size: int | None) -> None:
    clean = quiet_scan(data, cache, image_size=image_size)
    add_bad_files(data)
    for _ in range(2):
        result = quiet_scan(data, cache, image_size=image_size, on_bad_file="skip")
        assert result.manifest == clean.manifest
        assert {skipped.image_id for skipped in result.skipped} == {*BAD, "b/gone.png"}
        assert all(skipped.reason for skipped in result.skipped)
        assert any("4 of 10 images cannot be read" in note for note in result.notes)
        if result.pixels is not None and clean.pixels is not None:
            assert result.pixels.path == clean.pixels.path


def test_skipping_fills_the_pixel_cache_with_the_others_alone(
    data: Path, cache: Path, decoded_names: list[str]
) -> None:
    add_bad_files(data)
    result = quiet_scan(data, cache, image_size=8, on_bad_file="skip")
    assert result.pixels is not None
    for row, pixels in zip(
        result.manifest,
        result.pixels.pixels[result.pixels.rows_of([r.image_id for r in result.manifest])],
        strict=True,
    ):
        np.testing.assert_array_equal(pixels, resize(read_image(data / row.path), height_px=8, width_px=8))
    decoded_names.clear()
    quiet_scan(data, cache, image_size=8, on_bad_file="skip")
    assert decoded_names == []


def test_nothing_readable_is_an_error_even_when_skipping(tmp_path: Path, cache: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "1.png").write_bytes(b"x")
    for image_size in (None, 8):
        with pytest.raises(DataError, match="2 of 2 images cannot be read"):
            quiet_scan(tmp_path / "d", cache, on_bad_file="skip", image_size=image_size)


def test_a_row_of_a_manifest_is_named_with_its_path(data: Path, cache: Path) -> None:
    """Its name may be that of a file which does exist: the path is what is wrong."""
    table = data / "manifest.csv"
    table.write_text("image_id,path,label\na/1.png,a/gone.png,a\nb/1.png,b/1.png,b\n")
    with pytest.raises(DataError) as caught:
        scan(load(table).manifest, cache_dir=cache, progress=False)
    assert caught.value.details == ["a/1.png (a/gone.png): does not exist"]


def test_a_manifest_that_was_moved_without_its_images(data: Path, cache: Path, tmp_path: Path) -> None:
    table = tmp_path / "elsewhere" / "manifest.csv"
    table.parent.mkdir()
    table.write_text("path,label\na/1.png,a\nb/1.png,b\n")
    with pytest.raises(DataError, match="2 of 2 images cannot be read") as caught:
        scan(load(table).manifest, cache_dir=cache, progress=False)
    assert "count from the folder that it lies in" in str(caught.value)
    assert "mend" not in str(caught.value)


def test_nothing_readable_can_be_listed(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    (tmp_path / "a" / "2.png").write_bytes(b"")
    for _ in range(2):
        result = quiet_scan(tmp_path, cache, on_bad_file="list")
        assert len(result.manifest) == 0
        assert [bad.image_id for bad in result.skipped] == ["a/1.png", "a/2.png"]
        assert result.looks.shape == (0, 64, 64)


def test_nuisance_facts_are_computed_once_and_remembered(
    data: Path, cache: Path, decoded_names: list[str]
) -> None:
    first = quiet_scan(data, cache)
    assert set(first.nuisance) == set(SEEDS)
    assert first.nuisance["a/2.bmp"].format == "BMP"
    for image_id, facts in first.nuisance.items():
        assert facts.file_bytes == (data / image_id).stat().st_size
        assert facts.mean == pytest.approx(read_image(data / image_id).mean(), abs=3)
    before = len(decoded_names)
    assert quiet_scan(data, cache).nuisance == first.nuisance
    assert quiet_scan(data, cache, image_size=8).nuisance == first.nuisance
    assert before == 5
    assert len(decoded_names) == 2 * before, "the pixel cache was filled once"


def test_peculiar_images_are_noted(data: Path, cache: Path) -> None:
    Image.new("RGBA", (4, 4), (9, 9, 9, 100)).save(data / "a" / "alpha.png")
    result = quiet_scan(data, cache)
    row = next(row for row in result.manifest if row.image_id == "a/alpha.png")
    assert row.notes == "transparency is composited on black"
    assert any("1 images: transparency" in note and "a/alpha.png" in note for note in result.notes)
    again = scan(result.manifest, cache_dir=cache, progress=False)
    assert again.manifest == result.manifest, "a second scan must not say it twice"
    assert again.notes == ()


def test_files_that_are_not_those_of_the_manifest_are_told(data: Path, cache: Path) -> None:
    result = quiet_scan(data, cache)
    shutil.copy(data / "b" / "5.png", data / "a" / "3.png")
    again = scan(result.manifest, cache_dir=cache, progress=False)
    assert any(
        "1 files are not those that the manifest was made from: a/3.png" in note for note in again.notes
    )


def test_the_data_folder_is_not_written_to(data: Path, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    for folder in (data, data / "a", data / "b"):
        folder.chmod(0o555)
    try:
        quiet_scan(data, cache, image_size=8)
    finally:
        for folder in (data, data / "a", data / "b"):
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Let every write beyond so many bytes of a file fail, as on a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, former[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, former)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_a_storage_error_and_leaves_nothing_behind(
    data: Path, cache: Path, small_disk: Callable[[int], None]
) -> None:
    small_disk(20_000)
    with pytest.raises(StorageError, match=r"could not be written") as caught:
        quiet_scan(data, cache, image_size=200)
    assert caught.value.fix is not None
    assert "--cache-dir" in caught.value.fix
    assert list((cache / "pixels").iterdir()) == []


@pytest.mark.parametrize("most_bytes", [100, 10_000])  # too little for anything, or for the looks alone
def test_a_full_disk_costs_the_memory_and_nothing_else(
    data: Path, cache: Path, tmp_path: Path, small_disk: Callable[[int], None], most_bytes: int
) -> None:
    expected = quiet_scan(data, tmp_path / "other")
    small_disk(most_bytes)
    result = quiet_scan(data, cache)
    assert result.manifest == expected.manifest
    assert result.nuisance == expected.nuisance
    np.testing.assert_array_equal(result.looks, expected.looks)
    assert any("Nothing is remembered" in note and "--cache-dir" in note for note in result.notes)
    assert not list(cache.rglob("*.looks"))


def test_a_full_disk_leaves_the_former_memory(
    data: Path, cache: Path, small_disk: Callable[[int], None]
) -> None:
    quiet_scan(data, cache)
    memory = next(cache.glob("facts-*.json"))
    before = memory.read_bytes()
    Image.fromarray(np.full((9, 9), 5, np.uint8)).save(data / "a" / "new.png")
    small_disk(100)
    result = quiet_scan(data, cache)
    assert any("could not be written" in note for note in result.notes)
    assert memory.read_bytes() == before


def test_an_unusable_cache_folder(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="cache folder cannot be used"):
        quiet_scan(data, blocked / "cache")
    monkeypatch.setenv("GYRUS_CACHE", str(blocked / "cache"))
    result = scan(load(data).manifest, progress=False)
    assert len(result.manifest) == 6
    assert any("Nothing is remembered" in note for note in result.notes)
    with pytest.raises(StorageError, match="GYRUS_CACHE"):
        scan(load(data).manifest, image_size=8, progress=False)


def test_the_default_cache_is_the_one_of_the_environment(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GYRUS_CACHE", str(tmp_path / "mine"))
    scan(load(data).manifest, image_size=8, progress=False)
    assert [path.suffix for path in (tmp_path / "mine" / "pixels").iterdir()] == [".pixels"]


def test_large_images_are_not_held(tmp_path: Path, cache: Path) -> None:
    """40 images of 4 MB each pass through far less memory than 160 MB."""
    for number in range(40):
        folder = tmp_path / "d" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2000, 2000), number, np.uint8)).save(
            folder / f"{number}.png", compress_level=1
        )
    manifest = load(tmp_path / "d").manifest
    tracemalloc.start()
    scan(manifest, cache_dir=cache, image_size=16, progress=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80e6


def test_progress_goes_to_stderr_only(data: Path, cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scan(load(data).manifest, cache_dir=cache, image_size=8)
    assert capfd.readouterr().out == ""


def test_a_file_that_changes_under_the_scan_is_noticed(
    data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = Source.read, Counter[Source]()

    def changing(source: Source) -> bytes:
        times[source] += 1
        return read(source) + b"x" * times[source]

    monkeypatch.setattr(Source, "read", changing)
    with pytest.raises(DataError, match="changed while it was being read"):
        quiet_scan(data, cache, image_size=8)


def test_rows_of_one_file_are_all_filled(data: Path, cache: Path) -> None:
    rows = tuple(Row(f"frame{n}", "a/1.png", label="a", frame=str(n)) for n in range(3))
    result = scan(Manifest(rows, data), cache_dir=cache, progress=False, image_size=8)
    assert len({row.sha256 for row in result.manifest}) == 1
    assert result.pixels is not None
    assert result.pixels.rows_of(["frame0", "frame2"]).tolist() == [0, 0]
