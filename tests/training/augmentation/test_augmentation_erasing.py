from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_by_hand import fixed

from gyrus.training.augmentation import POLICIES, apply, draw
from gyrus.training.augmentation.erasing import rectangles_px


def test_a_rectangle_becomes_the_images_mean_and_the_rest_stays():
    images = torch.rand(2, 3, 20, 20)
    drawn = fixed(2, erased=[[0.25, 0.5, 0.5, 0.25], [0, 0, 0, 0]])
    result = apply(images, drawn)
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[5:15, 10:15] = True
    means = images[0].mean((1, 2))
    torch.testing.assert_close(result[0][:, inside], means[:, None].expand(-1, 50))
    assert torch.equal(result[0][:, ~inside], images[0][:, ~inside])
    assert torch.equal(result[1], images[1])


def test_rectangles_lie_in_the_picture_and_have_the_areas_and_aspects_of_their_ranges():
    drawn = draw(0, 0, np.arange(4000), replace(POLICIES["none"], erasing=0.999))
    _, _, height, width = drawn.erased[drawn.erased[:, 2] > 0].T
    area, aspect = height * width, height / width
    assert 0.02 - 1e-6 <= area.min() < 0.021
    assert 0.199 < area.max() <= 0.2 + 1e-6
    assert 0.3 - 1e-4 <= aspect.min() < 0.32
    assert 3.3 < aspect.max() <= 1 / 0.3 + 1e-3
    top, bottom, left, right = rectangles_px(drawn.erased, 100, 60).T
    assert min(top.min(), left.min()) == 0
    assert (bottom.max(), right.max()) == (100, 60)
    assert (bottom - top).min() >= 0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_the_share_of_images_is_as_asked(share):
    drawn = draw(0, 0, np.arange(5000), replace(POLICIES["none"], erasing=share))
    assert (drawn.erased[:, 2] > 0).mean() == pytest.approx(share, abs=0.02)
