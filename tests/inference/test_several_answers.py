"""Answers of several classes an image: sigmoids, each decided at one half."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tiny_bundle
from gyrus.bundles import Bundle
from gyrus.inference import Prediction, Predictor
from gyrus.inference.prediction import sigmoid


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(-200, 200, width=32)))
def test_sigmoid_is_exact_for_any_logits(logits: np.ndarray) -> None:
    exact = logits.astype(np.longdouble)
    np.testing.assert_allclose(sigmoid(logits), 1 / (1 + np.exp(-exact)), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(logits) + sigmoid(-logits), 1, rtol=1e-15)


def answer(*probabilities: float) -> Prediction:
    return Prediction(
        name="x.png", classes=("a", "b", "c"), probabilities=np.array(probabilities), sha256="",
        logits=np.zeros(3, np.float32), embedding=None, maps=np.arange(3, dtype=np.float32).reshape(3, 1, 1),
        height_px=1, width_px=1, seconds=0.0, task="multilabel",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("probabilities", "shown", "label"),
    [((0.5, 0.2, 0.9), ("a", "c"), "a|c"), ((0.4, 0.49, 0.1), (), "|"), ((0, 1, 0), ("b",), "b")],
)
def test_all_classes_from_one_half_on(
    probabilities: tuple[float, ...], shown: tuple[str, ...], label: str
) -> None:
    given = answer(*probabilities)
    assert given.shown == shown
    assert given.label == label
    assert given.top == "abc"[int(np.argmax(probabilities))]
    heat = given.heat()
    assert heat is not None
    assert heat.item() == np.argmax(probabilities)
    assert (given.to_json()["prediction"], given.to_json()["shown"]) == (label, list(shown))


def test_the_card_decides_what_makes_probabilities() -> None:
    members = tiny_bundle.members(seed=3)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 1)).astype(np.uint8)
    softmax, sets = (
        Predictor(Bundle(card=tiny_bundle.card(task=task), members=members, digest="")).predict([pixels])[0]
        for task in ("classify", "multilabel")
    )
    np.testing.assert_array_equal(softmax.logits, sets.logits)
    np.testing.assert_allclose(sets.probabilities, 1 / (1 + np.exp(-sets.logits.astype(float))))
    assert softmax.probabilities.sum() == pytest.approx(1)
    assert "shown" not in softmax.to_json()
