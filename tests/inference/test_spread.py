"""Spread: small movements, the same ones always."""

import numpy as np
import pytest

import tiny_bundle
from gyrus.bundles import Bundle
from gyrus.inference import Predictor
from gyrus.inference.spread import ROTATION_DEG, SCALE, SHIFT, View, moved, spread_of, views

STILL = View(0.0, 1.0, 0.0, 0.0)


def blob(height=61, width=81, row=30, column=40):
    y, x = np.mgrid[:height, :width]
    return np.rint(255 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 40)).astype(np.uint8)[:, :, None]


def middle(pixels):
    weight = pixels[:, :, 0].astype(float)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return (y * weight).sum() / weight.sum(), (x * weight).sum() / weight.sum()


def test_views_are_small_different_and_always_the_same():
    many = views(20)
    assert views(20) == many
    assert views(5) == many[:5]
    assert len(set(many)) == 20
    for view in many:
        assert abs(view.rotation_deg) <= ROTATION_DEG
        assert abs(view.scale - 1) <= SCALE
        assert max(abs(view.shift_x), abs(view.shift_y)) <= SHIFT
    assert abs(np.mean([view.rotation_deg for view in many])) < 0.5
    assert {view.rotation_deg > 0 for view in many} == {True, False}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_that_moves_nothing_changes_nothing(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (37, 52, channels), dtype=np.uint8)
    np.testing.assert_array_equal(moved(pixels, STILL), pixels)


def test_right_is_right_and_down_is_down():
    row, column = middle(blob())
    shifted = middle(moved(blob(), View(0.0, 1.0, 0.1, 0.2)))
    assert shifted == pytest.approx((row + 0.2 * 61, column + 0.1 * 81), abs=0.1)


def test_turning_is_counter_clockwise_about_the_middle_and_true_to_angles():
    away = blob(row=30, column=60)  # to the right of the middle
    row, column = middle(moved(away, View(90.0, 1.0, 0.0, 0.0)))
    assert (row, column) == pytest.approx((30.5 - 20, 40.5 - 0.5), abs=0.7)


def test_scaling_is_about_the_middle():
    grown = middle(moved(blob(row=30, column=50), View(0.0, 1.5, 0.0, 0.0)))
    assert grown[1] - 40.5 == pytest.approx(1.5 * (50 - 40), abs=0.7)


def test_mean_and_sd_are_those_of_all_answers():
    predictor = Predictor(Bundle(tiny_bundle.card(), tiny_bundle.members(), ""), 1)
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 1), dtype=np.uint8)
    answer = predictor.predict([pixels])[0]
    spread = spread_of(predictor, pixels, answer.logits, 5)
    every = np.stack(
        [answer.probabilities, *(predictor.predict([moved(pixels, v)])[0].probabilities for v in views(5))]
    )
    np.testing.assert_allclose(spread.mean, every.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(spread.sd, every.std(axis=0), atol=1e-6)
    assert sum(spread.answers.values()) == 6
    assert spread.sd.max() > 0
    again = spread_of(predictor, pixels, answer.logits, 5)
    np.testing.assert_array_equal(spread.sd, again.sd)
