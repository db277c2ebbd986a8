"""IDX files: each image by its number, unpacked once; what is wrong with a file is said with its name."""

import gzip
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gyrus.errors import ImageError
from gyrus.imaging import decode, idx, read_image
from gyrus.imaging.idx import read_frames, read_labels
from gyrus.imaging.source import Source

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 7, 9), dtype=np.uint8)


def packed(array: np.ndarray, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    shape = array.shape if shape is None else shape
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    idx._KEPT._files.clear()


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_every_image_by_its_number(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(gzip.compress(packed(IMAGES), mtime=0) if name.endswith("gz") else packed(IMAGES))
    np.testing.assert_array_equal(read_frames(path), IMAGES)
    for number in range(5):
        source = Source(path, str(number))
        assert str(source) == f"{path}#{number}"
        np.testing.assert_array_equal(read_image(source), IMAGES[number, :, :, np.newaxis])
        decoded = decode(source.read(), name="x")
        assert (decoded.format, decoded.mode) == ("IDX", "L")
    with pytest.raises(ImageError, match="has no frame '5'; its 5 images are counted 0 to 4"):
        Source(path, "5").read()
    with pytest.raises(ImageError, match="has no frame '-1'"):
        Source(path, "-1").read()


def test_unpacked_once_however_many_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "images.gz"
    path.write_bytes(gzip.compress(packed(IMAGES), mtime=0))
    calls = []
    unpack = idx._unpack
    monkeypatch.setattr(idx, "_unpack", lambda *arguments: calls.append(1) or unpack(*arguments))
    for number in (0, 3, 1, 4):
        Source(path, str(number)).read()
    assert len(calls) == 1
    path.write_bytes(gzip.compress(packed(IMAGES[:2]), mtime=0))
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert len(read_frames(path)) == 2  # another file under the same name is read anew


def test_a_bad_file_is_tried_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "images.gz"
    path.write_bytes(gzip.compress(packed(IMAGES), mtime=0)[:-20])
    calls = []
    unpack = idx._unpack
    monkeypatch.setattr(idx, "_unpack", lambda *arguments: calls.append(1) or unpack(*arguments))
    for number in range(5):
        with pytest.raises(ImageError, match="damaged or cut off"):
            Source(path, str(number)).read()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00\x00", "is no IDX file of images: it begins with 00 00; expected 00 00 08 03"),
        (packed(IMAGES, kind=0x0D), "begins with 00 00 0d 03"),
        (packed(IMAGES[0]), "begins with 00 00 08 02"),
        (b"\x00\x00\x08\x03\x00\x00", "ends within its header"),
        (packed(IMAGES, shape=(6, 7, 9)), "its header says 6 x 7 x 9 = 378 bytes, and 315 follow"),
        (packed(IMAGES, shape=(4, 7, 9)), "its header says 4 x 7 x 9 = 252 bytes, and 315 follow"),
        (packed(IMAGES, shape=(0, 7, 9)), "expected 1 to"),
        (packed(IMAGES, shape=(5, 0, 9)), "has no pixels"),
        (packed(IMAGES, shape=(2**32 - 1, 5000, 5000)), "expected 1 to 1,073,741,824"),
        (packed(IMAGES, shape=(1, 2**31, 2**31)), "the limit is"),
        (gzip.compress(packed(IMAGES), mtime=0)[:-20], "damaged or cut off"),
        (gzip.compress(packed(IMAGES, shape=(6, 7, 9)), mtime=0), "and 315 follow"),
        (gzip.compress(packed(IMAGES, shape=(4, 7, 9)), mtime=0), "and more follow"),
        (gzip.compress(packed(IMAGES), mtime=0)[:-8] + b"12345678", "damaged or cut off: CRC"),
        (b"\x1f\x8bnonsense", "damaged or cut off"),
        (gzip.compress(b"text", mtime=0), "begins with 74 65 78 74"),
    ],
)
def test_a_hostile_file_is_refused_by_name(folder: Path, content: bytes, said: str) -> None:
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=said) as caught:
        read_frames(path)
    assert caught.value.path == str(path)


def test_a_bomb_is_not_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = folder / "bomb.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as stream:
        stream.write(packed(np.zeros(0, np.uint8), shape=(1, 10, 10)) + b"\0" * 100)
        for _ in range(64):  # 64 MiB of zeros behind an honest beginning
            stream.write(b"\0" * 2**20)
    unpacked: list[int] = []

    class Counted(gzip.GzipFile):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            unpacked.append(len(data))
            return data

    monkeypatch.setattr(gzip, "GzipFile", Counted)
    with pytest.raises(ImageError, match="its header says 1 x 10 x 10 = 100 bytes, and more follow"):
        read_frames(bomb)
    assert 100 < sum(unpacked) < 200


def test_absent_files_and_pipes(folder: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_frames(folder / "gone")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ImageError, match="is no regular file"):
        read_labels(folder / "pipe")
    with pytest.raises(ImageError, match="is no regular file"):
        Source(folder / "pipe", "0").read()


def test_labels(folder: Path) -> None:
    path = folder / "labels.gz"
    path.write_bytes(gzip.compress(packed(np.array([3, 1, 2], np.uint8)), mtime=0))
    assert read_labels(path).tolist() == [3, 1, 2]
    path.write_bytes(packed(IMAGES))
    with pytest.raises(ImageError, match="is no IDX file of labels"):
        read_labels(path)
