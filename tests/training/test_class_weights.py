import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from gyrus.config.balancing import BalanceOptions
from gyrus.training.class_weights import class_weights, effective_number

COUNTS = st.lists(st.integers(1, 5000), min_size=2, max_size=6)


def names(counts):
    return [f"c{number}" for number in range(len(counts))]


@given(COUNTS)
def test_balanced_is_scikit_learns(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert class_weights(BalanceOptions(), counts, names(counts)) == pytest.approx(expected.tolist())


@given(COUNTS, st.floats(0, 0.9999))
def test_effective_weights_lie_between_none_and_balanced(counts, beta):
    options = BalanceOptions(class_weights="effective", effective_beta=beta)
    weights = np.array(class_weights(options, counts, names(counts)))
    assert np.average(weights, weights=counts) == pytest.approx(1.0)
    balanced = np.array(class_weights(BalanceOptions(), counts, names(counts)))
    order = np.argsort(counts, kind="stable")
    assert (np.diff(weights[order]) <= 1e-9).all()  # a rarer class never weighs less
    assert weights.max() / weights.min() <= balanced.max() / balanced.min() * (1 + 1e-9)


def test_effective_number_at_known_places():
    counts = np.array([1.0, 10.0, 1e9])
    assert effective_number(counts, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert effective_number(counts, 0.9) == pytest.approx([1.0, (1 - 0.9**10) / 0.1, 10.0])


def test_the_ratio_is_that_of_the_published_formula():
    # Cui et al. 2019, equation 4: weight = (1 - beta) / (1 - beta^n)
    a, b = class_weights(
        BalanceOptions(class_weights="effective", effective_beta=0.99), [20, 400], ("a", "b")
    )
    assert a / b == pytest.approx((1 - 0.99**400) / (1 - 0.99**20))


def test_numbers_are_used_as_given():
    assert class_weights(BalanceOptions(class_weights="2, 1"), [9, 9], ("a", "b")) == (2.0, 1.0)
    assert class_weights(BalanceOptions(class_weights="b=2,a=1"), [9, 9], ("a", "b")) == (1.0, 2.0)
    assert class_weights(BalanceOptions(class_weights="none"), [9, 1], ("a", "b")) is None
