"""Heat maps over images, and their colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gyrus.errors import StorageError, UsageError
from gyrus.pages import class_colours, overlay, write_overlay
from gyrus.pages.colour import heat_scale
from gyrus.pages.overlay import normalised, stretched

GREY = np.full((60, 80, 1), 90, np.uint8)


def lightness(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """CIE L* of sRGB colours, independent of OKLab."""
    scaled = rgb / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance))


def test_the_heat_scale_rises_evenly_in_lightness() -> None:
    steps = np.diff(lightness(heat_scale()))
    assert heat_scale().shape == (256, 3)
    assert lightness(heat_scale())[0] < 25
    assert lightness(heat_scale())[-1] > 88
    smooth = np.convolve(steps, np.ones(16) / 16, "valid")  # rounding to 8 bits makes single steps uneven
    assert smooth.min() > 0
    assert smooth.max() < 2.5 * smooth.min()


def test_the_heat_scale_has_no_jumps() -> None:
    assert np.abs(np.diff(heat_scale().astype(int), axis=0)).max() <= 6


def test_classes_have_distinct_colours_that_do_not_move() -> None:
    colours = class_colours(["a", "b", "c", "d"])
    assert len(set(colours.values())) == 4
    assert class_colours(["a", "b"])["b"] == colours["b"]


def test_without_heat_the_image_shows_through_untouched() -> None:
    for heat in (np.zeros((7, 7)), np.full((7, 7), -3.0)):
        np.testing.assert_array_equal(np.asarray(overlay(GREY, heat)), np.repeat(GREY, 3, axis=2))
    np.testing.assert_array_equal(np.asarray(overlay(GREY, np.ones((7, 7)), 0.0)), np.repeat(GREY, 3, axis=2))


def test_full_heat_at_full_opacity_is_the_end_of_the_scale() -> None:
    picture = np.asarray(overlay(GREY, np.full((3, 3), 5.0), 1.0))
    np.testing.assert_array_equal(picture, np.broadcast_to(heat_scale()[-1], picture.shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_hot_place_is_where_the_map_says(channels: int) -> None:
    pixels = np.full((100, 200, channels), 50, np.uint8)
    heat = np.zeros((4, 8), np.float32)
    heat[3, 1] = 2
    changed = np.abs(np.asarray(overlay(pixels, heat)).astype(int) - 50).sum(axis=2)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert 75 <= row < 100
    assert 25 <= column < 50
    assert changed[:40].max() == 0


# No value so small that multiplying it by 0.1 loses digits.
VALUES = st.one_of(
    st.just(0.0), st.floats(2**-20, 2.0**20, width=32), st.floats(-(2.0**20), -(2**-20), width=32)
)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=VALUES),
    st.integers(1, 60),
    st.integers(1, 60),
    st.floats(0.1, 1000),
)
def test_heat_stays_between_zero_and_one_whatever_its_scale(
    heat: npt.NDArray[np.float32], height: int, width: int, factor: float
) -> None:
    one = normalised(heat)
    assert one.min() >= 0
    assert one.max() in (0, 1)
    np.testing.assert_allclose(one, normalised(heat * np.float32(factor)), atol=1e-5)
    grown = stretched(one, height_px=height, width_px=width)
    assert grown.shape == (height, width)
    assert grown.min() >= 0
    assert grown.max() <= 1


def test_stretching_is_bilinear() -> None:
    """Pixel centres: at four times the size the first samples lie at 1/8, 3/8, 5/8 … of a cell."""
    grown = stretched(np.array([[0, 1]], np.float32), height_px=1, width_px=8)
    np.testing.assert_allclose(grown[0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], atol=1e-6)


def test_bar_and_caption_add_room_but_leave_the_picture() -> None:
    heat = np.eye(5)
    plain = overlay(GREY, heat)
    full = overlay(
        GREY, heat, colour_bar=True, caption="glioma 97 % of a very long line that does not fit at all"
    )
    assert plain.size == (80, 60)
    assert full.width > 80
    assert full.height > 60
    np.testing.assert_array_equal(np.asarray(full.crop((0, 0, 80, 60))), np.asarray(plain))


@pytest.mark.parametrize(
    ("pixels", "heat", "opacity"),
    [(GREY, np.zeros((2, 2, 2)), 0.5), (GREY, np.full((2, 2), np.nan), 0.5), (GREY, np.zeros((0, 2)), 0.5),
     (GREY, np.ones((2, 2)), 1.5), (GREY.astype(float), np.ones((2, 2)), 0.5),
     (np.zeros((4, 4, 2), np.uint8), np.ones((2, 2)), 0.5)],
)  # fmt: skip
def test_what_is_no_image_or_no_map_is_refused(pixels: Any, heat: Any, opacity: float) -> None:
    with pytest.raises(UsageError, match=r"got|opacity"):
        overlay(pixels, heat, opacity)


def test_the_file_is_a_png_and_a_failed_write_leaves_the_former(tmp_path: Path) -> None:
    path = tmp_path / "heat.png"
    write_overlay(path, GREY, np.eye(5), caption="glioma 97 %")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 80
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        write_overlay(tmp_path / "file" / "heat.png", GREY, np.eye(5))
