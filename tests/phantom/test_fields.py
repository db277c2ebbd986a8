"""Random fields: scale, smoothness, seed."""

import numpy as np
import pytest

from gyrus.phantom.fields import folded_field, smooth_field


def correlation(field, shift):
    return np.corrcoef(field[:, :-shift].ravel(), field[:, shift:].ravel())[0, 1]


@pytest.mark.parametrize("width", [0.02, 0.1, 0.3])
def test_smooth_fields_have_mean_0_and_deviation_1(width):
    fields = np.stack([smooth_field(np.random.default_rng(seed), 96, width) for seed in range(200)])
    assert fields.mean() == pytest.approx(0, abs=0.15)
    assert fields.std() == pytest.approx(1, abs=0.12)
    assert fields.dtype == np.float32


def test_width_is_the_reach_of_the_likeness():
    rng = np.random.default_rng(0)
    narrow, wide = smooth_field(rng, 200, 0.02), smooth_field(rng, 200, 0.10)
    # smoothing white noise with deviation s leaves a likeness of exp(-d² / 4 s²)
    assert correlation(narrow, 8) == pytest.approx(np.exp(-((8 / 200) ** 2) / (4 * 0.02**2)), abs=0.12)
    assert correlation(wide, 8) > 0.9


def test_folds_return_after_a_wavelength():
    fields = [folded_field(np.random.default_rng(seed), 200, 0.12) for seed in range(10)]
    half, whole = (np.mean([correlation(field, shift) for field in fields]) for shift in (12, 24))
    assert half < -0.1  # from hill to valley
    assert whole > half + 0.1
    assert abs(np.mean(fields)) < 0.05


def test_the_generator_decides():
    first, again = (smooth_field(np.random.default_rng(4), 64, 0.1) for _ in range(2))
    assert (first == again).all()
