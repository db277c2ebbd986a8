import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.metrics import wilson_interval
from gyrus.metrics.difference import difference_interval
from gyrus.metrics.intervals import Interval

shares = st.floats(0, 1)


def of(hits, trials):
    return Interval(hits / trials, *wilson_interval(hits, trials), trials)


def test_newcombe_1998_table_ii_method_10():
    """Score intervals joined so are Newcombe's method 10; his example (a): 56/70 - 48/80."""
    found = difference_interval(of(56, 70), of(48, 80))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=1e-4)
    assert found.high == pytest.approx(0.3339, abs=1e-4)
    assert found.clusters == 70


@given(st.tuples(shares, shares, shares).map(sorted), st.tuples(shares, shares, shares).map(sorted))
def test_it_holds_the_value_and_turns_with_its_arguments(one, other):
    first, second = Interval(one[1], one[0], one[2], 9), Interval(other[1], other[0], other[2], 5)
    there, back = difference_interval(first, second), difference_interval(second, first)
    assert there.low <= there.value <= there.high
    assert np.allclose((there.value, there.low, there.high), (-back.value, -back.high, -back.low))


def test_it_covers_when_both_are_drawn():
    rng = np.random.default_rng(3)
    truth = 0.9 - 0.6
    held = [
        found.low <= truth <= found.high
        for a, b in zip(rng.binomial(60, 0.9, 1500), rng.binomial(50, 0.6, 1500), strict=True)
        for found in [difference_interval(of(int(a), 60), of(int(b), 50))]
    ]
    assert 0.935 < np.mean(held) < 0.975


def test_without_an_interval_there_is_none():
    found = difference_interval(Interval(0.9, math.nan, math.nan, 1), Interval(0.5, 0.4, 0.6, 9))
    assert found.value == pytest.approx(0.4)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
