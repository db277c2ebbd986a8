from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from gyrus.training.augmentation import BRAIN_MRI, Parameters, Ranges, apply, draw, move, recolour
from gyrus.training.augmentation import _sampling_matrices as sampling_matrices

NOTHING = Ranges(0, 0, 0, 0, 0, 0)


def fixed(n=1, **values):
    """Parameters that change nothing but what is named."""
    base = draw(0, 0, np.arange(n), NOTHING)
    return replace(base, **{name: np.full(n, value, np.float32) for name, value in values.items()})


def blob(y, x, side=64, spread=3.0):
    grid_y, grid_x = np.mgrid[:side, :side]
    image = np.exp(-((grid_y - y) ** 2 + (grid_x - x) ** 2) / (2 * spread**2))
    return torch.from_numpy(image.astype(np.float32))[None, None]


def centre(image):
    return np.array(ndimage.center_of_mass(image[0, 0].numpy()))


def test_draws_stay_within_their_ranges_and_reach_near_their_ends():
    drawn = draw(0, 0, np.arange(5000))
    limits = {
        "rotation_deg": (-12, 12), "shift_x": (-0.05, 0.05), "shift_y": (-0.05, 0.05), "scale": (0.9, 1.1),
        "brightness": (0.9, 1.1), "contrast": (0.85, 1.15), "gamma": (np.exp(-0.2), np.exp(0.2)),
    }  # fmt: skip
    for name, (low, high) in limits.items():
        values = getattr(drawn, name)
        assert low - 1e-6 <= values.min() <= low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) <= values.max() <= high + 1e-6


def test_an_image_has_the_same_draw_in_any_batch():
    all_images = draw(3, 7, np.arange(100))
    some = draw(3, 7, np.array([42, 7]))
    assert np.array_equal(some.rotation_deg, all_images.rotation_deg[[42, 7]])
    assert not np.array_equal(draw(3, 8, np.arange(100)).gamma, all_images.gamma)
    assert not np.array_equal(draw(4, 7, np.arange(100)).gamma, all_images.gamma)


def test_nothing_is_ever_flipped():
    matrices = sampling_matrices(draw(0, 0, np.arange(20_000)), 64, 64)
    assert (np.linalg.det(matrices[:, :, :2]) > 0.5).all()
    # and no half turn, which would be two flips
    assert (matrices[:, 0, 0] > 0.8).all()


def test_without_strength_it_is_the_identity():
    images = torch.rand(4, 3, 33, 47)
    torch.testing.assert_close(apply(images, fixed(4)), images, rtol=0, atol=1e-5)


def test_a_batch_is_treated_as_its_images_one_by_one():
    images = torch.rand(5, 1, 32, 32)
    together = apply(images, draw(0, 0, np.arange(5)))
    alone = [apply(images[i : i + 1], draw(0, 0, np.array([i]))) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-6)


def test_results_stay_in_range_and_finite():
    images = torch.cat([torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16), torch.rand(6, 1, 16, 16)])
    result = apply(images, draw(0, 0, np.arange(8)))
    assert result.isfinite().all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize(("name", "axis"), [("shift_x", 1), ("shift_y", 0)])
def test_a_shift_moves_right_and_down(name, axis):
    moved = centre(move(blob(32, 32), fixed(**{name: 0.125})))
    expected = np.array([32.0, 32.0])
    expected[axis] += 8
    assert moved == pytest.approx(expected, abs=0.05)


def test_a_rotation_turns_counter_clockwise_about_the_centre():
    # a point right of the centre goes up
    moved = centre(move(blob(31.5, 31.5 + 16), fixed(rotation_deg=90)))
    assert moved == pytest.approx([31.5 - 16, 31.5], abs=0.05)


def test_a_rotation_is_a_rotation_in_pictures_that_are_not_square():
    image = torch.zeros(1, 1, 40, 80)
    image[0, 0, :, 20:60] = blob(19.5, 19.5 + 10)[0, 0, :40, :40]
    moved = centre(move(image, fixed(rotation_deg=90)))
    assert moved == pytest.approx([19.5 - 10, 39.5], abs=0.1)


def test_scaling_enlarges_about_the_centre():
    moved = move(blob(31.5, 31.5 + 10), fixed(scale=1.5))
    assert centre(moved) == pytest.approx([31.5, 31.5 + 15], abs=0.05)
    assert moved.sum() == pytest.approx(float(blob(31.5, 41.5).sum()) * 1.5**2, rel=0.02)


def test_rotation_equals_scipys():
    image = ndimage.gaussian_filter(np.random.default_rng(0).random((65, 65)), 3).astype(np.float32)
    ours = move(torch.from_numpy(image)[None, None], fixed(rotation_deg=11.0))[0, 0].numpy()
    theirs = ndimage.rotate(image, 11.0, reshape=False, order=1)
    inside = slice(12, -12)
    assert np.abs(ours - theirs)[inside, inside].max() < 2e-3


def test_what_comes_in_from_outside_is_black():
    moved = move(torch.ones(1, 1, 40, 40), fixed(shift_x=0.25))
    assert moved[0, 0, :, :9].max() == 0
    assert moved[0, 0, :, 11:].min() == pytest.approx(1)


def test_brightness_contrast_and_gamma_do_what_they_are_called():
    images = torch.rand(1, 1, 16, 16) * 0.5 + 0.2
    mean = images.mean()
    torch.testing.assert_close(recolour(images, fixed(brightness=1.1)), images * 1.1)
    torch.testing.assert_close(recolour(images, fixed(contrast=0.8)), (images - mean) * 0.8 + mean)
    torch.testing.assert_close(recolour(images, fixed(gamma=1.2)), images**1.2)


def test_the_default_is_the_one_for_brain_mri():
    assert isinstance(draw(0, 0, np.arange(1)), Parameters)
    assert BRAIN_MRI.rotation_deg <= 15
    assert BRAIN_MRI.shift <= 0.05
