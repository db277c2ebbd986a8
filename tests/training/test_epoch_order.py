import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.config.balancing import BalanceOptions
from gyrus.training.draws import permutation
from gyrus.training.sampling import draw_strengths, epoch_order, shown_counts

BALANCED = BalanceOptions(sampler="balanced")
LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=80).map(lambda some: np.array(some, dtype=np.int64))


@given(LABELS, st.integers(0, 50), st.integers(0, 2**31))
def test_every_class_comes_equally_often(labels, epoch, seed):
    order = epoch_order(labels, epoch, seed, BALANCED)
    size, present = len(labels), np.unique(labels)
    assert order.shape == (size,)
    shown = np.bincount(labels[order % size], minlength=4)[present]
    assert (np.abs(shown - size / len(present)) <= 1).all()
    counts = np.bincount(labels, minlength=4)
    times = np.bincount(order % size, minlength=size)
    expected = size / (len(present) * counts[labels])
    assert (times >= np.floor(expected + 1e-9)).all()
    assert (times <= np.ceil(expected - 1e-9)).all()
    # the numbers tell the repetitions apart, without a gap
    assert len(set(order.tolist())) == size
    assert (order // size < times[order % size]).all()


def test_in_the_long_run_each_image_of_a_class_comes_equally_often():
    labels = np.array([0] * 90 + [1] * 10)
    total = sum(
        np.bincount(epoch_order(labels, epoch, 3, BALANCED) % 100, minlength=100) for epoch in range(400)
    )
    assert total.sum() == 40_000
    assert total[:90].sum() == pytest.approx(20_000, abs=400)
    # 222 of 400 epochs expected, standard deviation 10
    assert total[:90].min() > 170
    assert total[:90].max() < 270
    assert total[90:].min() >= 400 * 5


def test_the_order_is_a_function_of_seed_and_epoch():
    labels = np.arange(40) % 3
    first = epoch_order(labels, 2, 7, BALANCED)
    assert np.array_equal(first, epoch_order(labels, 2, 7, BALANCED))
    assert not np.array_equal(first, epoch_order(labels, 3, 7, BALANCED))
    assert not np.array_equal(first, epoch_order(labels, 2, 8, BALANCED))


def test_shuffle_is_the_plain_permutation():
    labels = np.zeros(30, dtype=np.int64)
    assert np.array_equal(epoch_order(labels, 4, 1, BalanceOptions()), permutation(1, 4, 30))


def test_shown_counts():
    labels = np.array([0] * 6 + [1] * 2 + [3] * 1)
    assert shown_counts(labels, 4, BalanceOptions()) == [6, 2, 0, 1]
    assert shown_counts(labels, 4, BALANCED) == [3, 3, 0, 3]


def test_rare_classes_are_drawn_more_strongly():
    labels = np.repeat([0, 1, 2, 3], [160, 80, 40, 1])
    assert draw_strengths(labels, BalanceOptions()) is None
    strengths = draw_strengths(labels, BalanceOptions(minority_augmentation=True))
    first = np.array([0, 160, 240, 280])
    assert strengths[first] == pytest.approx([1.0, 2**0.5, 2.0, 2.0])
    assert strengths.shape == labels.shape
