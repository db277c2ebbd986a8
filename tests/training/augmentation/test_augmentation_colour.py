import colorsys

import numpy as np
import pytest
import torch
from drawn_by_hand import fixed

from gyrus.training.augmentation import apply

LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def test_no_saturation_is_the_luma_and_more_keeps_it():
    images = torch.rand(2, 3, 8, 8) * 0.4 + 0.3
    luma = (images * LUMA).sum(1, keepdim=True)
    torch.testing.assert_close(apply(images, fixed(2, saturation=0.0)), luma.expand_as(images))
    more = apply(images, fixed(2, saturation=1.3))
    torch.testing.assert_close((more * LUMA).sum(1, keepdim=True), luma)
    torch.testing.assert_close(more, luma + 1.3 * (images - luma))


@pytest.mark.parametrize("degrees", [20.0, -20.0])
def test_a_hue_turns_the_way_of_the_colour_circle_and_keeps_luma(degrees):
    red = torch.tensor([0.6, 0.4, 0.4])[None, :, None, None].expand(-1, -1, 4, 4)
    result = apply(red, fixed(hue_deg=degrees))
    torch.testing.assert_close((result * LUMA).sum(1), (red * LUMA).sum(1))
    hue = colorsys.rgb_to_hsv(*result[0, :, 0, 0].tolist())[0] * 360
    signed = (hue + 180) % 360 - 180
    assert 10 < signed * np.sign(degrees) < 35  # towards yellow for positive, towards magenta for negative


def test_white_balance_scales_red_and_blue():
    images = torch.rand(1, 3, 4, 4) * 0.8
    result = apply(images, fixed(red=1.1, blue=0.9))
    torch.testing.assert_close(result, images * torch.tensor([1.1, 1.0, 0.9])[:, None, None])


def test_stains_change_their_own_colour_and_leave_white():
    density = {"haematoxylin": [0.65, 0.70, 0.29], "eosin": [0.07, 0.99, 0.11]}
    for name, absorbed in density.items():
        other = next(stain for stain in density if stain != name)
        image = torch.exp(-0.8 * torch.tensor(absorbed))[None, :, None, None].expand(-1, -1, 4, 4)
        # eight tenths of the stain become twelve
        torch.testing.assert_close(apply(image, fixed(**{name: 1.5})), image**1.5, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(apply(image, fixed(**{other: 1.5})), image, rtol=1e-4, atol=1e-5)
        white = torch.ones(1, 3, 4, 4)
        torch.testing.assert_close(apply(white, fixed(**{name: 1.5})), white, rtol=0, atol=1e-6)


def test_colour_parts_leave_a_grey_image_alone():
    grey = torch.rand(2, 1, 8, 8)
    drawn = fixed(2, saturation=0.5, hue_deg=30.0, red=1.2, blue=0.8, haematoxylin=1.3, eosin=0.7)
    assert torch.equal(apply(grey, drawn), grey)
