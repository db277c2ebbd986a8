"""Reading policies: grey and rgb, 8 and 16 bits, files that cannot be read."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gyrus.errors import ImageError, UsageError
from gyrus.imaging import READING_POLICIES, Decoded, Limits, as_uint8, read_bytes, read_image
from gyrus.imaging.reading import window
from gyrus.imaging.source import read_file

images = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def test_policies_have_ids_with_a_version() -> None:
    assert READING_POLICIES == {"grey": "grey8/2", "rgb": "rgb8/2"}


@given(images)
def test_a_grey_image_stored_as_rgb_reads_as_the_grey_image(grey: np.ndarray) -> None:
    stored = Decoded(np.stack([grey] * 3, axis=2), "PNG", "RGB")
    np.testing.assert_array_equal(as_uint8(stored, "grey")[:, :, 0], grey)


@given(images)
def test_grey_read_as_rgb_has_three_equal_channels(grey: np.ndarray) -> None:
    pixels = as_uint8(Decoded(grey, "PNG", "L"), "rgb")
    assert pixels.shape == (*grey.shape, 3)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[:, :, channel], grey)


def test_luma_is_that_of_bt601() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 77]]], np.uint8)
    luma = as_uint8(Decoded(colours, "PNG", "RGB"), "grey")[0, :, 0]
    np.testing.assert_allclose(luma, colours[0] @ [0.299, 0.587, 0.114], atol=0.51)


def test_window_runs_from_the_minimum_to_the_percentile() -> None:
    pixels = np.arange(1000, 11000, dtype=np.uint16).reshape(100, 100)
    narrow = window(pixels)
    assert narrow.min() == 0
    assert narrow.max() == 255
    high = np.percentile(pixels, 99.9)
    expected = np.rint(np.clip((pixels - 1000.0) / (high - 1000.0), 0, 1) * 255)
    np.testing.assert_array_equal(narrow, expected)


def test_one_hot_pixel_does_not_darken_the_rest() -> None:
    pixels = np.tile(np.arange(100, dtype=np.uint16), (100, 1))
    pixels[0, 0] = 65535
    assert window(pixels)[:, 99].min() >= 254


def test_nearly_flat_and_flat_16_bit() -> None:
    flat = np.full((50, 50), 700, np.uint16)
    assert not window(flat).any()
    flat[3, 3] = 900
    assert window(flat)[3, 3] == 255
    assert window(flat).sum() == 255


@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_window_keeps_the_order(pixels: np.ndarray) -> None:
    narrow = window(pixels).ravel()[np.argsort(pixels.ravel(), kind="stable")].astype(int)
    assert np.all(np.diff(narrow) >= 0)


def test_read_image_shapes(tmp_path: Path) -> None:
    path = tmp_path / "Schädel ü 脑.png"
    Image.fromarray(np.full((3, 5), 9, np.uint8)).save(path)
    assert read_image(path).shape == (3, 5, 1)
    assert read_image(path, color="rgb").shape == (3, 5, 3)
    assert read_image(path).flags.writeable
    np.testing.assert_array_equal(read_bytes(path.read_bytes(), name="x"), read_image(path))


def test_unknown_policy_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of grey, rgb"):
        as_uint8(Decoded(np.zeros((2, 2), np.uint8), "PNG", "L"), "gray")  # type: ignore[arg-type]


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist") as caught:
        read_image(tmp_path / "nothing.png")
    assert caught.value.path == str(tmp_path / "nothing.png")


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(ImageError, match="0 bytes"):
        read_image(path)


def test_a_folder_and_a_pipe_are_no_images(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(ImageError, match="no regular file"):
            read_image(path)


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bytes(100))
    with pytest.raises(ImageError, match="the limit is 99"):
        read_file(path, limits=Limits(max_file_bytes=99))
    assert len(read_file(path, limits=Limits(max_file_bytes=100))) == 100


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:  # root may read what the mode forbids
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gyrus.imaging.source.os.open", refuse)
    with pytest.raises(ImageError, match="cannot be read: Permission denied") as caught:
        read_image(path)
    assert caught.value.path == str(path)


def test_reading_a_small_file_sets_little_memory_aside(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    read_file(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
