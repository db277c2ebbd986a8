import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gyrus.imaging.brain_box import Box, brain_box
from gyrus.imaging.geometry import Geometry, Placement, geometry_of_card
from gyrus.imaging.resizing import resize

MODES = ["squash", "pad", "crop"]


def head(height, width, box, level=200, background=3):
    image = np.full((height, width, 1), background, np.uint8)
    image[box.slices] = level
    return image


def test_the_box_is_the_heads_to_the_pixel():
    box = Box(top=11, left=20, height_px=40, width_px=31)
    assert brain_box(head(90, 80, box)) == box
    # of a colour image the brightest channel counts
    colour = np.zeros((90, 80, 3), np.uint8)
    colour[:, :, 2:] = head(90, 80, box)
    assert brain_box(colour) == box


def test_a_speck_and_a_thin_line_are_no_head():
    box = Box(top=30, left=40, height_px=120, width_px=110)
    image = head(300, 300, box)
    image[5, 7:9] = 255
    image[295, 100:102] = 255
    image[100:102, 2] = 255
    assert brain_box(image) == box


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 50, 1), np.uint8),
        np.full((40, 50, 1), 9, np.uint8),
        np.full((40, 50, 1), 255, np.uint8),
        head(200, 200, Box(5, 5, 24, 24)),  # a label in a corner, below an eighth of the side
    ],
    ids=["black", "dark", "white", "label"],
)
def test_without_a_head_the_box_is_the_whole_image(image):
    assert brain_box(image) == Box(0, 0, *image.shape[:2])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 300, 3), (300, 1, 1)])
def test_one_pixel_wide(shape):
    assert brain_box(np.full(shape, 77, np.uint8)) == Box(0, 0, *shape[:2])


def test_squash_is_the_plain_resize():
    image = np.random.default_rng(0).integers(0, 256, (37, 91, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Geometry(24).apply(image), resize(image, height_px=24, width_px=24))


def test_pad_keeps_the_aspect_and_is_black_beside():
    square = Geometry(40, "pad").apply(np.full((30, 60, 1), 99, np.uint8))[:, :, 0]
    assert (square[10:30] == 99).all()
    assert not square[:10].any()
    assert not square[30:].any()
    # 25 of 60 rows: 17 rows of 40 (16.67 rounded), 11 above and 12 below
    assert Geometry(40, "pad").placement(np.zeros((25, 60, 1), np.uint8)).target == Box(11, 0, 17, 40)
    assert Geometry(40, "pad").placement(np.zeros((1, 4000, 1), np.uint8)).target == Box(19, 0, 1, 40)


def test_crop_takes_the_central_square():
    image = np.zeros((20, 61, 1), np.uint8)
    image[:, 20:40] = 50
    assert (Geometry(16, "crop").apply(image) == 50).all()
    assert Geometry(16, "crop").placement(image).source == Box(0, 20, 20, 20)


def test_the_head_is_cut_out_before_the_aspect_is_looked_at():
    box = Box(10, 30, 50, 25)
    placed = Geometry(20, "pad", brain_crop=True).placement(head(100, 100, box))
    assert (placed.source, placed.target) == (box, Box(0, 5, 20, 10))


def test_the_key_tells_geometries_apart():
    keys = [str(Geometry(size, mode, crop)) for size in (64, 65) for mode in MODES for crop in (False, True)]
    assert len(set(keys)) == 12
    assert keys[0] == "64"  # caches filled before there was a choice stay valid


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(MODES), st.booleans(), st.integers(40, 150), st.integers(40, 150),
    st.floats(0.35, 0.65), st.floats(0.35, 0.65),
)  # fmt: skip
def test_heat_comes_back_to_where_it_arose(mode, crop, height, width, down, across):
    box = Box(height // 8, width // 6, height * 3 // 4, width * 3 // 4)
    image = head(height, width, box, level=60)
    spot = round(down * height), round(across * width)
    image[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3] = 255
    geometry = Geometry(64, mode, crop)
    heat = (geometry.apply(image)[:, :, 0] > 100).astype(np.float32)
    heat = heat.reshape(32, 2, 32, 2).mean((1, 3))  # a map is coarser than the picture
    placed = geometry.placement(image)
    back = placed.over_image(heat)
    rows, columns = np.nonzero(back >= 0.99 * back.max())
    scale = height / back.shape[0], width / back.shape[1]
    found = (rows.mean() + 0.5) * scale[0], (columns.mean() + 0.5) * scale[1]
    cell = max(placed.source.height_px, placed.source.width_px) / 32
    assume(_inside(placed.source, spot))
    assert np.hypot(found[0] - spot[0], found[1] - spot[1]) < 2 * cell + 2


def _inside(box, spot):
    return all(
        start + 3 <= place < start + length - 3
        for start, length, place in zip((box.top, box.left), (box.height_px, box.width_px), spot, strict=True)
    )


def test_heat_over_an_image_that_fills_the_square_is_left_as_it_is():
    heat = np.arange(12, dtype=np.float32).reshape(3, 4)
    placed = Geometry(32).placement(np.zeros((50, 70, 1), np.uint8))
    assert placed.fills
    assert placed.over_image(heat) is heat


def test_where_the_network_did_not_look_there_is_no_heat():
    placed = Placement(50, 90, 32, Box(0, 20, 50, 50), Box(0, 0, 32, 32))
    back = placed.over_image(np.ones((4, 4)))
    assert back.shape == (50, 90)
    assert (back[:, 20:70] == 1).all()
    assert back.sum() == 50 * 50


def test_heat_in_the_black_beside_the_image_is_not_smeared_over_it():
    placed = Geometry(40, "pad").placement(np.zeros((20, 40, 1), np.uint8))
    heat = np.zeros((4, 4), np.float32)
    heat[0] = 1  # the upper quarter of the square, all of it black
    assert placed.over_image(heat).max() <= 0.51  # half of it at the border between two cells, as ever
    assert placed.over_image(heat)[8:].max() == 0


def test_a_card_without_a_geometry_squashes():
    assert geometry_of_card({"input": {"image_size_px": 96}}) == Geometry(96)
    told = {"image_size_px": 96, "resize": "crop", "brain_crop": True}
    assert geometry_of_card({"input": told}) == Geometry(96, "crop", brain_crop=True)
