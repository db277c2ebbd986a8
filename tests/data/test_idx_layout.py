"""Folders of IDX files: rows with frame, class and split; everything behind the manifest reads them."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from gyrus.config import DataOptions, SplitConfig
from gyrus.data import load, make_split, read_manifest, scan, write_manifest
from gyrus.errors import DataError, ImageError, LayoutError
from gyrus.imaging import read_image

RANDOM = np.random.default_rng(1)
TRAIN, TEST = (RANDOM.integers(0, 256, (count, 12, 10), dtype=np.uint8) for count in (30, 8))
LABELS = {"train": np.arange(30, dtype=np.uint8) % 3, "t10k": np.arange(8, dtype=np.uint8) % 3}


def write_pair(folder: Path, name: str, images: np.ndarray, labels: np.ndarray, suffix: str = "") -> None:
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        data = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        path = folder / f"{name}-{kind}-ubyte{suffix}"
        path.write_bytes(gzip.compress(data) if suffix else data)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "mnist"
    folder.mkdir()
    write_pair(folder, "train", TRAIN, LABELS["train"], ".gz")
    write_pair(folder, "t10k", TEST, LABELS["t10k"], ".gz")
    return folder


def test_rows_with_frame_class_and_split(data: Path) -> None:
    loaded = load(data)
    assert loaded.layout == "IDX files"
    assert len(loaded.manifest) == 38
    row = next(row for row in loaded.manifest if row.image_id == "train-images-idx3-ubyte.gz#7")
    assert (row.path, row.frame, row.label, row.split) == ("train-images-idx3-ubyte.gz", "7", "1", "train")
    assert {split: sum(counts.values()) for split, counts in loaded.manifest.counts().items()} == {
        "train": 30, "test": 8,
    }  # fmt: skip
    assert "t10k-images-idx3-ubyte.gz is test: 8 images" in loaded.notes[0]
    np.testing.assert_array_equal(read_image(loaded.manifest.source_of(row))[:, :, 0], TRAIN[7])


def test_the_scan_tells_images_apart_and_caches_them(data: Path, tmp_path: Path) -> None:
    manifest = load(data).manifest
    scanned = scan(manifest, cache_dir=tmp_path / "cache", image_size=10, progress=False)
    assert len({row.sha256 for row in scanned.manifest}) == 38
    assert {(row.height_px, row.width_px) for row in scanned.manifest} == {(12, 10)}
    assert scanned.pixels is not None
    assert scanned.pixels.shape == (38, 10, 10, 1)
    again = scan(manifest, cache_dir=tmp_path / "cache", image_size=10, progress=False)
    assert again.manifest == scanned.manifest


def test_the_manifest_comes_back(data: Path, tmp_path: Path) -> None:
    manifest = load(data).manifest
    (tmp_path / "elsewhere").mkdir()
    write_manifest(manifest, tmp_path / "elsewhere" / "manifest.csv")
    back = read_manifest(tmp_path / "elsewhere" / "manifest.csv")
    assert [(row.image_id, row.frame, row.label, row.split) for row in back] == [
        (row.image_id, row.frame, row.label, row.split) for row in manifest
    ]
    np.testing.assert_array_equal(read_image(back.source_of(back.rows[3]))[:, :, 0], TEST[3])


def test_a_table_written_by_hand_names_file_and_frame(data: Path) -> None:
    table = data / "mine.csv"
    table.write_text("path,frame,label\ntrain-images-idx3-ubyte.gz,0,a\ntrain-images-idx3-ubyte.gz,4,b\n")
    rows = load(table).manifest.rows
    assert [row.image_id for row in rows] == [
        "train-images-idx3-ubyte.gz#0", "train-images-idx3-ubyte.gz#4",
    ]  # fmt: skip


def test_the_split_of_the_files_is_kept(data: Path, tmp_path: Path) -> None:
    scanned = scan(load(data).manifest, cache_dir=tmp_path / "cache", progress=False).manifest
    divided = make_split(scanned, SplitConfig(source=data)).manifest
    assert {row.split for row in divided if row.path.startswith("t10k")} == {"test"}
    assert {row.split for row in divided if row.path.startswith("train")} == {"train", "val", "cal"}


def test_the_plain_file_is_read_before_its_gzipped_copy(data: Path) -> None:
    write_pair(data, "train", TRAIN, LABELS["train"])
    loaded = load(data)
    assert {row.path for row in loaded.manifest} == {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"}
    assert "are taken for the same images; the former is read" in loaded.notes[0]


def test_dotted_names_and_names_with_something_before(tmp_path: Path) -> None:
    write_pair(tmp_path, "emnist-digits-train", TRAIN, LABELS["train"])
    for name in ("images-idx3", "labels-idx1"):
        (tmp_path / f"emnist-digits-train-{name}-ubyte").rename(
            tmp_path / f"emnist-digits-train-{name.replace('-', '.')}-ubyte"
        )
    assert {row.split for row in load(tmp_path).manifest} == {"train"}


def test_what_is_wrong_is_said_with_the_file(data: Path) -> None:
    labels = data / "t10k-labels-idx1-ubyte.gz"
    labels.rename(data / "away")
    with pytest.raises(LayoutError, match="but not its labels") as missing:
        load(data)
    assert missing.value.fix == "add t10k-labels-idx1-ubyte.gz"
    write_pair(data, "t10k", TEST, LABELS["t10k"][:5], ".gz")
    with pytest.raises(DataError, match=r"holds 8 images, and t10k-labels-idx1-ubyte\.gz 5 labels"):
        load(data)
    images = data / "train-images-idx3-ubyte.gz"
    write_pair(data, "t10k", TEST, LABELS["t10k"], ".gz")
    images.write_bytes(images.read_bytes()[:-99])
    with pytest.raises(ImageError, match="damaged or cut off") as cut:
        load(data)
    assert cut.value.path == str(images)


def test_two_sets_in_one_folder_are_refused(data: Path) -> None:
    write_pair(data, "other-train", TRAIN, LABELS["train"])
    with pytest.raises(LayoutError, match="two IDX files of train images"):
        load(data)


def test_images_beside_them_go_first(data: Path) -> None:
    from PIL import Image

    for label in ("a", "b"):
        (data / label).mkdir()
        Image.fromarray(TRAIN[0]).save(data / label / "1.png")
    assert load(data).layout == "class folders"


def test_no_patients_are_known(data: Path) -> None:
    assert "No patients are known" in load(data, DataOptions()).notes[-1]
