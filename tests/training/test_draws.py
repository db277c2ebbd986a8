import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gyrus.training.draws import Stream, key_of, permutation, uniform

INDEX = np.arange(20_000)


def test_draws_are_uniform():
    values = uniform(0, 0, INDEX, stream=Stream.AUGMENTATION, count=3)
    assert values.shape == (20_000, 3)
    assert values.min() >= 0.0
    assert values.max() < 1.0
    for column in values.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3


def test_columns_images_epochs_and_seeds_are_independent():
    base = uniform(0, 0, INDEX, stream=Stream.AUGMENTATION, count=2)
    others = [
        base[:, 1],
        np.roll(base[:, 0], 1),
        uniform(1, 0, INDEX, stream=Stream.AUGMENTATION)[:, 0],
        uniform(0, 1, INDEX, stream=Stream.AUGMENTATION)[:, 0],
        uniform(0, 0, INDEX, stream=Stream.ORDER)[:, 0],
    ]
    for other in others:
        assert abs(np.corrcoef(base[:, 0], other)[0, 1]) < 0.03


@given(
    st.integers(0, 2**63), st.integers(0, 10_000), st.lists(st.integers(0, 10**9), min_size=1, max_size=20)
)
def test_a_draw_depends_on_nothing_but_seed_epoch_and_image(seed, epoch, images):
    index = np.array(images, dtype=np.int64)
    together = uniform(seed, epoch, index, stream=Stream.ORDER, count=4)
    alone = [
        uniform(seed, epoch, index[i : i + 1], stream=Stream.ORDER, count=4)[0] for i in range(len(index))
    ]
    assert np.array_equal(together, np.array(alone))


@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(1, 300))
def test_a_permutation_holds_every_image_once(seed, epoch, size):
    assert np.array_equal(np.sort(permutation(seed, epoch, size)), np.arange(size))


def test_epochs_have_different_orders_and_the_same_epoch_the_same():
    assert np.array_equal(permutation(0, 3, 100), permutation(0, 3, 100))
    assert not np.array_equal(permutation(0, 3, 100), permutation(0, 4, 100))
    assert not np.array_equal(permutation(0, 3, 100), permutation(1, 3, 100))


@pytest.mark.parametrize("stream", list(Stream))
def test_keys_do_not_collide(stream):
    keys = {key_of(seed, epoch, stream) for seed in range(50) for epoch in range(50)}
    assert len(keys) == 2500
    assert all(0 <= key < 2**64 for key in keys)
