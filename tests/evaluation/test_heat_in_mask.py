"""How much heat lies in masks."""

import numpy as np
import pytest

from gyrus.evaluation.heat_in_mask import heat_figures, heat_in_mask

MASK = np.zeros((10, 10), np.uint8)
MASK[2:4, 2:7] = 1


def one(heat, group="A", right=True):
    return heat_in_mask(heat, MASK, group=group, right=right)


def test_an_even_map_has_what_the_mask_has_of_the_image():
    found = one(np.ones((10, 10)))
    assert (found.share, found.area) == (0.1, 0.1)


def test_heat_below_zero_is_none():
    heat = np.full((10, 10), -3.0)
    heat[2, 2], heat[9, 9] = 1.0, 3.0
    found = one(heat)
    assert found.share == 0.25
    assert not found.hottest


def test_a_map_without_heat_is_left_out():
    empty = one(np.zeros((10, 10)))
    assert np.isnan(empty.share)
    assert heat_figures([empty], 0.95) is None


def test_figures_are_clustered_and_said():
    inside, even = MASK.astype(float), np.ones((10, 10))
    images = [one(inside, "A"), one(even, "A", right=False), one(inside, "B"), one(even, "C")]
    figures = heat_figures(images, 0.95)
    assert figures["share"]["value"] == pytest.approx((1 + 0.1 + 1 + 0.1) / 4)
    assert figures["share"]["clusters"] == 3
    assert figures["share_right"]["value"] == pytest.approx(2.1 / 3)
    assert (figures["n"], figures["n_right"], figures["area"]) == (4, 3, 0.1)
    assert "5.5 times what an even map would have" in figures["sentence"]


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="expected the same"):
        heat_in_mask(np.ones((3, 3)), MASK, group="A", right=True)
