"""Resizing: shapes, identity, and antialiasing held against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.imaging import resize


@pytest.mark.parametrize("channels", [1, 3])
def test_same_size_is_identity(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23, channels), dtype=np.uint8)
    np.testing.assert_array_equal(resize(pixels, height_px=17, width_px=23), pixels)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_a_flat_image_stays_flat(
    height: int, width: int, new_height: int, new_width: int, value: int
) -> None:
    pixels = np.full((height, width, 1), value, np.uint8)
    resized = resize(pixels, height_px=new_height, width_px=new_width)
    assert resized.shape == (new_height, new_width, 1)
    assert np.all(resized == value)


@pytest.mark.parametrize("size", [(16, 16), (50, 31), (100, 120)])
def test_equals_torch_with_antialias_within_one_grey_level(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    pixels = np.random.default_rng(1).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    ours = resize(pixels, height_px=size[0], width_px=size[1]).astype(float)
    tensor = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    theirs = torch.nn.functional.interpolate(tensor, size=size, mode="bilinear", antialias=True)
    assert np.abs(ours - theirs[0].permute(1, 2, 0).numpy()).max() <= 1.01


def test_grey_equals_a_channel_of_rgb() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (40, 40, 1), dtype=np.uint8)
    three = resize(np.repeat(grey, 3, axis=2), height_px=13, width_px=29)
    one = resize(grey, height_px=13, width_px=29)
    np.testing.assert_array_equal(three[:, :, 1], one[:, :, 0])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (4, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        resize(np.zeros(shape, np.uint8), height_px=2, width_px=2)


def test_other_types_and_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        resize(np.zeros((4, 4, 1), np.float32), height_px=2, width_px=2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot resize"):
        resize(np.zeros((4, 4, 1), np.uint8), height_px=0, width_px=2)
