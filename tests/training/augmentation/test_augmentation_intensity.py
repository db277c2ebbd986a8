import numpy as np
import pytest
import torch
from drawn_by_hand import fixed
from scipy import stats

from gyrus.training.augmentation import apply
from gyrus.training.augmentation.drawing import FIELD_TERMS


def test_brightness_contrast_and_gamma_do_what_they_are_called():
    images = torch.rand(1, 1, 16, 16) * 0.5 + 0.2
    mean = images.mean()
    torch.testing.assert_close(apply(images, fixed(brightness=1.1)), images * 1.1)
    torch.testing.assert_close(apply(images, fixed(contrast=0.8)), (images - mean) * 0.8 + mean)
    torch.testing.assert_close(apply(images, fixed(gamma=1.2)), images**1.2)


@pytest.mark.parametrize("gamma", [0.5, 1.5])
def test_gamma_keeps_black_and_white(gamma):
    ends = torch.tensor([0.0, 1.0]).repeat(1, 1, 2, 4)
    assert torch.equal(apply(ends, fixed(gamma=gamma)), ends)


def test_a_window_maps_its_ends_to_black_and_white_and_clips_beyond():
    ramp = torch.linspace(0, 1, 101)[None, None, None]
    result = apply(ramp, fixed(window_low=0.1, window_high=0.9)).flatten()
    assert result[:11].max() == pytest.approx(0, abs=1e-6)
    assert result[90:].min() == pytest.approx(1, abs=1e-6)
    assert result[50] == pytest.approx(0.5)
    assert result[30] == pytest.approx(0.25)
    # a wider window than the picture's: black becomes grey, and nothing is clipped
    wide = apply(ramp, fixed(window_low=-0.1, window_high=1.1)).flatten()
    assert wide[[0, -1]].tolist() == pytest.approx([1 / 12, 11 / 12])


def test_the_field_is_the_polynomial_of_its_weights():
    term = FIELD_TERMS.index((1, 0))
    field = np.zeros((1, len(FIELD_TERMS)))
    field[0, term] = 0.3
    result = apply(torch.full((1, 1, 8, 8), 0.5), fixed(field=field))[0, 0]
    centres = (2 * torch.arange(8) + 1) / 8 - 1
    torch.testing.assert_close(result, (0.5 * (1 + 0.3 * centres)).expand(8, 8))


def test_no_field_exceeds_the_sum_of_its_weights_and_it_is_smooth():
    generator = np.random.default_rng(0)
    weights = generator.uniform(-1, 1, (50, len(FIELD_TERMS)))
    weights *= 0.4 / np.abs(weights).sum(axis=1, keepdims=True)
    field = apply(torch.full((50, 1, 64, 64), 0.5), fixed(50, field=weights)) / 0.5 - 1
    assert field.abs().max() <= 0.4 + 1e-6
    assert field.abs().amax((1, 2, 3)).min() > 0.05
    assert field.diff(dim=-1).abs().max() < 0.4 * 9 * 2 / 64  # T_3 climbs by at most 9 over a unit


def test_additive_noise_is_normal_and_of_its_deviation():
    noise = (apply(torch.full((1, 1, 128, 128), 0.5), fixed(noise=0.04, noise_place=0.3)) - 0.5).flatten()
    assert stats.kstest(noise.numpy() / 0.04, "norm").pvalue > 1e-3


def test_magnitude_noise_is_rician():
    drawn = fixed(noise=0.04, noise_place=[[0.3, 0.7]], noise_kind="magnitude")
    black = apply(torch.zeros(1, 1, 128, 128), drawn).flatten().numpy()
    assert stats.kstest(black / 0.04, "rayleigh").pvalue > 1e-3
    tissue = apply(torch.full((1, 1, 128, 128), 0.1), drawn).flatten().numpy()
    assert stats.kstest(tissue / 0.04, "rice", args=(0.1 / 0.04,)).pvalue > 1e-3


def test_each_image_has_noise_of_its_own_without_a_pattern():
    places = np.random.default_rng(0).random((40, 2))
    images = torch.full((40, 1, 32, 32), 0.5)
    noise = apply(images, fixed(40, noise=0.05, noise_place=places)) - 0.5
    likeness = torch.corrcoef(noise.flatten(1)) - torch.eye(40)
    assert likeness.abs().max() < 0.2
    along = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()
    assert along.abs() < 0.02


def test_a_larger_image_reads_on_in_the_same_noise():
    small, large = (
        apply(torch.full((1, 1, side, 16), 0.5), fixed(noise=0.05, noise_place=0.5)) for side in (8, 16)
    )
    assert torch.equal(small[0, 0], large[0, 0, :8])
